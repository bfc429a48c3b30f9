//! When a secondary server looks at its primary (RFC 1034 section 4.3.5), and when its copy expires.

use zoners_dns::Moment;

use crate::zone::Soa;

/// Bounds on the times of an SOA record, in seconds: a zone may neither ask every second nor be forgotten for months.
const REFRESH_SECONDS: (u32, u32) = (30, 7 * 86_400);
const RETRY_SECONDS: (u32, u32) = (10, 86_400);
const EXPIRE_SECONDS: (u32, u32) = (600, 180 * 86_400);
/// The times between attempts while there is no copy: the first, doubled with each failure, and the greatest.
const FIRST_RETRY_SECONDS: u32 = 5;
const MAX_FIRST_RETRY_SECONDS: u32 = 3600;
/// The least time between two attempts, whatever NOTIFY says.
const MIN_ATTEMPT_SECONDS: u32 = 5;

/// The times of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshSchedule {
    due: Moment,
    last_attempt: Option<Moment>,
    failures: u32,
    copy: Option<CopyTimes>,
}

/// The times of the copy at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CopyTimes {
    retry: u32,
    expires: Moment,
}

impl RefreshSchedule {
    /// Of a zone without a copy: an attempt is due at once.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        RefreshSchedule { due: now, last_attempt: None, failures: 0, copy: None }
    }

    /// Of a zone with a copy from the disk, which was found current so many seconds ago. An attempt is due at once.
    #[must_use]
    pub fn restored(now: Moment, soa: Soa, age_seconds: u32) -> Self {
        let left = expire_seconds(soa).saturating_sub(age_seconds);
        let copy = CopyTimes { retry: retry_seconds(soa), expires: now.after_seconds(left) };
        RefreshSchedule { copy: Some(copy), ..RefreshSchedule::new(now) }
    }

    /// The primary has shown that the copy is current. Of the last tenth of the time, `spread`
    /// parts out of 256 are waited for: the secondaries of a primary should come apart.
    pub fn refreshed(&mut self, now: Moment, soa: Soa, spread: u8) {
        let refresh = soa.refresh.clamp(REFRESH_SECONDS.0, REFRESH_SECONDS.1);
        let tenth = u64::from(refresh / 10) * u64::from(spread) / 256;
        let wait = refresh - refresh / 10 + tenth as u32;
        *self = RefreshSchedule {
            due: now.after_seconds(wait),
            last_attempt: Some(now),
            failures: 0,
            copy: Some(CopyTimes {
                retry: retry_seconds(soa),
                expires: now.after_seconds(expire_seconds(soa)),
            }),
        };
    }

    /// No primary has shown anything.
    pub fn failed(&mut self, now: Moment) {
        let wait = match &self.copy {
            Some(copy) if copy.expires > now => copy.retry,
            _ => (FIRST_RETRY_SECONDS << self.failures.min(16)).min(MAX_FIRST_RETRY_SECONDS),
        };
        self.failures = self.failures.saturating_add(1);
        self.last_attempt = Some(now);
        self.due = now.after_seconds(wait);
    }

    /// The primary has announced a new version (RFC 1996).
    pub fn notified(&mut self, now: Moment) {
        let earliest = self.last_attempt.map(|last| last.after_seconds(MIN_ATTEMPT_SECONDS));
        self.due = self.due.min(earliest.unwrap_or(now).max(now));
    }

    /// When the next attempt is due.
    #[must_use]
    pub fn due(&self) -> Moment {
        self.due
    }

    /// When the copy at hand expires; `None` without a copy.
    #[must_use]
    pub fn expires(&self) -> Option<Moment> {
        self.copy.map(|copy| copy.expires)
    }

    /// Whether there is a copy that has not expired.
    #[must_use]
    pub fn has_usable_copy(&self, now: Moment) -> bool {
        self.copy.is_some_and(|copy| copy.expires > now)
    }
}

fn retry_seconds(soa: Soa) -> u32 {
    soa.retry.clamp(RETRY_SECONDS.0, RETRY_SECONDS.1)
}

/// A copy lives at least as long as one look and one further attempt take.
fn expire_seconds(soa: Soa) -> u32 {
    let least = soa.refresh.clamp(REFRESH_SECONDS.0, REFRESH_SECONDS.1) + retry_seconds(soa);
    soa.expire.clamp(EXPIRE_SECONDS.0, EXPIRE_SECONDS.1).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOA: Soa = Soa { serial: 1, refresh: 3600, retry: 600, expire: 604_800, minimum: 60 };

    fn at(seconds: u64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    #[test]
    fn a_current_copy_is_looked_at_after_refresh_and_then_after_each_retry() {
        let mut schedule = RefreshSchedule::new(at(0));
        assert_eq!((schedule.due(), schedule.has_usable_copy(at(0))), (at(0), false));
        schedule.refreshed(at(10), SOA, 0);
        assert_eq!(schedule.due(), at(10 + 3240));
        schedule.refreshed(at(10), SOA, 255);
        assert_eq!(schedule.due(), at(10 + 3240 + 358));
        for attempt in 0..3 {
            schedule.failed(at(4000 + 600 * attempt));
            assert_eq!(schedule.due(), at(4000 + 600 * (attempt + 1)));
        }
    }

    #[test]
    fn a_copy_expires_unless_the_primary_is_heard() {
        let mut schedule = RefreshSchedule::new(at(0));
        schedule.refreshed(at(0), SOA, 0);
        assert!(schedule.has_usable_copy(at(604_799)) && !schedule.has_usable_copy(at(604_800)));
        schedule.refreshed(at(600_000), SOA, 0);
        assert!(schedule.has_usable_copy(at(1_204_799)));
        // An expired copy is as good as none.
        schedule.failed(at(1_300_000));
        assert_eq!(schedule.due(), at(1_300_005));
        let restored = RefreshSchedule::restored(at(0), SOA, 604_000);
        assert_eq!(restored.expires(), Some(at(800)));
        assert!(!RefreshSchedule::restored(at(0), SOA, 700_000).has_usable_copy(at(0)));
    }

    #[test]
    fn attempts_without_a_copy_become_rarer() {
        let (mut schedule, mut now, mut waits) = (RefreshSchedule::new(at(0)), at(0), Vec::new());
        for _ in 0..12 {
            schedule.failed(now);
            waits.push(now.seconds_until(schedule.due()));
            now = schedule.due();
        }
        assert_eq!(waits[..4], [5, 10, 20, 40]);
        assert_eq!(waits[10..], [3600, 3600]);
    }

    #[test]
    fn a_notify_makes_an_attempt_due_but_not_a_storm() {
        let mut schedule = RefreshSchedule::new(at(0));
        schedule.refreshed(at(100), SOA, 0);
        schedule.notified(at(101));
        assert_eq!(schedule.due(), at(105), "five seconds after the last attempt");
        schedule.notified(at(200));
        assert_eq!(schedule.due(), at(105), "no later than before");
        schedule.refreshed(at(200), SOA, 0);
        schedule.notified(at(300));
        assert_eq!(schedule.due(), at(300));
    }

    #[test]
    fn times_out_of_bounds_are_bounded() {
        let mut schedule = RefreshSchedule::new(at(0));
        schedule.refreshed(at(0), Soa { refresh: 0, retry: 0, expire: 0, ..SOA }, 0);
        assert_eq!((schedule.due(), schedule.expires()), (at(27), Some(at(600))));
        schedule.failed(at(27));
        assert_eq!(schedule.due(), at(37));
        let most = u32::MAX;
        schedule.refreshed(at(0), Soa { refresh: most, retry: most, expire: most, ..SOA }, 0);
        assert_eq!(schedule.expires(), Some(at(180 * 86_400)));
    }
}
