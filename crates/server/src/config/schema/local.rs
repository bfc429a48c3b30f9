//! `[local]`: names answered without asking anyone.

use std::path::PathBuf;

use serde::Deserialize;

/// `[local]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LocalConfig {
    /// Records in zone-file syntax, wildcards among them, answered before anything else.
    pub records: Vec<String>,
    /// A hosts file, read again when the file changes; a missing file is no fault.
    pub hosts: Option<PathBuf>,
    /// Which special-use names (RFC 6761) are answered here.
    pub special_use: SpecialUse,
}

/// `[local.special-use]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SpecialUse {
    /// `localhost.` is 127.0.0.1 and ::1 (RFC 6761 section 6.3).
    pub localhost: bool,
    /// `invalid.` does not exist (RFC 6761 section 6.4).
    pub invalid: bool,
    /// `test.` does not exist (RFC 6761 section 6.2).
    pub test: bool,
    /// `onion.` does not exist (RFC 7686).
    pub onion: bool,
    /// `local.` does not exist here: the name belongs to multicast DNS (RFC 6762).
    pub local: bool,
    /// `home.arpa.` does not exist unless a route leads there (RFC 8375).
    pub home_arpa: bool,
    /// `resolver.arpa.` does not exist (RFC 9462 section 6.5).
    pub resolver_arpa: bool,
    /// Reverse zones of private, shared, loopback, link-local and documentation addresses (RFC 6303,
    /// RFC 7793).
    pub private_reverse: bool,
}

impl Default for SpecialUse {
    fn default() -> Self {
        SpecialUse {
            localhost: true,
            invalid: true,
            test: true,
            onion: true,
            local: true,
            home_arpa: true,
            resolver_arpa: true,
            private_reverse: true,
        }
    }
}
