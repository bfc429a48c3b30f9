//! The configuration file as written: one module a table, one field a key.

mod acme;
mod block_answer;
mod cache;
mod clients;
mod dns64;
mod dnssec;
mod dnstap;
mod history;
mod http;
mod limits;
mod listen;
mod local;
mod network;
mod policy;
mod policy_group;
mod query_log;
mod readers;
mod redis;
mod resolver;
mod route;
mod server;
mod strategy;
mod timeouts;
mod tsig;
mod zone;

use serde::Deserialize;

use super::network_route::NetworkRoute;
use super::source::ConfigSource;

pub use acme::{AcmeChallenge, AcmeConfig, AcmeDirectory};
pub use block_answer::BlockAnswer;
pub use cache::{CacheConfig, Size};
pub use clients::Clients;
pub use dns64::{Dns64Config, Dns64Prefix};
pub use dnssec::DnssecConfig;
pub use dnstap::{DnstapConfig, DnstapTarget, TappedMessages};
pub use history::HistoryConfig;
pub use limits::LimitsConfig;
pub use listen::{ListenAddress, ListenConfig};
pub use local::{LocalConfig, SpecialUse};
pub use network::NetworkConfig;
pub(crate) use policy::DEFAULT_GROUP;
pub use policy::{BlockReason, ContactUri, ListAction, ListOrigin, PolicyConfig, PolicyListConfig};
pub use policy_group::{
    ClientNaming, HardwareAddress, PolicyGroupConfig, PolicyScheduleConfig, ZoneName,
};
pub use query_log::{LoggedQueries, QueryLogConfig};
pub use redis::{RedisConfig, Secret};
pub use resolver::{Answers, LocalRoot, MinimisedType, ResolverConfig};
pub use route::{KeyPin, RouteConfig};
pub use server::{Any, RRsetOrder, Refuse, SandboxMode, ServerConfig};
pub use strategy::{PortalProbe, WhenUnvalidated};
pub use timeouts::Timeouts;
pub use tsig::TsigKeyConfig;
pub use zone::ZoneConfig;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Where clients reach us.
    pub server: ServerConfig,
    /// How questions are resolved.
    pub resolver: ResolverConfig,
    /// The cache.
    pub cache: CacheConfig,
    /// Where work stops.
    pub limits: LimitsConfig,
    /// How long we wait.
    pub timeouts: Timeouts,
    /// Signatures.
    pub dnssec: DnssecConfig,
    /// Addresses for clients on networks without IPv4.
    pub dns64: Dns64Config,
    /// Past resolutions.
    pub history: HistoryConfig,
    /// Settings taken over from the network.
    pub network: NetworkConfig,
    /// Names answered without asking anyone.
    pub local: LocalConfig,
    /// Names blocked or allowed, by group of clients.
    pub policy: PolicyConfig,
    /// Copies of messages for another program.
    pub dnstap: DnstapConfig,
    /// Queries on disk.
    pub query_log: QueryLogConfig,
    /// A certificate from an ACME server.
    pub acme: AcmeConfig,
    /// Further addresses at which clients are served, with rules of their own.
    pub listen: Vec<ListenConfig>,
    /// Zones asked of given resolvers.
    pub forward: Vec<RouteConfig>,
    /// Zones asked of given authoritative servers.
    pub stub: Vec<RouteConfig>,
    /// Zones of which we have a copy.
    pub zone: Vec<ZoneConfig>,
    /// Keys that we share with other servers.
    pub tsig_key: Vec<TsigKeyConfig>,
    /// Routes made of the settings of the present networks.
    #[serde(skip)]
    pub network_routes: Vec<NetworkRoute>,
    /// The text of the file.
    #[serde(skip)]
    pub source: ConfigSource,
}
