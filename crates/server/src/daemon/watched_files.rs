//! The hosts file, zone files and the file of the root zone: a change is read without a signal.

use zoners_host::file_watch::FileVersion;

use crate::config::Config;

/// The versions of the watched files, in the order of the configuration; none for a missing file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WatchedFiles(Vec<Option<FileVersion>>);

impl WatchedFiles {
    /// The versions of now.
    pub(super) fn look(config: &Config) -> Self {
        let zones = config.zone.iter().filter_map(|zone| zone.file.as_deref());
        let root = config.resolver.local_root_file.as_deref();
        let files = config.local.hosts.as_deref().into_iter().chain(zones).chain(root);
        WatchedFiles(files.map(FileVersion::of).collect())
    }
}
