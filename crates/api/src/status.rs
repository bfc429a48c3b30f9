//! How a daemon is doing.

use serde::{Deserialize, Serialize};

use crate::{CacheFill, NetworkReport, Problem};

/// How a daemon is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// The release of the daemon.
    pub program: String,
    /// The number of its process.
    pub process: u32,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// Threads that serve clients.
    pub workers: u64,
    /// The configuration file; none where everything has its default.
    pub config: Option<String>,
    /// How often the configuration was read again.
    pub generation: u32,
    /// Addresses and ports that are served, each over UDP and TCP.
    pub listen: Vec<String>,
    /// Addresses that are configured and that no interface has yet.
    pub awaited: Vec<String>,
    /// Why other addresses are not served.
    pub not_served: Vec<String>,
    /// Prefixes of the clients that are served.
    pub serves: Vec<String>,
    /// Clients' queries that wait for a recursion.
    pub waiting: u64,
    /// The network around the daemon.
    pub network: NetworkReport,
    /// Zones of which no server responds although the uplink works.
    pub dead_zones: u64,
    /// What is proven.
    pub validation: ValidationReport,
    /// Seconds by which the clock of the machine appears to be wrong; none where it appears to be right.
    pub clock_wrong_by_s: Option<i64>,
    /// How full the cache is, and how many answers came out of it.
    pub cache: CacheFill,
    /// The cache that several nodes share; none where none is configured.
    pub second_level: Option<SecondLevelState>,
    /// Lines of the log that were lost.
    pub log_lost: u64,
    /// The layers of the sandbox.
    pub sandbox: Vec<LayerReport>,
    /// What is wrong, and what to do about it; the worst first.
    pub problems: Vec<Problem>,
}

/// Whether answers are validated (DNSSEC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationReport {
    /// Whether validation is on.
    pub on: bool,
    /// Zones that are not validated: negative trust anchors of the configuration and of `zoners nta`.
    pub negative_anchors: u64,
}

/// How the cache that several nodes share is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondLevelState {
    /// It is asked.
    InUse,
    /// It failed, and is left alone for a time (the circuit breaker is open).
    Broken,
}

/// A layer of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// Whether it is in force.
    pub on: bool,
    /// What it does, or why it is not in force.
    pub text: String,
}
