//! Commands of a release that failed: the files are as before, but a program of the system does not know so yet.
//!
//! The commands are tried again, with growing pauses, until each succeeds, or until our settings are taken anew. The list
//! lies in `/run`, since every program reads its files at the next boot.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::condition_file::FOLDER;
use crate::guard::retry::Retry;
use crate::plan::{CommandRunner, SystemCommand, SystemRoot};

const FILE: &str = "failed-commands.json";

/// A command that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCommand {
    /// The command.
    pub command: SystemCommand,
    /// The exit status and the last words of the command.
    pub reason: String,
}

/// The failed commands, with the moment of the next attempt.
#[derive(Debug, Default)]
pub struct FailedCommands {
    list: Vec<FailedCommand>,
    retry: Retry,
}

impl FailedCommands {
    /// The commands on the list of this boot; none where the list cannot be read.
    #[must_use]
    pub fn read(root: &SystemRoot) -> Self {
        let place = root.locate(&Path::new(FOLDER).join(FILE));
        let list = place.and_then(fs::read).ok();
        let list = list.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        FailedCommands { list, retry: Retry::default() }
    }

    /// The commands.
    #[must_use]
    pub fn list(&self) -> &[FailedCommand] {
        &self.list
    }

    /// Adds the failed commands of a release.
    pub fn add(&mut self, failed: Vec<FailedCommand>) {
        for failure in failed {
            self.list.retain(|known| known.command != failure.command);
            self.list.push(failure);
        }
    }

    /// Forgets the commands: our settings are taken.
    pub fn clear(&mut self) {
        self.list.clear();
        self.retry = Retry::default();
    }

    /// Runs the commands again if an attempt is due. Returns the commands that were run, with a new reason for each
    /// further failure.
    pub fn try_again(
        &mut self,
        now: Duration,
        commands: &mut dyn CommandRunner,
    ) -> Vec<(SystemCommand, Result<(), String>)> {
        if self.list.is_empty() || !self.retry.may_try(now) {
            return Vec::new();
        }
        let mut ends = Vec::new();
        self.list.retain_mut(|failed| {
            let end = failed.command.run_by(commands);
            if let Err(reason) = &end {
                failed.reason.clone_from(reason);
            }
            let has_failed = end.is_err();
            ends.push((failed.command.clone(), end));
            has_failed
        });
        if self.list.is_empty() {
            self.retry = Retry::default();
        }
        ends
    }

    /// Writes the list beside the condition.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, root: &SystemRoot) -> io::Result<()> {
        let place = root.locate(&Path::new(FOLDER).join(FILE))?;
        let text = serde_json::to_vec(&self.list)?;
        zoners_files::replace(&place, 0o644, |file| file.write_all(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CommandEnd;

    /// A program that responds from the third attempt on.
    #[derive(Default)]
    struct SlowProgram {
        attempts: usize,
    }

    impl CommandRunner for SlowProgram {
        fn run(&mut self, _: &SystemCommand) -> io::Result<CommandEnd> {
            self.attempts += 1;
            let error = "warning\nError: NetworkManager is not running.\n".to_owned();
            let status = "exit status 8".to_owned();
            let success = self.attempts >= 3;
            Ok(CommandEnd { success, status, error, ..CommandEnd::default() })
        }
    }

    #[test]
    fn a_failed_command_is_tried_again_with_pauses_until_it_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("run/zoners-dns")).unwrap();
        let root = SystemRoot::new(folder.path()).unwrap();
        let command = SystemCommand::of(&["nmcli", "general", "reload"]);
        let mut failed = FailedCommands::read(&root);
        failed.add(vec![FailedCommand { command: command.clone(), reason: "first".to_owned() }]);
        failed.add(vec![FailedCommand { command: command.clone(), reason: "second".to_owned() }]);
        failed.write(&root).unwrap();
        let mut failed = FailedCommands::read(&root);
        assert_eq!(failed.list().len(), 1);
        let mut program = SlowProgram::default();
        let reason = "exit status 8: Error: NetworkManager is not running.".to_owned();
        let mut attempts = Vec::new();
        for second in 0..60 {
            let ends = failed.try_again(Duration::from_secs(second), &mut program);
            attempts.extend(ends.into_iter().map(|(_, end)| (second, end)));
        }
        let expected = [(0, Err(reason.clone())), (1, Err(reason)), (3, Ok(()))];
        assert_eq!(attempts, expected);
        assert!(failed.list().is_empty());
        failed.write(&root).unwrap();
        assert!(FailedCommands::read(&root).list().is_empty());
    }

    #[test]
    fn nothing_is_tried_again_once_our_settings_are_taken() {
        let mut failed = FailedCommands::default();
        let command = SystemCommand::of(&["resolvconf", "-d", "lo.zoners"]);
        failed.add(vec![FailedCommand { command, reason: String::new() }]);
        failed.clear();
        let mut program = SlowProgram::default();
        assert!(failed.try_again(Duration::from_secs(9), &mut program).is_empty());
        assert_eq!(program.attempts, 0);
    }
}
