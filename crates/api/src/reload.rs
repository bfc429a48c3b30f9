//! A reload of the configuration.

use serde::{Deserialize, Serialize};

/// What came of a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadReport {
    /// Whether the new configuration is in force. If not, the old one stays as a whole.
    pub reloaded: bool,
    /// The configuration file; none if the daemon was started without one.
    pub config: Option<String>,
    /// What is wrong with it, each with file, line and key.
    pub errors: Vec<String>,
    /// What is right but has no effect.
    pub remarks: Vec<String>,
    /// Keys that were changed and take a restart.
    pub needs_restart: Vec<String>,
}
