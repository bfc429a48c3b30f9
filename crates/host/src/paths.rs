//! Folders of the daemon and of the user, by system and service manager.

pub mod runtime;
pub mod state;

/// The name of Zoners' folder within a folder for every program.
const OWN_NAME: &str = "zoners";
