//! How a daemon was started.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything by which a daemon was started, for the start of a successor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DaemonOrigin {
    /// The number of the process.
    pub process: u32,
    /// The path of the program, where a new version may lie by now.
    pub program: String,
    /// The arguments after the program.
    pub arguments: Vec<String>,
    /// The working folder.
    pub folder: String,
    /// The variables of the environment that choose folders and files.
    pub variables: BTreeMap<String, String>,
    /// The supervisor of the process, such as `systemd`; `None` if a person or a script started the daemon.
    pub supervisor: Option<String>,
}
