//! Folders of the BSDs (hier(7)) and macOS, which has no `/run` and a read-only root folder.

/// For the run of a service; the system clears the folder at boot.
pub(crate) const SERVICE_RUNTIME: &str = "/var/run/zoners";
/// For the state of a service.
pub(crate) const SERVICE_STATE: &str = "/var/db/zoners";
/// For the condition of the DNS settings.
pub(crate) const SWITCH_RUNTIME: &str = "/var/run/zoners-dns";
