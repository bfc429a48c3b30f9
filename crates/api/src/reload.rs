//! A reload of the configuration.

use serde::{Deserialize, Serialize};

/// The result of a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReloadReport {
    /// Whether the new configuration is in force. If not, the old configuration stays as a whole.
    pub reloaded: bool,
    /// The configuration file; `None` if the daemon was started without a file.
    pub config: Option<String>,
    /// Faults, each with file, line and key.
    pub errors: Vec<String>,
    /// Remarks on settings without effect, and on old names of keys.
    pub remarks: Vec<String>,
    /// Changed keys that take a restart.
    pub needs_restart: Vec<String>,
}
