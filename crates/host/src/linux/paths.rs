//! Folders of Linux (Filesystem Hierarchy Standard).

/// For the run of a service; the system clears the folder at boot.
pub(crate) const SERVICE_RUNTIME: &str = "/run/zoners";
/// For the state of a service.
pub(crate) const SERVICE_STATE: &str = "/var/lib/zoners";
/// For the condition of the DNS settings.
pub(crate) const SWITCH_RUNTIME: &str = "/run/zoners-dns";
