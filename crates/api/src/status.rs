//! How a daemon is doing.

use serde::{Deserialize, Serialize};

use crate::{CacheFill, NetworkReport, PolicySourceReport, TrendStatus};

/// How a daemon is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DaemonStatus {
    /// The release of the daemon.
    pub program: String,
    /// The number of the process.
    pub process: u32,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// Threads that serve clients.
    pub workers: u64,
    /// The configuration file; `None` with defaults alone.
    pub config: Option<String>,
    /// The number of the rules in force: a reload, and a change of networks, lists or schedules, makes the next.
    pub generation: u32,
    /// Reloads of the configuration that a person or a program asked for and that came into force.
    #[serde(default)]
    pub reloads: u32,
    /// Served addresses and ports, each over UDP and TCP.
    pub listen: Vec<String>,
    /// Served addresses and ports over UDP or TCP alone, such as `udp://192.0.2.1:53`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub single_transport: Vec<String>,
    /// Served addresses and ports over TLS, HTTPS and QUIC, such as `tls://0.0.0.0:853`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encrypted: Vec<String>,
    /// The addresses over HTTPS with HTTP/3 too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http3: Vec<String>,
    /// The certificate for encrypted transports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateState>,
    /// The orders of a certificate at an ACME server; `None` without `[acme]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acme: Option<Box<AcmeReport>>,
    /// Configured addresses that no interface has yet.
    pub awaited: Vec<String>,
    /// Addresses and ports of the HTTP service.
    #[serde(default)]
    pub http: Vec<String>,
    /// Reasons for addresses that are not served.
    pub not_served: Vec<String>,
    /// Consequences of the listeners for other programs of the machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub side_effects: Vec<String>,
    /// Prefixes of served clients.
    pub serves: Vec<String>,
    /// Clients' queries waiting for a recursion.
    pub waiting: u64,
    /// The network around the daemon.
    pub network: NetworkReport,
    /// Zones of which no server responds although the uplink works.
    pub dead_zones: u64,
    /// Validation of answers.
    pub validation: ValidationReport,
    /// Seconds by which the clock of the machine appears to be wrong; `None` if the clock appears to be right.
    pub clock_wrong_by_s: Option<i64>,
    /// Size and use of the cache.
    pub cache: CacheFill,
    /// The second level; `None` if not configured.
    pub second_level: Option<SecondLevelState>,
    /// Zones with a copy here; the local root is `.`, if there is one in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<ZoneCopyState>,
    /// Lost lines of the log.
    pub log_lost: u64,
    /// The folder of the query log; `None` if no query is logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_log: Option<String>,
    /// The layers of the sandbox.
    pub sandbox: Vec<LayerReport>,
    /// The last crash of an earlier daemon, of the last few starts; `None` without a crash or a state folder.
    #[serde(default)]
    pub last_crash: Option<Box<CrashReport>>,
    /// The latest clients without a prefix in `server.allow`, the latest first: eight at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedClient>,
    /// Answers in place of which clients got none, as a name of the Internet had a private address; `None` without
    /// rebinding protection.
    #[serde(default)]
    pub rebinding_denied: Option<u64>,
    /// Lists of the policy that a person should look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<PolicySourceReport>,
    /// What changed in the latencies; `None` if no latencies are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<Box<TrendStatus>>,
    /// Problems, the worst first.
    pub problems: Vec<Problem>,
}

impl DaemonStatus {
    /// Whether clients are served at an address, over any transport.
    #[must_use]
    pub fn serves_clients(&self) -> bool {
        [&self.listen, &self.single_transport, &self.encrypted].iter().any(|own| !own.is_empty())
    }
}

/// The certificate that clients see over encrypted transports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CertificateState {
    /// The names in the certificate.
    pub names: Vec<String>,
    /// Seconds until the end of its time; negative once that is over.
    pub expires_in_s: i64,
}

/// The orders of a certificate at an ACME server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AcmeReport {
    /// The names that the certificate is to have.
    pub names: Vec<String>,
    /// The address of the directory of the ACME server.
    pub directory: String,
    /// Whether an order is under way.
    pub ordering: bool,
    /// Seconds until the next order; `None` while one is under way.
    pub next_order_in_s: Option<u64>,
    /// Orders in a row that failed.
    pub failures: u32,
    /// Why the last order failed; `None` after a success.
    pub last_failure: Option<String>,
}

/// A daemon that ended without a shutdown while the machine ran: a crash, or killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CrashReport {
    /// When the next daemon started and noticed, in seconds since 1970.
    pub at_unix_s: u64,
    /// Seconds since then.
    pub ago_s: u64,
    /// The release of the daemon that crashed.
    pub program: String,
    /// The number of its process.
    pub process: u32,
    /// Crashes among the last 16 starts.
    pub crashes: u64,
}

/// A client that is not served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusedClient {
    /// The address.
    pub address: String,
    /// Queries since the client is in the list.
    pub queries: u64,
    /// Seconds since the last query.
    pub ago_s: u64,
}

/// Whether answers are validated (DNSSEC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ValidationReport {
    /// Whether validation is on.
    pub on: bool,
    /// Negative trust anchors of `zoners nta`. Zones of the configuration do not count.
    pub negative_anchors: u64,
}

/// The state of the second level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SecondLevelState {
    /// The second level is asked.
    InUse,
    /// The circuit breaker is open: the second level failed and is not asked for a time.
    Broken,
}

/// The copy of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ZoneCopyState {
    /// The zone.
    pub zone: String,
    /// The serial of the version in force; `None` if there is none.
    pub serial: Option<u32>,
    /// Names with records; for a policy list by transfer, records.
    pub names: u64,
    /// Why no version is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
}

/// A layer of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// Whether the layer is in force.
    pub on: bool,
    /// The effect, or the reason why the layer is not in force.
    pub text: String,
}

/// A problem, for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// The severity.
    pub severity: Severity,
    /// The problem, as a sentence.
    pub text: String,
    /// The advice, as a sentence.
    pub advice: String,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Names are not resolved.
    Error,
    /// Some names are not resolved, or more slowly or less safely than usual.
    Warning,
    /// Clients notice nothing.
    Notice,
}
