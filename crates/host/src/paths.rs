//! Folders of the daemon and of its user: where each system, service manager and user has them.

pub mod runtime;
pub mod state;

/// The name of Zoners' folder in a folder of the user or the system that is for all programs.
const OWN_NAME: &str = "zoners";
