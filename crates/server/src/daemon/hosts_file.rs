//! The hosts file: a change is read without a signal.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use crate::config::Config;

/// A version of the hosts file, without the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostsVersion {
    modified: Option<SystemTime>,
    octets: u64,
    /// Editors replace the old file with a new inode.
    inode: u64,
}

impl HostsVersion {
    /// The version of now; none if no file is configured, or the file is missing.
    pub(super) fn look(config: &Config) -> Option<Self> {
        let file = fs::metadata(config.local.hosts.as_ref()?).ok()?;
        Some(HostsVersion { modified: file.modified().ok(), octets: file.len(), inode: file.ino() })
    }
}
