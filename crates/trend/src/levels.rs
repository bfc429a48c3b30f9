//! What is usual on a network: the level of each subject, the rhythm of its day, and how far it wanders by itself.

use std::collections::BTreeMap;

use zoners_bench::statistics::{quantile, weighted_median};

use crate::archive::Archive;
use crate::change::TrendSubject;
use crate::period::{HOUR_S, Period, ServerIndex};
use crate::series::{MIN_REPLIES, NetworkView, SeriesPoint, UsualLatencies, differences};

/// The length of a day, in seconds.
pub(crate) const DAY_S: u64 = 86_400;
/// The days from which usual latencies are learned.
const LEARNED_DAYS: u64 = 28;
/// These days before the present day teach nothing: a change in them is not found yet.
const SPARED_DAYS: u64 = 3;
/// Hours with replies needed to know a network.
pub(crate) const MIN_HOURS: usize = 40;
/// Hours with replies needed to know a server.
const MIN_SERVER_HOURS: usize = 5;
/// Hours of a subject needed to know the rhythm at an hour of the day.
const MIN_RHYTHM_HOURS: usize = 6;
/// The numbers of hours over which changes are looked for.
pub(crate) const WINDOWS: [usize; 3] = [8, 16, 24];
/// The disjoint windows needed before a change is looked for.
const MIN_WINDOWS: usize = 5;

/// What is usual for a subject.
#[derive(Clone, Debug)]
pub(crate) struct UsualSubject {
    /// The usual latency in milliseconds.
    pub(crate) level_ms: f64,
    /// The difference at each hour of the day (UTC), in milliseconds.
    rhythm_ms: [f64; 24],
    /// The greatest difference of the median of as many hours as each window has, in milliseconds; `None` if too few
    /// windows have been seen.
    pub(crate) wander_ms: [Option<f64>; WINDOWS.len()],
    /// Hours with replies.
    pub(crate) hours: usize,
}

impl UsualSubject {
    /// What the rhythm of the day does not explain.
    pub(crate) fn residual(&self, point: SeriesPoint) -> SeriesPoint {
        let rhythm = self.rhythm_ms.get(hour_of_day(point.begin_s)).copied().unwrap_or_default();
        SeriesPoint { ms: point.ms - rhythm, ..point }
    }
}

/// What is usual on a network.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsualNetwork {
    pub(crate) latencies: UsualLatencies,
    pub(crate) subjects: BTreeMap<TrendSubject, UsualSubject>,
    /// The usual round trip to servers of all providers, in milliseconds.
    pub(crate) line_ms: f64,
}

impl UsualNetwork {
    /// Learns from the hours before the day that begins at `day_s`. `None` if too little is known of the network.
    pub(crate) fn learn(hours: &Archive, day_s: u64, view: &NetworkView<'_>) -> Option<Self> {
        let until = day_s.saturating_sub(SPARED_DAYS * DAY_S);
        let since = until.saturating_sub(LEARNED_DAYS * DAY_S);
        let of_network = hours.range(since, until).filter(|hour| hour.network == view.network);
        let learned: Vec<(u64, Period)> =
            of_network.map(|hour| (hour.begin_s, hour.read())).collect();
        if learned.len() < MIN_HOURS {
            return None;
        }
        let (latencies, weights) = usual_latencies(&learned, view);
        let mut series = BTreeMap::<TrendSubject, Vec<SeriesPoint>>::new();
        for (begin_s, period) in &learned {
            for (subject, point) in differences(period, *begin_s, view, &latencies, MIN_REPLIES) {
                series.entry(subject).or_default().push(point);
            }
        }
        let (of_providers, line_ms) = provider_levels(&latencies, &weights, view);
        let subjects = series.into_iter().map(|(subject, points)| {
            let level_ms = match subject {
                TrendSubject::Provider(number) => {
                    of_providers.get(&number).copied().unwrap_or(line_ms)
                }
                TrendSubject::Resolver => latencies.own.unwrap_or_default(),
                TrendSubject::Line | TrendSubject::Ipv4 | TrendSubject::Ipv6 => line_ms,
            };
            (subject, usual_subject(&points, level_ms))
        });
        Some(UsualNetwork { subjects: subjects.collect(), latencies, line_ms })
    }
}

/// The median of each server's hours, and how many hours there are.
fn usual_latencies(
    learned: &[(u64, Period)],
    view: &NetworkView<'_>,
) -> (UsualLatencies, BTreeMap<ServerIndex, usize>) {
    let mut own = Vec::new();
    let mut servers = BTreeMap::<ServerIndex, Vec<f64>>::new();
    for (begin_s, period) in learned {
        own.extend(period.own.map(|own| view.own_time(*begin_s, own.ms())));
        for (index, latency) in &period.servers {
            let Some(server) = view.directory.server(*index) else { continue };
            let ms = view.round_trip(server, *begin_s, latency.ms());
            servers.entry(*index).or_default().push(ms);
        }
    }
    servers.retain(|_, all| all.len() >= MIN_SERVER_HOURS);
    let weights = servers.iter().map(|(index, all)| (*index, all.len())).collect();
    let own = (own.len() >= MIN_HOURS).then(|| median(&mut own));
    let levels = servers.into_iter().map(|(index, mut all)| (index, median(&mut all)));
    (UsualLatencies::new(levels.collect(), own, view.directory), weights)
}

/// The usual round trip to the servers of each provider, and to those of the middle provider.
fn provider_levels(
    latencies: &UsualLatencies,
    weights: &BTreeMap<ServerIndex, usize>,
    view: &NetworkView<'_>,
) -> (BTreeMap<u64, f64>, f64) {
    let mut providers = BTreeMap::<u64, Vec<(f64, usize)>>::new();
    for (index, ms) in &latencies.servers {
        let Some(server) = view.directory.server(*index) else { continue };
        let weight = weights.get(index).copied().unwrap_or(1);
        providers.entry(server.provider).or_default().push((*ms, weight));
    }
    let levels: BTreeMap<u64, f64> = providers
        .into_iter()
        .filter_map(|(provider, mut of)| Some((provider, weighted_median(&mut of)?)))
        .collect();
    let line_ms = median(&mut levels.values().copied().collect::<Vec<_>>());
    (levels, line_ms)
}

fn usual_subject(points: &[SeriesPoint], level_ms: f64) -> UsualSubject {
    let mut usual = UsualSubject {
        level_ms,
        rhythm_ms: rhythm(points),
        wander_ms: [None; WINDOWS.len()],
        hours: points.len(),
    };
    let residuals: Vec<f64> = points.iter().map(|point| usual.residual(*point).ms).collect();
    usual.wander_ms = WINDOWS.map(|hours| wander(&residuals, hours));
    usual
}

/// The median difference around each hour of the day, over an hour before and after.
fn rhythm(points: &[SeriesPoint]) -> [f64; 24] {
    let mut by_hour: [Vec<f64>; 24] = Default::default();
    for point in points {
        let hour = hour_of_day(point.begin_s);
        for near in [hour + 23, hour, hour + 1] {
            by_hour.get_mut(near % 24).into_iter().for_each(|all| all.push(point.ms));
        }
    }
    let overall = median(&mut points.iter().map(|point| point.ms).collect::<Vec<_>>());
    by_hour.map(|mut all| if all.len() < MIN_RHYTHM_HOURS { overall } else { median(&mut all) })
}

/// The greatest median of `hours` hours in a row, without regard to the sign.
fn wander(residuals: &[f64], hours: usize) -> Option<f64> {
    if residuals.len() < MIN_WINDOWS * hours {
        return None;
    }
    let windows = residuals.windows(hours).step_by(hours / 4);
    windows.map(|window| median(&mut window.to_vec()).abs()).max_by(f64::total_cmp)
}

fn hour_of_day(second: u64) -> usize {
    (second % DAY_S / HOUR_S) as usize
}

/// The median; zero for an empty list.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    quantile(values, 0.5)
}
