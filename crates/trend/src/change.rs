//! A lasting change of a latency.

use crate::directory::DirectoryServer;

/// The part whose latency changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrendSubject {
    /// The way to every server.
    Line,
    /// The way to servers over IPv4 alone.
    Ipv4,
    /// The way to servers over IPv6 alone.
    Ipv6,
    /// The own time of the resolver.
    Resolver,
    /// The servers of the provider with this number.
    Provider(u64),
}

impl TrendSubject {
    /// Whether a change of this subject moves the round trips to a server.
    pub(crate) fn has(self, server: &DirectoryServer) -> bool {
        match self {
            TrendSubject::Line => true,
            TrendSubject::Ipv4 => !server.ipv6,
            TrendSubject::Ipv6 => server.ipv6,
            TrendSubject::Resolver => false,
            TrendSubject::Provider(number) => number == server.provider,
        }
    }
}

/// A lasting change of a latency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyChange {
    /// The part that changed.
    pub subject: TrendSubject,
    /// The number of the network.
    pub network: u64,
    /// The beginning of the change, in seconds since 1970.
    pub at_s: u64,
    /// When the change was found, in seconds since 1970.
    pub found_s: u64,
    /// The usual latency before, in milliseconds.
    pub before_ms: f64,
    /// The difference in milliseconds: above zero if slower.
    pub by_ms: f64,
    /// The lower end of the confidence interval (99 %) of the difference, in milliseconds.
    pub low_ms: f64,
    /// The upper end.
    pub high_ms: f64,
    /// The chance of such a difference without a change, by signed ranks.
    pub p: f64,
}

impl LatencyChange {
    /// Whether the change takes an earlier change of the same subject back, at least by half.
    pub(crate) fn takes_back(&self, earlier: &LatencyChange) -> bool {
        let share = -self.by_ms / earlier.by_ms;
        self.subject == earlier.subject
            && self.network == earlier.network
            && self.at_s > earlier.at_s
            && (0.5..=1.5).contains(&share)
    }
}
