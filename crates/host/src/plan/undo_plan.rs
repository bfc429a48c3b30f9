//! The undo as data.

use std::fmt;
use std::path::PathBuf;

use super::command::SystemCommand;
use super::entry_state::EntryState;
use super::service_dns;
use super::step::{AccountDirectory, SystemService, shown};

/// The fate of an entry changed since the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Nothing is undone.
    Refuse,
    /// The former entry is put back, and the change is lost.
    Restore,
    /// The changed entry stays.
    Keep,
}

/// The undo as data, in order.
#[derive(Debug)]
pub struct UndoPlan {
    /// The steps.
    pub steps: Vec<UndoStep>,
}

/// A step of an undo. [`fmt::Display`] shows the words of a person at a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoStep {
    /// The former entry is put back; without a former entry, the present entry is removed.
    PutBack {
        /// The path in the system.
        path: PathBuf,
        /// The place of the entry.
        place: PathBuf,
        /// The entry of now.
        current: EntryState,
        /// The former entry.
        former: EntryState,
        /// The second name of the former entry, unless given by an earlier plan that stays.
        second_name: Option<PathBuf>,
    },
    /// Lines are taken out of a file with further changes.
    RemoveLines {
        /// The path in the system.
        path: PathBuf,
        /// The place of the file.
        place: PathBuf,
        /// The file of now.
        current: EntryState,
        /// The lines.
        lines: String,
        /// As in [`UndoStep::PutBack`].
        second_name: Option<PathBuf>,
    },
    /// A folder is removed: an empty folder, or with the content.
    RemoveFolder {
        /// The path in the system.
        path: PathBuf,
        /// The place of the folder.
        place: PathBuf,
        /// Whether the content goes, too.
        with_content: bool,
    },
    /// A user is removed.
    RemoveUser {
        /// The name.
        name: String,
        /// Commands that remove the user.
        remove: Vec<SystemCommand>,
        /// The files of accounts before there was the user.
        accounts: Vec<(PathBuf, EntryState)>,
        /// The questions to a directory of accounts, if the system has one.
        directory: Option<AccountDirectory>,
    },
    /// A service is stopped.
    Stop(SystemService),
    /// A service is started.
    Start(SystemService),
    /// The former servers of a network service of macOS are set.
    SetDnsServers {
        /// The name of the service.
        service: String,
        /// The servers; none where the network names them.
        servers: Vec<String>,
    },
    /// A command is run.
    Run(SystemCommand),
    /// A changed file stays.
    Keep {
        /// The path in the system.
        path: PathBuf,
        /// The place of the file.
        place: PathBuf,
        /// As in [`UndoStep::PutBack`].
        second_name: Option<PathBuf>,
    },
    /// A changed entry is in the way of the undo.
    Conflict {
        /// The path in the system.
        path: PathBuf,
        /// Lines new and gone since the plan.
        difference: Vec<String>,
    },
}

impl UndoPlan {
    /// The entries in the way of the undo.
    pub fn conflicts(&self) -> impl Iterator<Item = &UndoStep> {
        self.steps.iter().filter(|step| matches!(step, UndoStep::Conflict { .. }))
    }
}

impl fmt::Display for UndoStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UndoStep::PutBack { path, former: EntryState::Absent, .. } => {
                write!(f, "rm {}", shown(path))
            }
            UndoStep::PutBack { path, .. } => write!(f, "put back {}", shown(path)),
            UndoStep::RemoveLines { path, .. } => {
                write!(f, "take our lines out of {}", shown(path))
            }
            UndoStep::RemoveFolder { path, with_content: true, .. } => {
                write!(f, "rm -r {}", shown(path))
            }
            UndoStep::RemoveFolder { path, .. } => write!(f, "rmdir {}", shown(path)),
            UndoStep::RemoveUser { remove, .. } => {
                let commands: Vec<String> = remove.iter().map(SystemCommand::to_string).collect();
                f.write_str(&commands.join(" && "))
            }
            UndoStep::Stop(service) => write!(f, "{}", service.stop),
            UndoStep::Start(service) => write!(f, "{}", service.start),
            UndoStep::SetDnsServers { service, servers } => {
                write!(f, "{}", service_dns::set(service, servers))
            }
            UndoStep::Run(command) => write!(f, "{command}"),
            UndoStep::Keep { path, .. } => write!(f, "keep {}", shown(path)),
            UndoStep::Conflict { path, .. } => {
                write!(f, "{} has changed since the install", shown(path))
            }
        }
    }
}
