//! The queries of the last day, by period, from the counters of the daemon.

use std::collections::VecDeque;

use zoners_api::{DayPeriod, DayReport};

/// The length of a period.
const PERIOD_S: u64 = 600;
/// Periods of a day.
const MAX_PERIODS: usize = 144;

/// The queries of the last day.
#[derive(Debug, Default)]
pub(super) struct DayCounts {
    /// Periods with queries, oldest first.
    periods: VecDeque<DayPeriod>,
    /// The begin of the first period.
    begin_unix_s: Option<u64>,
    /// The sums that were noted last.
    noted: DayPeriod,
}

impl DayCounts {
    /// Takes in the sums since the start of the daemon, at a moment of the wall clock. A clock that was set back adds
    /// to the latest period.
    pub(super) fn note(&mut self, now_unix_s: u64, sums: DayPeriod) {
        let begin_unix_s = now_unix_s - now_unix_s % PERIOD_S;
        self.begin_unix_s.get_or_insert(begin_unix_s);
        let noted = std::mem::replace(&mut self.noted, sums);
        if sums.queries == noted.queries {
            return;
        }
        if self.periods.back().is_none_or(|last| last.begin_unix_s < begin_unix_s) {
            if self.periods.len() >= MAX_PERIODS {
                self.periods.pop_front();
            }
            self.periods.push_back(DayPeriod { begin_unix_s, ..DayPeriod::default() });
        }
        if let Some(last) = self.periods.back_mut() {
            last.queries += sums.queries.saturating_sub(noted.queries);
            last.cached += sums.cached.saturating_sub(noted.cached);
            last.recursed += sums.recursed.saturating_sub(noted.recursed);
            last.stale += sums.stale.saturating_sub(noted.stale);
            last.policy += sums.policy.saturating_sub(noted.policy);
            last.failed += sums.failed.saturating_sub(noted.failed);
        }
    }

    /// The periods of the last 24 hours, those without queries included.
    pub(super) fn report(&self, now_unix_s: u64) -> DayReport {
        let last = now_unix_s - now_unix_s % PERIOD_S;
        let first = last.saturating_sub((MAX_PERIODS as u64 - 1) * PERIOD_S);
        let first = self.begin_unix_s.map_or(last, |begin| begin.clamp(first, last));
        let known = |begin_unix_s| {
            let mut periods = self.periods.iter();
            let found = periods.find(|period| period.begin_unix_s == begin_unix_s);
            found.copied().unwrap_or(DayPeriod { begin_unix_s, ..DayPeriod::default() })
        };
        let begins = (first..=last).step_by(PERIOD_S as usize);
        DayReport { period_s: PERIOD_S as u32, periods: begins.map(known).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A moment at the begin of a period.
    const NOW: u64 = 1_800_000_000;

    fn sums(queries: u64) -> DayPeriod {
        DayPeriod { queries, cached: queries / 2, ..DayPeriod::default() }
    }

    #[test]
    fn sums_become_periods_and_quiet_times_have_periods_too() {
        let mut day = DayCounts::default();
        assert_eq!(day.report(NOW).periods.len(), 1, "the present period");
        day.note(NOW + 5, sums(4));
        day.note(NOW + 599, sums(10));
        day.note(NOW + 1800, sums(12));
        let report = day.report(NOW + 2500);
        let queries: Vec<u64> = report.periods.iter().map(|period| period.queries).collect();
        assert_eq!(queries, [10, 0, 0, 2, 0]);
        assert_eq!(report.periods.first().unwrap().cached, 5);
        assert_eq!(report.total(), DayPeriod { begin_unix_s: NOW, ..sums(12) });
    }

    #[test]
    fn periods_are_those_of_a_day() {
        let mut day = DayCounts::default();
        for period in 0..=2 * MAX_PERIODS as u64 {
            day.note(NOW + period * PERIOD_S, sums(2 * (period + 1)));
        }
        assert_eq!(day.periods.len(), MAX_PERIODS);
        let now = NOW + 2 * MAX_PERIODS as u64 * PERIOD_S;
        let report = day.report(now);
        assert_eq!(report.periods.len(), MAX_PERIODS);
        assert!(report.periods.iter().all(|period| period.queries == 2));
        let quiet = day.report(now + 10 * 86_400);
        assert_eq!((quiet.periods.len(), quiet.total().queries), (MAX_PERIODS, 0));
    }

    #[test]
    fn a_clock_that_was_set_back_loses_nothing() {
        let mut day = DayCounts::default();
        day.note(NOW, sums(4));
        day.note(NOW - 86_400, sums(6));
        assert_eq!(day.periods.len(), 1);
        assert_eq!(day.report(NOW).total().queries, 6);
        assert_eq!(day.report(NOW - 86_400).periods.len(), 1);
    }
}
