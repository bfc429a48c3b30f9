//! Files of the history in the state folder: for the daemon's user alone to read.

use std::io::Write;
use std::path::{Path, PathBuf};

use zoners_files::{open_secret, replace};

/// The file of past resolutions (`history.persist`).
const RESOLUTIONS: &str = "history";
/// The file of latencies (`history.trend`).
const LATENCIES: &str = "trend";
/// Both files.
pub(crate) const FILES: [&str; 2] = [RESOLUTIONS, LATENCIES];
const MODE: u32 = 0o600;
/// The most octets that are read: more than a history of the largest size.
const MAX_OCTETS: u64 = 2 << 30;

/// A file of the history.
#[derive(Debug)]
pub(super) struct HistoryFile(PathBuf);

impl HistoryFile {
    /// The file of past resolutions in a state folder.
    pub(super) fn of_resolutions(folder: &Path) -> Self {
        HistoryFile(folder.join(RESOLUTIONS))
    }

    /// The file of latencies in a state folder.
    pub(super) fn of_latencies(folder: &Path) -> Self {
        HistoryFile(folder.join(LATENCIES))
    }

    /// The content, if there is a file that no other user could write or read.
    pub(super) fn read(&self) -> Option<Vec<u8>> {
        let mut octets = Vec::new();
        let file = open_secret(&self.0).ok()?;
        std::io::Read::read_to_end(&mut std::io::Read::take(file, MAX_OCTETS), &mut octets).ok()?;
        Some(octets)
    }

    /// Replaces the content; a failure is logged.
    pub(super) fn write(&self, octets: &[u8]) {
        if let Err(error) = replace(&self.0, MODE, |out| out.write_all(octets)) {
            tracing::warn!("history: cannot write {}: {error}", self.0.display());
        }
    }

    /// Removes the file, if there is one.
    pub(super) fn remove(&self) {
        match std::fs::remove_file(&self.0) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!("history: cannot remove {}: {error}", self.0.display()),
        }
    }
}
