//! Servers in the infra cache.

use serde::{Deserialize, Serialize};

use crate::Reachability;

/// Servers, silent zones and the ways out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServerList {
    /// The zone of the listed servers; `None` in a list of every server.
    pub zone: Option<String>,
    /// The servers; in a list of every server, the fastest first.
    pub servers: Vec<KnownServer>,
    /// Zones without a responding server; for a given zone, no further zones.
    pub silent_zones: Vec<SilentZoneReport>,
    /// The ways out of this machine.
    pub reachability: Reachability,
}

/// A server in the infra cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KnownServer {
    /// The nameserver's name; `None` in a list of every server.
    pub name: Option<String>,
    /// Address and port.
    pub address: String,
    /// The transport: `udp`, `tcp`, `tls`, `https` or `quic`.
    pub transport: String,
    /// The smoothed round-trip time (RFC 6298); `None` before the first reply.
    pub srtt_ms: Option<f64>,
    /// The variation of the round-trip time (RFC 6298); `None` before the first reply.
    pub rttvar_ms: Option<f64>,
    /// The share of queries without a reply, 0 to 1.
    pub loss: f64,
    /// Seconds since the last reply; `None` if there was none.
    pub replied_s: Option<u64>,
    /// Seconds since the last query; `None` if there was none.
    pub asked_s: Option<u64>,
    /// Queries without a reply since the last reply.
    pub unanswered: u32,
    /// The last trouble, in words; empty without trouble.
    pub trouble: String,
    /// Whether the server is lame: not serving the zone.
    pub lame: bool,
    /// Whether queries to the server have EDNS.
    pub edns: bool,
    /// The result of opportunistic encryption (RFC 9539); only for servers over UDP.
    #[serde(default)]
    pub encryption: EncryptionReport,
    /// The round-trip time expected by server selection.
    pub expected_ms: f64,
    /// The time until a hedge is sent to a second server.
    pub hedge_after_ms: f64,
    /// Seconds of backoff that are left; `None` without backoff.
    pub backoff_s: Option<u64>,
}

/// What trials of encryption have shown of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionReport {
    /// Nothing: there was no trial lately.
    #[default]
    Unknown,
    /// Queries to the server go over TLS.
    Works,
    /// The server did not reply over TLS.
    Fails,
}

/// A zone of which no server replies usefully, although the uplink works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SilentZoneReport {
    /// The zone.
    pub zone: String,
    /// Seconds since the last useful reply.
    pub silent_s: u64,
    /// Queries sent meanwhile.
    pub queries: u64,
    /// Whether the zone is taken for dead: a single question at a time is sent.
    pub dead: bool,
}
