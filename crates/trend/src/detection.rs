//! Finds the change of a subject, and the moment of the change.

use std::collections::BTreeMap;

use zoners_bench::statistics::{Estimate, signed_ranks};

use crate::archive::Archive;
use crate::change::{LatencyChange, TrendSubject};
use crate::levels::{DAY_S, UsualNetwork, UsualSubject, WINDOWS, median};
use crate::period::{HOUR_S, Period};
use crate::series::{MIN_REPLIES, NetworkView, SeriesPoint, differences};

/// The chance of a difference without a change must be smaller, as in `bench`.
const LEVEL: f64 = 0.01;
/// Confidence of the reported intervals, as in `bench`.
const CONFIDENCE: f64 = 0.99;
/// A smaller change of a round trip is not felt, in milliseconds.
const LEAST_ROUND_TRIP_MS: f64 = 12.0;
/// A smaller change of the resolver's own time is not felt, in milliseconds, as in `bench`.
const LEAST_OWN_MS: f64 = 5.0;
/// A change of a smaller share of the usual latency is not felt.
const LEAST_SHARE: f64 = 0.05;
/// A change must exceed what the subject did by itself by this factor.
const BEYOND_WANDER: f64 = 1.5;
/// So many of the latest hours must show the change: what is over is no lasting change.
const LATEST_HOURS: usize = 3;
/// Changes are looked for in these days.
const RECENT_DAYS: u64 = 7;
/// The size of a change is corrected by the hours after, for so many days.
const SETTLING_DAYS: u64 = 7;

/// The recent hours of a network, against what is usual there.
#[derive(Debug)]
pub(crate) struct NetworkWatch {
    /// The beginning of the day, in seconds since 1970.
    pub(crate) day_s: u64,
    pub(crate) usual: UsualNetwork,
    recent: BTreeMap<TrendSubject, Vec<SeriesPoint>>,
}

impl NetworkWatch {
    /// Looks at the last days before second `until_s`. `None` if too little is known of the network.
    pub(crate) fn begin(hours: &Archive, until_s: u64, view: &NetworkView<'_>) -> Option<Self> {
        let day_s = until_s - until_s % DAY_S;
        let usual = UsualNetwork::learn(hours, day_s, view)?;
        let mut watch = NetworkWatch { day_s, usual, recent: BTreeMap::new() };
        let since = until_s.saturating_sub(RECENT_DAYS * DAY_S);
        for hour in hours.range(since, until_s).filter(|hour| hour.network == view.network) {
            watch.note_hour(hour.begin_s, &hour.read(), view);
        }
        Some(watch)
    }

    /// Takes in the latest hour.
    pub(crate) fn note_hour(&mut self, begin_s: u64, hour: &Period, view: &NetworkView<'_>) {
        let all = differences(hour, begin_s, view, &self.usual.latencies, MIN_REPLIES);
        for (subject, point) in all {
            let Some(usual) = self.usual.subjects.get(&subject) else { continue };
            self.recent.entry(subject).or_default().push(usual.residual(point));
        }
    }

    /// A change that shows in the hour from `hour_s` on. The line comes first, so that no provider is blamed for
    /// the line.
    pub(crate) fn find(
        &self,
        hour_s: u64,
        slots: &Archive,
        view: &NetworkView<'_>,
    ) -> Option<LatencyChange> {
        let found = self.find_common(hour_s).or_else(|| {
            let own = [TrendSubject::Resolver];
            let providers =
                self.recent.keys().filter(|subject| matches!(subject, TrendSubject::Provider(_)));
            own.iter().chain(providers).find_map(|subject| self.test(*subject, hour_s))
        })?;
        let FoundShift { tested, subject, at_s, estimate } = found;
        let level_ms = match subject {
            TrendSubject::Line | TrendSubject::Ipv4 | TrendSubject::Ipv6 => self.usual.line_ms,
            _ => self.usual.subjects.get(&subject)?.level_ms,
        };
        let begin = self.locate_in_slots(tested, at_s, estimate.value, slots, view);
        Some(LatencyChange {
            subject,
            network: view.network,
            at_s: begin.unwrap_or(at_s),
            found_s: hour_s + HOUR_S,
            before_ms: level_ms,
            by_ms: estimate.value,
            low_ms: estimate.low,
            high_ms: estimate.high,
            p: estimate.p,
        })
    }

    /// A change of both address families is a change of the line.
    fn find_common(&self, hour_s: u64) -> Option<FoundShift> {
        let families = [TrendSubject::Ipv4, TrendSubject::Ipv6];
        let found = families.iter().find_map(|family| self.test(*family, hour_s))?;
        let other = match found.subject {
            TrendSubject::Ipv4 => TrendSubject::Ipv6,
            _ => TrendSubject::Ipv4,
        };
        let since = self.since(other, found.at_s);
        let is_shared =
            since.is_empty() || median(&mut since.clone()) / found.estimate.value >= 0.5;
        Some(if is_shared { FoundShift { subject: TrendSubject::Line, ..found } } else { found })
    }

    /// The differences of a subject from a second on.
    fn since(&self, subject: TrendSubject, second: u64) -> Vec<f64> {
        let points = self.recent.get(&subject).into_iter().flatten();
        points.filter(|point| point.begin_s >= second).map(|point| point.ms).collect()
    }

    /// The change of a subject that shows in the latest hours.
    fn test(&self, subject: TrendSubject, hour_s: u64) -> Option<FoundShift> {
        let (usual, points) = (self.usual.subjects.get(&subject)?, self.recent.get(&subject)?);
        if points.last()?.begin_s != hour_s {
            return None;
        }
        WINDOWS.iter().zip(usual.wander_ms).find_map(|(hours, wander_ms)| {
            let least = least_ms(subject, usual).max(wander_ms? * BEYOND_WANDER);
            let window = points.get(points.len().checked_sub(*hours)?..)?;
            let first = significant(window, least)?;
            let (at, estimate) = locate(points, first, least)?;
            let at_s = points.get(at)?.begin_s;
            Some(FoundShift { tested: subject, subject, at_s, estimate })
        })
    }

    /// The ten minutes in which a change of about second `at_s` began.
    fn locate_in_slots(
        &self,
        subject: TrendSubject,
        at_s: u64,
        by_ms: f64,
        slots: &Archive,
        view: &NetworkView<'_>,
    ) -> Option<u64> {
        let usual = self.usual.subjects.get(&subject)?;
        let near = slots.range(at_s.saturating_sub(HOUR_S), at_s + 2 * HOUR_S);
        let near = near.filter(|slot| slot.network == view.network);
        let points: Vec<SeriesPoint> = near
            .flat_map(|slot| {
                differences(&slot.read(), slot.begin_s, view, &self.usual.latencies, 1)
            })
            .filter(|(of, _)| *of == subject)
            .map(|(_, point)| usual.residual(point))
            .collect();
        points.get(split(&points, by_ms)).map(|point| point.begin_s)
    }

    /// By how much the known size of a recent change is wrong, from the hours after the change.
    pub(crate) fn correction(&self, change: &LatencyChange) -> Option<f64> {
        if change.found_s + SETTLING_DAYS * DAY_S < self.day_s {
            return None;
        }
        let subjects = match change.subject {
            TrendSubject::Line => [TrendSubject::Ipv4, TrendSubject::Ipv6],
            subject => [subject, subject],
        };
        let mut after = subjects
            .map(|subject| self.since(subject, change.at_s))
            .into_iter()
            .max_by_key(Vec::len)?;
        let by = median(&mut after);
        (after.len() >= WINDOWS[0] && by.abs() < change.by_ms.abs() / 2.0).then_some(by)
    }
}

/// A change before its moment is known to ten minutes.
struct FoundShift {
    /// The subject whose series shows the change.
    tested: TrendSubject,
    subject: TrendSubject,
    /// The beginning of the first hour after the change.
    at_s: u64,
    estimate: Estimate,
}

/// The least change that a user would feel.
fn least_ms(subject: TrendSubject, usual: &UsualSubject) -> f64 {
    let least = match subject {
        TrendSubject::Resolver => LEAST_OWN_MS,
        _ => LEAST_ROUND_TRIP_MS,
    };
    least.max(usual.level_ms * LEAST_SHARE)
}

/// The typical difference of some hours, if chance is excluded, and if the difference is at least so great and shows
/// in the latest hours.
fn significant(points: &[SeriesPoint], least_ms: f64) -> Option<Estimate> {
    let mut differences: Vec<f64> = points.iter().map(|point| point.ms).collect();
    let lasts = |value: f64| {
        let latest = points.iter().rev().take(LATEST_HOURS);
        latest.map(|point| point.ms / value).all(|share| share >= 0.5)
    };
    // Most hours end here: the median is soon found.
    let middle = median(&mut differences);
    if middle.abs() < least_ms || !lasts(middle) {
        return None;
    }
    let estimate = signed_ranks(&differences, CONFIDENCE)?;
    let is_certain = estimate.p < LEVEL && estimate.low * estimate.high > 0.0;
    (is_certain && estimate.value.abs() >= least_ms && lasts(estimate.value)).then_some(estimate)
}

/// The first point after the change, and the change by all points from there: as many as the shortest window has at
/// least, since hours from before the change would make the change smaller.
fn locate(points: &[SeriesPoint], first: Estimate, least_ms: f64) -> Option<(usize, Estimate)> {
    let mut found = (0, first);
    for _ in 0..2 {
        let at = split(points, found.1.value);
        let differences: Vec<f64> = points.get(at..)?.iter().map(|point| point.ms).collect();
        if differences.len() < WINDOWS[0] {
            return None;
        }
        found = (at, signed_ranks(&differences, CONFIDENCE)?);
    }
    (found.1.value.abs() >= least_ms).then_some(found)
}

/// The place where a step from zero to `by_ms` fits best, by the sum of absolute differences.
fn split(points: &[SeriesPoint], by_ms: f64) -> usize {
    let after: f64 = points.iter().map(|point| (point.ms - by_ms).abs()).sum();
    let (mut cost, mut best) = (after, (after, 0));
    for (at, point) in points.iter().enumerate() {
        cost += point.ms.abs() - (point.ms - by_ms).abs();
        if cost < best.0 {
            best = (cost, at + 1);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(all: &[f64]) -> Vec<SeriesPoint> {
        (0..).zip(all).map(|(hour, ms)| SeriesPoint { begin_s: hour * HOUR_S, ms: *ms }).collect()
    }

    #[test]
    fn a_step_is_found_where_it_is() {
        let step = points(&[1.0, -2.0, 0.5, 48.0, 55.0, 51.0, 50.0, 47.0, 52.0]);
        assert_eq!(split(&step, 50.0), 3);
        assert_eq!(split(&points(&[50.0, 51.0]), 50.0), 0);
        assert_eq!(split(&points(&[0.0, 1.0]), 50.0), 2, "not yet");
        let downwards = points(&[0.0, 1.0, -30.0, -31.0]);
        assert_eq!(split(&downwards, -30.0), 2);
    }

    #[test]
    fn what_is_over_is_no_change() {
        let lasting = points(&[40.0, 42.0, 39.0, 44.0, 41.0, 40.5, 42.5, 43.0]);
        let found = significant(&lasting, 12.0).unwrap();
        assert!((found.value - 41.5).abs() < 1.0 && found.p < LEVEL);
        assert_eq!(significant(&lasting, 60.0), None, "too small");
        let over = points(&[40.0, 42.0, 39.0, 44.0, 41.0, 40.5, 1.0, 1.5]);
        assert_eq!(significant(&over, 12.0), None);
        let by_chance = points(&[40.0, -42.0, 39.0, 44.0, -1.0, 40.5, 42.5, 43.0]);
        assert_eq!(significant(&by_chance, 12.0), None);
    }
}
