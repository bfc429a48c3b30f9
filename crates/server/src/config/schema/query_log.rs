//! `[query-log]`: queries on disk.

use serde::{Deserialize, Deserializer};
use zoners_dns::{Name, Prefix};
use zoners_querylog::LogClient;

use super::readers::{list, octets, seconds};

/// Octets of the smallest log.
const MIN_OCTETS: u64 = 1 << 20;
/// Seconds of the shortest retention.
const MIN_AGE_S: u32 = 3600;

/// `[query-log]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct QueryLogConfig {
    /// The queries that are logged; none by default.
    pub queries: LoggedQueries,
    /// Seconds for which rows stay.
    #[serde(deserialize_with = "age")]
    pub keep: u32,
    /// Octets of the log.
    #[serde(deserialize_with = "size")]
    pub size: u64,
    /// How much of the client's address is logged.
    #[serde(deserialize_with = "client")]
    pub client: LogClient,
    /// Names that are not logged, with the names below.
    #[serde(deserialize_with = "list")]
    pub ignore_names: Vec<Name>,
    /// Clients whose queries are not logged.
    #[serde(deserialize_with = "list")]
    pub ignore_clients: Vec<Prefix>,
}

impl Default for QueryLogConfig {
    fn default() -> Self {
        QueryLogConfig {
            queries: LoggedQueries::None,
            keep: 7 * 24 * 3600,
            size: 1 << 30,
            client: LogClient::Address,
            ignore_names: Vec::new(),
            ignore_clients: Vec::new(),
        }
    }
}

/// `query-log.queries`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoggedQueries {
    /// No query.
    None,
    /// Queries without an answer, or with SERVFAIL.
    Failed,
    /// All queries but those answered from the cache or from local data.
    NotCached,
    /// Every query.
    All,
}

/// `query-log.client`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ClientDetail {
    Address,
    Network,
    Hidden,
}

fn client<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LogClient, D::Error> {
    Ok(match ClientDetail::deserialize(deserializer)? {
        ClientDetail::Address => LogClient::Address,
        ClientDetail::Network => LogClient::Network,
        ClientDetail::Hidden => LogClient::Hidden,
    })
}

fn age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    seconds(deserializer, MIN_AGE_S..=u32::MAX)
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    octets(deserializer, MIN_OCTETS..=u64::MAX)
}
