//! What changed in the latencies of a year.

use serde::{Deserialize, Serialize};

/// The changes that a caller wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TrendQuery {
    /// The seconds before now in which changes were found; `None` for 30 days.
    pub seconds: Option<u64>,
    /// Changes of this provider alone: the domain of the nameservers, or the address of a server without a name.
    pub provider: Option<String>,
}

/// What changed in the latencies, and what is usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TrendReport {
    /// What changed on the present network, as a sentence.
    pub text: String,
    /// The number of lasting changes on the present network, found in 30 days or in the longer time of the query: the
    /// changes of the sentence.
    #[serde(default)]
    pub lasting: u64,
    /// Changes on all networks, the latest first: a hundred at most.
    pub changes: Vec<TrendChange>,
    /// What is usual on the present network; empty as long as too little is known of the network.
    pub usual: Vec<UsualLatency>,
    /// The size of the baseline.
    pub baseline: BaselineFill,
}

/// The state of the latencies in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TrendStatus {
    /// What changed on the present network, as a sentence.
    pub text: String,
    /// Changes to a slower latency on the present network that were found in the last week and still last.
    pub alarms: Vec<TrendChange>,
}

/// A lasting change of a latency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TrendChange {
    /// The part that changed.
    pub subject: TrendPart,
    /// The provider, if the part is a provider that has replied since the start of the daemon.
    pub provider: Option<String>,
    /// Whether the change was on the present network.
    pub here: bool,
    /// When the change began, in seconds since 1970: the beginning of ten minutes, or of an hour.
    pub at_unix_s: u64,
    /// When the change was found, in seconds since 1970.
    pub found_unix_s: u64,
    /// When the latency became as before, in seconds since 1970; `None` if the change lasts.
    pub ended_unix_s: Option<u64>,
    /// The usual latency before, in milliseconds.
    pub before_ms: f64,
    /// The difference in milliseconds, above zero if slower.
    pub by_ms: f64,
    /// The lower end of the confidence interval (99 %) of the difference, in milliseconds.
    pub low_ms: f64,
    /// The upper end.
    pub high_ms: f64,
    /// The chance of such a difference without a change.
    pub chance: f64,
    /// The change as a sentence.
    pub text: String,
}

/// The part whose latency is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TrendPart {
    /// The way to every server.
    Line,
    /// The way to servers over IPv4.
    Ipv4,
    /// The way to servers over IPv6.
    Ipv6,
    /// The own time of the resolver.
    Resolver,
    /// The servers of a provider.
    Provider,
    /// A part of a later release.
    #[serde(other)]
    Unknown,
}

/// The usual latency of a part on the present network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UsualLatency {
    /// The part.
    pub subject: TrendPart,
    /// The provider, if the part is a provider that has replied since the start of the daemon.
    pub provider: Option<String>,
    /// The usual latency in milliseconds.
    pub usual_ms: f64,
    /// Hours with replies.
    pub hours: u64,
}

/// The size of the baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BaselineFill {
    /// Hours with replies on the present network.
    pub hours: u64,
    /// Hours with replies on all networks.
    pub all_hours: u64,
    /// The beginning of the oldest hour on the present network, in seconds since 1970; `None` without an hour.
    pub since_unix_s: Option<u64>,
    /// Octets in use.
    pub used_bytes: u64,
    /// The most octets.
    pub limit_bytes: u64,
    /// Replies, and hours of the past, that found no room.
    pub lost: u64,
}
