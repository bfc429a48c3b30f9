//! One step of a plan, as data.

mod words;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::command::SystemCommand;
use super::entry_state::EntryState;
pub(super) use words::shown;

/// A step. [`std::fmt::Display`] shows the words of a person at a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum PlanStep {
    /// A file with this content is at the path. The undo puts back the former entry.
    WriteFile {
        /// The path in the system.
        path: PathBuf,
        /// The content.
        content: FileSource,
        /// The permissions.
        mode: u32,
        /// Numbers of owner and group; the default is the user of the process.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<(u32, u32)>,
        /// Whether the file is made immutable (`chattr +i`), like the former file.
        #[serde(default)]
        immutable: bool,
        /// The fate of a changed file in the undo.
        #[serde(default)]
        if_changed: IfChanged,
    },
    /// The file has these lines too. The undo takes out the lines, whatever else has changed in the file.
    AddLines {
        /// The path in the system, of a file and no link.
        path: PathBuf,
        /// Whole lines, each with a line end.
        lines: String,
        /// Where the lines are added.
        position: LinePosition,
    },
    /// There is no file and no link at the path.
    RemoveFile {
        /// The path in the system.
        path: PathBuf,
    },
    /// There is a folder at the path. The undo removes a folder made by the step, once empty.
    MakeFolder {
        /// The path in the system.
        path: PathBuf,
        /// The permissions of a new folder.
        mode: u32,
        /// Whether the undo removes the folder with the content: state of the daemon, of no use without the daemon.
        #[serde(default)]
        with_content: bool,
    },
    /// A symbolic link is at the path.
    Link {
        /// The path in the system.
        path: PathBuf,
        /// The target as written in the link.
        target: PathBuf,
    },
    /// There is a user of this name.
    CreateUser {
        /// The name, also of the main group.
        name: String,
        /// Commands that make the user.
        add: Vec<SystemCommand>,
        /// Commands that remove the user and the group.
        remove: Vec<SystemCommand>,
        /// The questions to a directory of accounts; none where the tables in `/etc` have every account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        directory: Option<AccountDirectory>,
    },
    /// A service runs; a running service is restarted. The undo stops the service if the former state was stopped.
    StartService(SystemService),
    /// A service does not run. The undo starts the service if the former state was running.
    StopService(SystemService),
    /// A network service of macOS has these servers, set by hand (`networksetup`). The undo sets all former servers,
    /// unless different servers were set meanwhile.
    SetDnsServers {
        /// The name of the service.
        service: String,
        /// The servers.
        servers: Vec<String>,
    },
    /// A command is run: `systemctl daemon-reload` and the like, after which a program knows the new files.
    Run {
        /// The command.
        command: SystemCommand,
        /// When the command is run. A command of the undo stands *before* the files in question, since an undo
        /// goes from the last step to the first.
        direction: Direction,
    },
    /// The caller checks something, and a failure ends the plan.
    Check {
        /// The name of the check, known to the caller.
        name: String,
        /// The check in words.
        text: String,
    },
}

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileSource {
    /// This text.
    Text(String),
    /// The content of a file of the running system, read when the step is carried out.
    CopyOf(PathBuf),
}

/// The fate of an entry in the undo, if changed since the step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IfChanged {
    /// Nothing is undone before a person has decided.
    #[default]
    Refuse,
    /// The changed file stays: a configuration edited by a person.
    Keep,
    /// The former entry is put back: the program, which upgrades replace.
    Restore,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinePosition {
    /// Before the first line.
    Start,
    /// After the last line.
    End,
}

/// Whether a command belongs to carrying out a plan or to the undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Run when the plan is carried out.
    Forward,
    /// Run when the plan is undone.
    Backward,
}

/// A service, by the commands of the service manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemService {
    /// The name for the manager.
    pub name: String,
    /// Starts the service.
    pub start: SystemCommand,
    /// Restarts the service.
    pub restart: SystemCommand,
    /// Stops the service.
    pub stop: SystemCommand,
    /// Succeeds if the service runs.
    pub is_running: SystemCommand,
    /// Succeeds if there is something to stop: the service runs, starts, or is to be started again. None as `is_running`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_process: Option<SystemCommand>,
}

/// Questions to a directory of accounts, as macOS has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDirectory {
    /// Succeeds if the user is there as a whole.
    pub has_user: SystemCommand,
    /// Succeeds if any part of the user or the group is there.
    pub has_part: SystemCommand,
}

/// The thing changed by a step. Steps with the same thing, of one plan or of several plans, are undone at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StepKey {
    Path(PathBuf),
    User(String),
    Service(String),
    DnsServers(String),
    Command(SystemCommand),
}

impl PlanStep {
    /// A file of the system, readable by everyone.
    #[must_use]
    pub fn write(path: &str, text: String) -> Self {
        PlanStep::write_where(path, text, IfChanged::Refuse)
    }

    /// A file of the system, readable by everyone, with a rule for the undo of a changed file.
    #[must_use]
    pub fn write_where(path: &str, text: String, if_changed: IfChanged) -> Self {
        PlanStep::WriteFile {
            path: path.into(),
            content: FileSource::Text(text),
            mode: 0o644,
            owner: None,
            immutable: false,
            if_changed,
        }
    }

    /// A folder of the system, readable by everyone.
    #[must_use]
    pub fn folder(path: &str) -> Self {
        PlanStep::MakeFolder { path: path.into(), mode: 0o755, with_content: false }
    }

    /// A symbolic link.
    #[must_use]
    pub fn link(path: &str, target: &str) -> Self {
        PlanStep::Link { path: path.into(), target: target.into() }
    }

    /// A command of carrying out.
    #[must_use]
    pub fn run(words: &[&str]) -> Self {
        PlanStep::Run { command: SystemCommand::of(words), direction: Direction::Forward }
    }

    /// A command of the undo, for a place before the steps in question.
    #[must_use]
    pub fn run_on_undo(words: &[&str]) -> Self {
        PlanStep::Run { command: SystemCommand::of(words), direction: Direction::Backward }
    }

    /// The path of the entry changed by the step.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            PlanStep::WriteFile { path, .. }
            | PlanStep::AddLines { path, .. }
            | PlanStep::RemoveFile { path }
            | PlanStep::MakeFolder { path, .. }
            | PlanStep::Link { path, .. } => Some(path),
            _ => None,
        }
    }

    /// The thing changed by the step; none if there is nothing to undo.
    pub(super) fn key(&self) -> Option<StepKey> {
        if let Some(path) = self.path() {
            return Some(StepKey::Path(path.to_owned()));
        }
        match self {
            PlanStep::CreateUser { name, .. } => Some(StepKey::User(name.clone())),
            PlanStep::StartService(service) | PlanStep::StopService(service) => {
                Some(StepKey::Service(service.name.clone()))
            }
            PlanStep::SetDnsServers { service, .. } => Some(StepKey::DnsServers(service.clone())),
            PlanStep::Run { command, direction: Direction::Backward } => {
                Some(StepKey::Command(command.clone()))
            }
            _ => None,
        }
    }

    /// Whether this step makes `current` of `former`. Attributes do not count.
    pub(super) fn has_made(&self, former: &EntryState, current: &EntryState) -> bool {
        match self {
            PlanStep::WriteFile { content: FileSource::Text(text), .. } => {
                current.content() == Some(text.as_bytes())
            }
            PlanStep::WriteFile { content: FileSource::CopyOf(_), .. } => {
                matches!(current, EntryState::File { .. })
            }
            PlanStep::AddLines { lines, position, .. } => {
                let added = with_lines(former.content().unwrap_or_default(), lines, *position);
                current.content() == Some(&added)
            }
            PlanStep::RemoveFile { .. } => *current == EntryState::Absent,
            PlanStep::MakeFolder { .. } => *current == EntryState::Folder,
            PlanStep::Link { target: wanted, .. } => {
                let target = |target: &super::EntryOctets| {
                    wanted.as_os_str() == super::entry_state::target(target)
                };
                matches!(current, EntryState::Link { target: own, .. } if target(own))
            }
            _ => false,
        }
    }
}

/// The content with further lines. A last line without a line end gets a line end.
pub(super) fn with_lines(content: &[u8], lines: &str, position: LinePosition) -> Vec<u8> {
    let end: &[u8] = if content.is_empty() || content.ends_with(b"\n") { b"" } else { b"\n" };
    match position {
        LinePosition::Start => [lines.as_bytes(), content].concat(),
        LinePosition::End => [content, end, lines.as_bytes()].concat(),
    }
}

/// The content without these lines; none if the content lacks the lines.
pub(super) fn without_lines(content: &[u8], lines: &str) -> Option<Vec<u8>> {
    let lines = lines.as_bytes();
    let is_line = |at: usize| at == 0 || content.get(at - 1) == Some(&b'\n');
    let mut places = content.windows(lines.len().max(1)).enumerate();
    let (at, _) = places.find(|(at, part)| *part == lines && is_line(*at))?;
    Some([content.get(..at)?, content.get(at + lines.len()..)?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_lines_are_found_again_whatever_stands_around() {
        for (content, position, added) in [
            ("a\n", LinePosition::End, "a\nours\n"),
            ("a", LinePosition::End, "a\nours\n"),
            ("", LinePosition::End, "ours\n"),
            ("a\n", LinePosition::Start, "ours\na\n"),
        ] {
            assert_eq!(with_lines(content.as_bytes(), "ours\n", position), added.as_bytes());
        }
        assert_eq!(without_lines(b"a\nours\nb\n", "ours\n").unwrap(), b"a\nb\n");
        assert_eq!(without_lines(b"ours\nb\n", "ours\n").unwrap(), b"b\n");
        assert_eq!(without_lines(b"not ours\nb\n", "ours\n"), None);
        assert_eq!(without_lines(b"", "ours\n"), None);
    }
}
