//! The settings of the configuration file.

use serde::{Deserialize, Serialize};

/// The settings in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SettingsReport {
    /// The configuration file; `None` without one.
    pub file: Option<String>,
    /// The settings that the file has, in the order of the file.
    pub written: Vec<WrittenSettingReport>,
    /// The settings that the file leaves at their default values. Settings without a value by default are left out.
    pub defaults: Vec<DefaultSettingReport>,
}

/// A setting of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WrittenSettingReport {
    /// The key with its tables, such as `forward[0].zone`.
    pub key: String,
    /// The value as written, cut if long; a secret is not told.
    pub value: String,
    /// The line of the file.
    pub line: u64,
}

/// A setting at its default value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DefaultSettingReport {
    /// The key with its tables.
    pub key: String,
    /// The value in the syntax of the file.
    pub value: String,
}
