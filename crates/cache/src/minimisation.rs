//! Zones whose servers may be shown full names in place of the shortened names of QNAME minimisation (RFC 9156): their
//! servers fail with shortened names (section 2.3), or the zone has no cuts, so that its servers see each full name
//! anyway.

use zoners_dns::{Moment, Name};

use crate::Cache;
use crate::key::{CacheKey, EntryKind};

/// Seconds for which full names are sent to the servers of such a zone.
const TTL_SECONDS: u32 = 900;
/// Seconds for which what is known of the cuts in a zone is kept: as long as a TTL of NS records often is.
const CUTS_TTL_SECONDS: u32 = 86_400;
/// Shortened questions that found no cut, after which a zone without a known cut is taken to have none.
const ENOUGH: u8 = 2;
/// The value of a zone with a cut.
const HAS_CUTS: u8 = u8::MAX;

impl Cache {
    /// Whether the servers of `zone` are known to fail with shortened names.
    #[must_use]
    pub fn fails_minimisation(&self, zone: &Name, now: Moment) -> bool {
        let key = CacheKey::of_name(EntryKind::MinimisationFailure, zone.for_slice());
        self.table.get(key.as_slice(), now, |_, _| Some(())).is_some()
    }

    /// Records that the servers of `zone` fail with shortened names.
    pub fn insert_minimisation_failure(&self, zone: &Name, now: Moment) {
        let key = CacheKey::of_name(EntryKind::MinimisationFailure, zone.for_slice());
        self.table.insert(&key, &[], now.after_seconds(TTL_SECONDS), now);
    }

    /// Whether shortened questions to `zone` found no cut several times, and none found one.
    #[must_use]
    pub fn has_no_cuts(&self, zone: &Name, now: Moment) -> bool {
        let enough = |passed: u8| (ENOUGH..HAS_CUTS).contains(&passed).then_some(());
        let key = CacheKey::of_name(EntryKind::Cuts, zone.for_slice());
        let read = |value: &[u8], _| value.first().copied().and_then(enough);
        self.table.get(key.as_slice(), now, read).is_some()
    }

    /// Records a cut in `zone`.
    pub fn note_cut(&self, zone: &Name, now: Moment) {
        let key = CacheKey::of_name(EntryKind::Cuts, zone.for_slice());
        self.table.insert(&key, &[HAS_CUTS], now.after_seconds(CUTS_TTL_SECONDS), now);
    }

    /// Records that a shortened question to `zone` found no cut.
    pub fn note_no_cut(&self, zone: &Name, now: Moment) {
        let key = CacheKey::of_name(EntryKind::Cuts, zone.for_slice());
        self.table.update(&key, now, |known| {
            let passed = known.and_then(|value| value.first().copied()).unwrap_or(0);
            let passed = if passed < ENOUGH { passed + 1 } else { passed };
            Some((vec![passed], now.after_seconds(CUTS_TTL_SECONDS)))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TtlLimits;
    use zoners_dns::name;

    #[test]
    fn a_failure_applies_to_one_zone_for_its_ttl() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let (now, zone) = (Moment::from_millis(0), name::parse("Odd.test").unwrap());
        cache.insert_minimisation_failure(&zone, now);
        let known = |text: &str, at| {
            cache.fails_minimisation(&name::parse(text).unwrap(), now.after_seconds(at))
        };
        assert!(known("odd.TEST", TTL_SECONDS - 1) && !known("odd.test", TTL_SECONDS));
        assert!(!known("test", 0) && !known("x.odd.test", 0));
    }

    #[test]
    fn a_zone_has_no_cuts_once_enough_questions_found_none_until_one_is_found() {
        let cache = Cache::new(1 << 20, TtlLimits::default(), [0, 0]);
        let (now, zone) = (Moment::from_millis(0), name::parse("Edge.test").unwrap());
        for passed in 1..300 {
            cache.note_no_cut(&zone, now);
            assert_eq!(cache.has_no_cuts(&zone, now), passed >= u32::from(ENOUGH), "{passed}");
        }
        assert!(!cache.has_no_cuts(&zone, now.after_seconds(CUTS_TTL_SECONDS)));
        cache.note_cut(&zone, now);
        cache.note_no_cut(&zone, now);
        assert!(!cache.has_no_cuts(&zone, now));
    }
}
