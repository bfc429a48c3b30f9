//! The format of the journal: lines of JSON.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry_state::EntryState;
use super::step::PlanStep;

/// The version of the format. A later program reads every earlier version.
pub(super) const FORMAT: u32 = 1;
/// The file name of the journal.
pub(super) const FILE: &str = "journal.jsonl";

/// What was before a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "former", rename_all = "kebab-case")]
pub enum FormerState {
    /// The entry at the path.
    Path {
        /// The entry.
        state: EntryState,
    },
    /// The user.
    User {
        /// Whether there was a user.
        existed: bool,
        /// The files of accounts, by path, if there was none.
        accounts: Vec<(PathBuf, EntryState)>,
    },
    /// The service.
    Service {
        /// Whether the service ran.
        running: bool,
    },
    /// The servers set by hand for a network service of macOS.
    DnsServers {
        /// All servers; none where the network names them.
        servers: Vec<String>,
    },
    /// Nothing to be put back.
    Nothing,
}

/// A step after the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunStep {
    /// The step.
    pub step: PlanStep,
    /// What was before.
    pub former: FormerState,
    /// Whether the step is known to have ended.
    pub done: bool,
}

/// A line of the journal.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum JournalLine {
    Head {
        journal: u32,
        program: String,
    },
    Begin {
        begin: Box<PlanStep>,
        former: FormerState,
        /// The file beside with the former content.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stored: Option<String>,
    },
    Done {
        done: usize,
    },
}

/// The steps, and the octets of the whole lines.
pub(super) fn read(text: &[u8], folder: &Path) -> io::Result<(Vec<BegunStep>, u64)> {
    let (mut steps, mut length) = (Vec::<BegunStep>::new(), 0);
    let lines: Vec<&[u8]> = text.split_inclusive(|octet| *octet == b'\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let is_last = number + 1 == lines.len();
        let parsed = serde_json::from_slice(line);
        let damaged = |why: String| {
            let text = format!("{}, line {}: {why}", folder.join(FILE).display(), number + 1);
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        match parsed {
            Ok(_) if !line.ends_with(b"\n") => break,
            Ok(JournalLine::Head { journal, program }) if journal > FORMAT => {
                return Err(damaged(format!("written by a newer program, {program}")));
            }
            Ok(JournalLine::Head { .. }) => {}
            Ok(JournalLine::Begin { begin, mut former, stored }) => {
                fetch(&mut former, stored, folder)?;
                steps.push(BegunStep { step: *begin, former, done: false });
            }
            Ok(JournalLine::Done { done }) => {
                if let Some(step) = steps.get_mut(done) {
                    step.done = true;
                }
            }
            Err(_) if is_last => break,
            Err(error) => return Err(damaged(error.to_string())),
        }
        length += line.len() as u64;
    }
    Ok((steps, length))
}

/// Takes long content from the file beside.
fn fetch(former: &mut FormerState, stored: Option<String>, folder: &Path) -> io::Result<()> {
    if let (FormerState::Path { state: EntryState::File { content, .. } }, Some(name)) =
        (former, stored)
    {
        // A name and no path.
        let name = Path::new(&name).file_name().ok_or(io::ErrorKind::InvalidData)?;
        content.0 = fs::read(folder.join(name))?;
    }
    Ok(())
}
