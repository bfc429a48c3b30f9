//! The hosts file and zone files: a change is read without a signal.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use crate::config::Config;

/// The versions of the watched files, in the order of the configuration; none for a missing file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WatchedFiles(Vec<Option<FileVersion>>);

/// A version of a file, without the content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileVersion {
    modified: Option<SystemTime>,
    octets: u64,
    /// Editors replace the old file with a new inode.
    inode: u64,
}

impl WatchedFiles {
    /// The versions of now.
    pub(super) fn look(config: &Config) -> Self {
        let zones = config.zone.iter().map(|zone| &*zone.file);
        WatchedFiles(config.local.hosts.as_deref().into_iter().chain(zones).map(version).collect())
    }
}

fn version(path: &Path) -> Option<FileVersion> {
    let file = fs::metadata(path).ok()?;
    Some(FileVersion { modified: file.modified().ok(), octets: file.len(), inode: file.ino() })
}
