//! From the latencies of a period to the differences of each subject from what is usual.

use std::collections::BTreeMap;

use zoners_bench::statistics::{quantile, weighted_median};

use crate::change::{LatencyChange, TrendSubject};
use crate::directory::{Directory, DirectoryServer};
use crate::period::{Period, ServerIndex};

/// Providers needed to see the line: a change of a single provider moves no median.
const MIN_PROVIDERS: usize = 3;
/// Providers needed beside a provider to see its difference beyond the line, for the same reason.
const MIN_OTHERS: usize = 3;
/// Replies of a provider, or questions to the resolver, needed in an hour.
pub(crate) const MIN_REPLIES: usize = 3;

/// The difference of a subject from what is usual, in a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SeriesPoint {
    /// The beginning of the period, in seconds since 1970.
    pub(crate) begin_s: u64,
    /// Milliseconds; above zero if slower.
    pub(crate) ms: f64,
}

/// The directory, and the known changes of a network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetworkView<'a> {
    pub(crate) network: u64,
    pub(crate) directory: &'a Directory,
    pub(crate) changes: &'a [LatencyChange],
}

impl NetworkView<'_> {
    /// The sum of later known changes, in ms, of the subjects that `has` picks.
    fn added_since(&self, second: u64, has: impl Fn(TrendSubject) -> bool) -> f64 {
        let later = self.changes.iter().filter(|change| {
            change.network == self.network && change.at_s > second && has(change.subject)
        });
        later.map(|change| change.by_ms).sum()
    }

    /// The round trip at `second`, corrected by all later known changes.
    pub(crate) fn round_trip(&self, server: &DirectoryServer, second: u64, ms: f64) -> f64 {
        ms + self.added_since(second, |subject| subject.has(server))
    }

    /// The resolver's own time at a second, likewise.
    pub(crate) fn own_time(&self, second: u64, ms: f64) -> f64 {
        ms + self.added_since(second, |subject| subject == TrendSubject::Resolver)
    }
}

/// The usual latencies in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsualLatencies {
    /// The round trips to servers.
    pub(crate) servers: BTreeMap<ServerIndex, f64>,
    /// The own time of the resolver.
    pub(crate) own: Option<f64>,
    /// Whether there are too few providers to subtract a common difference.
    pub(crate) has_few_providers: bool,
}

impl UsualLatencies {
    pub(crate) fn new(
        servers: BTreeMap<ServerIndex, f64>,
        own: Option<f64>,
        directory: &Directory,
    ) -> Self {
        let mut providers: Vec<u64> = servers
            .keys()
            .filter_map(|index| directory.server(*index).map(|server| server.provider))
            .collect();
        providers.sort_unstable();
        providers.dedup();
        UsualLatencies { servers, own, has_few_providers: providers.len() <= MIN_OTHERS }
    }
}

/// A server's difference in a period.
struct ServerDifference {
    ipv6: bool,
    provider: u64,
    ms: f64,
    replies: usize,
}

/// The differences of a period. A provider needs `min_replies`.
pub(crate) fn differences(
    period: &Period,
    begin_s: u64,
    view: &NetworkView<'_>,
    usual: &UsualLatencies,
    min_replies: usize,
) -> Vec<(TrendSubject, SeriesPoint)> {
    let mut found = Vec::new();
    let mut add = |subject, ms| found.push((subject, SeriesPoint { begin_s, ms }));
    if let (Some(own), Some(usual)) = (period.own, usual.own)
        && own.count as usize >= MIN_REPLIES
    {
        add(TrendSubject::Resolver, view.own_time(begin_s, own.ms()) - usual);
    }
    let all = server_differences(period, begin_s, view, usual);
    let mut beyond: Vec<(u64, f64, usize)> = Vec::with_capacity(all.len());
    for family in all.chunk_by(|one, other| one.ipv6 == other.ipv6) {
        let common = CommonDifference::of(family);
        if common.sorted.len() >= MIN_PROVIDERS {
            let is_ipv6 = family.first().is_some_and(|server| server.ipv6);
            let subject = if is_ipv6 { TrendSubject::Ipv6 } else { TrendSubject::Ipv4 };
            add(subject, quantile(&common.sorted, 0.5));
        }
        for (servers, own) in by_provider(family).zip(&common.of_providers) {
            let shared = if usual.has_few_providers { Some(0.0) } else { common.without(*own) };
            let Some(shared) = shared else { continue };
            let differences =
                servers.iter().map(|server| (server.provider, server.ms - shared, server.replies));
            beyond.extend(differences);
        }
    }
    beyond.sort_unstable_by_key(|(provider, ..)| *provider);
    for servers in beyond.chunk_by(|one, other| one.0 == other.0) {
        let replies: usize = servers.iter().map(|(.., replies)| replies).sum();
        let mut differences: Vec<(f64, usize)> =
            servers.iter().map(|(_, ms, replies)| (*ms, *replies)).collect();
        if replies >= min_replies
            && let Some((provider, ..)) = servers.first()
            && let Some(ms) = weighted_median(&mut differences)
        {
            add(TrendSubject::Provider(*provider), ms);
        }
    }
    found
}

/// The servers of each provider, among servers in the order of providers.
fn by_provider(servers: &[ServerDifference]) -> impl Iterator<Item = &[ServerDifference]> {
    servers.chunk_by(|one, other| one.provider == other.provider)
}

/// The servers in the order of family and provider.
fn server_differences(
    period: &Period,
    begin_s: u64,
    view: &NetworkView<'_>,
    usual: &UsualLatencies,
) -> Vec<ServerDifference> {
    let difference = |(index, latency): &(ServerIndex, crate::latency::Latency)| {
        let server = view.directory.server(*index)?;
        let ms = view.round_trip(server, begin_s, latency.ms()) - usual.servers.get(index)?;
        let DirectoryServer { provider, ipv6, .. } = *server;
        Some(ServerDifference { ipv6, provider, ms, replies: latency.count as usize })
    };
    let mut all: Vec<ServerDifference> = period.servers.iter().filter_map(difference).collect();
    all.sort_unstable_by_key(|server| (server.ipv6, server.provider));
    all
}

/// The differences of the providers of an address family: each provider has one vote.
struct CommonDifference {
    /// In the order of providers.
    of_providers: Vec<f64>,
    sorted: Vec<f64>,
}

impl CommonDifference {
    fn of(family: &[ServerDifference]) -> Self {
        let middle = |servers: &[ServerDifference]| {
            let weighted = servers.iter().map(|server| (server.ms, server.replies));
            weighted_median(&mut weighted.collect::<Vec<_>>()).unwrap_or_default()
        };
        let of_providers: Vec<f64> = by_provider(family).map(middle).collect();
        let mut sorted = of_providers.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        CommonDifference { of_providers, sorted }
    }

    /// The median without the provider of difference `own`; `None` if too few providers remain.
    fn without(&self, own: f64) -> Option<f64> {
        let rest = self.sorted.len().checked_sub(1).filter(|rest| *rest >= MIN_OTHERS)?;
        let at = self.sorted.partition_point(|ms| ms.total_cmp(&own).is_lt());
        let nth = |n: usize| self.sorted.get(if n < at { n } else { n + 1 }).copied();
        Some(f64::midpoint(nth((rest - 1) / 2)?, nth(rest / 2)?))
    }
}
