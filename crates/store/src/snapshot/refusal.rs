//! Why a file is not used.

use std::io;

/// The reason why a file, or the rest of a file, is not used.
#[derive(Debug)]
pub enum Refusal {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// The file is torn, changed, of a later version or foreign.
    Foreign(&'static str),
    /// The file was written by a former version, or under another configuration or clock.
    Outdated(&'static str),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Refusal::Foreign("end of file missing"),
            _ => Refusal::Unreadable(error),
        }
    }
}
