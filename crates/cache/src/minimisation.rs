//! Zones whose servers answer full names, but not the shortened names of QNAME minimisation (RFC
//! 9156 section 2.3).

use zoners_dns::{Moment, Name};

use crate::Cache;
use crate::key::{CacheKey, EntryKind};

/// Seconds for which full names are sent to the servers of such a zone.
const TTL_SECONDS: u32 = 900;

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
}
