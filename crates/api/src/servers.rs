//! What the infra cache knows of servers.

use serde::{Deserialize, Serialize};

use crate::Reachability;

/// Servers, and what stands in their way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerList {
    /// The zone whose servers are listed; none where all servers are.
    pub zone: Option<String>,
    /// The servers, the best first where all are listed.
    pub servers: Vec<KnownServer>,
    /// Zones of which no server replies; where a zone is given, that zone alone.
    pub silent_zones: Vec<SilentZoneReport>,
    /// The ways out of this machine.
    pub reachability: Reachability,
}

/// What is known of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownServer {
    /// Its name as a nameserver; none where all servers are listed.
    pub name: Option<String>,
    /// Address and port.
    pub address: String,
    /// The transport: `udp` or `tcp`.
    pub transport: String,
    /// The smoothed round-trip time (RFC 6298); none before the first reply.
    pub srtt_ms: Option<f64>,
    /// The variation of the round-trip time (RFC 6298); none before the first reply.
    pub rttvar_ms: Option<f64>,
    /// The share of queries without a reply, 0 to 1.
    pub loss: f64,
    /// Seconds since the last reply; none if there was none.
    pub replied_s: Option<u64>,
    /// Seconds since the last query; none if there was none.
    pub asked_s: Option<u64>,
    /// Queries without a reply since the last one.
    pub unanswered: u32,
    /// What was last wrong with it, in words; empty if all is well.
    pub trouble: String,
    /// Whether it does not serve the zone.
    pub lame: bool,
    /// Whether it is asked with EDNS.
    pub edns: bool,
    /// The round-trip time that server selection expects.
    pub expected_ms: f64,
    /// The time after which a hedge is sent to another server.
    pub hedge_after_ms: f64,
    /// Seconds for which it is in backoff; none if it is not.
    pub backoff_s: Option<u64>,
}

/// A zone of which no server replies usefully, although the uplink works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentZoneReport {
    /// The zone.
    pub zone: String,
    /// Seconds for which it has been silent.
    pub silent_s: u64,
    /// Queries sent meanwhile.
    pub queries: u64,
    /// Whether it is taken for dead: one question at a time tries it.
    pub dead: bool,
}
