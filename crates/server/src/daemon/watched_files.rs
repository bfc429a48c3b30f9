//! The hosts file, zone files, the file of the root zone, the certificate and authorities of clients: a change is read without a signal.

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
        let certificate = [&config.server.certificate, &config.server.certificate_key];
        let certificate = certificate.into_iter().filter_map(|path| path.as_deref());
        let files = config.local.hosts.as_deref().into_iter().chain(zones).chain(root);
        let authorities =
            config.listen.iter().filter_map(|table| table.client_authority.as_deref());
        let files = files.chain(certificate).chain(authorities);
        WatchedFiles(files.map(FileVersion::of).collect())
    }
}
