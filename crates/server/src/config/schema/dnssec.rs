//! `[dnssec]`: validation and trust anchors.

use std::path::PathBuf;

use serde::Deserialize;
use zoners_dns::{Name, name};

use super::readers::{any_seconds, list};

/// `[dnssec]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DnssecConfig {
    /// Validate answers.
    pub validate: bool,
    /// A file of DS or DNSKEY records, of the root or of zones below; without a file the built-in keys
    /// of the root count.
    pub trust_anchor: Option<PathBuf>,
    /// Zones without validation, signed or not (RFC 7646).
    #[serde(deserialize_with = "list")]
    pub negative_trust_anchors: Vec<Name>,
    /// Seconds by which our clock and the clock of a signer may differ.
    #[serde(deserialize_with = "any_seconds")]
    pub clock_skew: u32,
    /// Follow the keys of the root through rollovers (RFC 5011); needs a state folder.
    pub follow_rollovers: bool,
    /// Tell the root servers which of their keys are trusted (RFC 8145).
    pub signal_anchors: bool,
    /// Tell users by sentinel names which of the root's keys are trusted (RFC 8509).
    pub sentinel: bool,
    /// Report failures of validation to the agent that the zone's servers name (RFC 9567). Off by
    /// default, since a report tells a third party which names the clients ask for.
    pub report_failures: bool,
    /// Names without validation while our clock is wrong: time servers, to set the clock.
    #[serde(deserialize_with = "list")]
    pub time_servers: Vec<Name>,
    /// The time for the validation of signatures, in seconds since 1970, instead of now.
    pub date: Option<u64>,
}

/// Where machines commonly get the time from.
const TIME_SERVERS: &[&str] = &[
    "pool.ntp.org",
    "time.apple.com",
    "time.windows.com",
    "time.google.com",
    "time.cloudflare.com",
    "ntp.ubuntu.com",
];

impl Default for DnssecConfig {
    fn default() -> Self {
        DnssecConfig {
            validate: true,
            trust_anchor: None,
            negative_trust_anchors: Vec::new(),
            clock_skew: 300,
            follow_rollovers: true,
            signal_anchors: false,
            sentinel: true,
            report_failures: false,
            time_servers: TIME_SERVERS.iter().filter_map(|name| name::parse(name).ok()).collect(),
            date: None,
        }
    }
}
