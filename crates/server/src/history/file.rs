//! Files of the history in the state folder: for the daemon's user alone to read.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zoners_files::{open_secret, replace};

/// The file of past resolutions (`history.persist`).
const RESOLUTIONS: &str = "history";
/// The file of latencies (`history.trend`).
const LATENCIES: &str = "trend";
/// Both files.
pub(crate) const FILES: [&str; 2] = [RESOLUTIONS, LATENCIES];
const MODE: u32 = 0o600;
/// The trouble of a file with a wrong beginning.
pub(super) const FOREIGN: &str = "has an unknown format; the next write replaces the file";
/// The trouble of a file that ends in the middle, or has impossible figures.
pub(super) const DAMAGED: &str = "is damaged: the part before the damage is taken";
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

    /// The content, if there is a file that no other user could write or read; another file is told.
    pub(super) fn read(&self) -> Option<Vec<u8>> {
        let read = self.content();
        read.unwrap_or_else(|error| {
            self.warn(&format!("cannot be read and will be replaced: {error}"));
            None
        })
    }

    /// Tells a trouble with the file.
    pub(super) fn warn(&self, trouble: &str) {
        tracing::warn!("history: {}: {trouble}", self.0.display());
    }

    fn content(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match open_secret(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut octets = Vec::new();
        file.take(MAX_OCTETS).read_to_end(&mut octets)?;
        Ok(Some(octets))
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
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!("history: cannot remove {}: {error}", self.0.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn no_file_is_no_trouble_and_a_file_for_others_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = HistoryFile::of_latencies(folder.path());
        assert_eq!(file.content().unwrap(), None);
        write(&file.0, "octets").unwrap();
        set_permissions(&file.0, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(file.content().unwrap().as_deref(), Some(&b"octets"[..]));
        set_permissions(&file.0, Permissions::from_mode(0o644)).unwrap();
        assert!(file.content().unwrap_err().to_string().contains("others may read"));
        assert_eq!(file.read(), None);
    }
}
