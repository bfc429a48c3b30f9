//! Negative trust anchors (RFC 7646): zones that are not validated for a time, because their
//! operators made a mistake.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;
use zoners_dns::{Moment, Name, name};

/// Zones at a time: each is a person's decision.
pub const MAX_NEGATIVE_ANCHORS: usize = 256;
/// Seconds for which a zone may go unvalidated: a week (RFC 7646 section 2).
pub const MAX_NEGATIVE_ANCHOR_SECONDS: u32 = 7 * 24 * 3600;

/// Zones without validation, each until a moment.
#[derive(Debug, Default)]
pub struct NegativeAnchorTable {
    zones: RwLock<Vec<(Name, Moment)>>,
    /// The number of anchors, so that no query takes the lock without any.
    count: AtomicUsize,
}

impl NegativeAnchorTable {
    /// Adds a negative trust anchor for `seconds`, at most [`MAX_NEGATIVE_ANCHOR_SECONDS`]. False
    /// if there are too many.
    pub fn add(&self, zone: &Name, seconds: u32, now: Moment) -> bool {
        let mut zones = self.zones.write();
        zones.retain(|(other, until)| other != zone && *until > now);
        let room = zones.len() < MAX_NEGATIVE_ANCHORS;
        if room {
            zones.push((zone.clone(), now.after_seconds(seconds.min(MAX_NEGATIVE_ANCHOR_SECONDS))));
        }
        self.count.store(zones.len(), Ordering::Release);
        room
    }

    /// Validates `zone` again; false if there was no anchor.
    pub fn remove(&self, zone: &Name) -> bool {
        let mut zones = self.zones.write();
        let before = zones.len();
        zones.retain(|(other, _)| other != zone);
        self.count.store(zones.len(), Ordering::Release);
        zones.len() < before
    }

    /// The zones, with the remaining seconds.
    #[must_use]
    pub fn list(&self, now: Moment) -> Vec<(Name, u32)> {
        let zones = self.zones.read();
        let valid = zones.iter().filter(|(_, until)| *until > now);
        valid.map(|(zone, until)| (zone.clone(), now.seconds_until(*until))).collect()
    }

    /// Whether there is an anchor.
    pub(crate) fn are_any(&self, now: Moment) -> bool {
        self.valid(now, |_| true)
    }

    /// Labels of the deepest negative anchor around `name`.
    pub(crate) fn deepest_above(&self, name: &Name, now: Moment) -> usize {
        let mut deepest = 0;
        self.valid(now, |zone| {
            if name::is_within(name, zone) {
                deepest = deepest.max(name::depth(zone));
            }
            false
        });
        deepest
    }

    /// Whether `name` lies below an anchor of `depth` labels or more.
    pub(crate) fn cover(&self, name: &Name, depth: usize, now: Moment) -> bool {
        self.valid(now, |zone| name::is_within(name, zone) && name::depth(zone) >= depth)
    }

    /// Whether a condition holds of a valid negative anchor.
    fn valid(&self, now: Moment, mut holds: impl FnMut(&Name) -> bool) -> bool {
        self.count.load(Ordering::Acquire) > 0
            && self.zones.read().iter().any(|(zone, until)| *until > now && holds(zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_anchors_expire_and_are_bounded() {
        let anchors = NegativeAnchorTable::default();
        let now = Moment::from_millis(1000);
        let parsed = |text: &str| name::parse(text).unwrap();
        assert!(anchors.add(&parsed("example"), 60, now));
        assert!(anchors.cover(&parsed("www.EXAMPLE"), 0, now));
        assert!(!anchors.cover(&parsed("www.example"), 2, now), "an anchor below is stronger");
        assert!(!anchors.cover(&parsed("example"), 0, now.after_seconds(60)), "expired");
        assert!(anchors.add(&parsed("example"), u32::MAX, now), "in place of the first");
        assert_eq!(anchors.list(now), [(parsed("example"), MAX_NEGATIVE_ANCHOR_SECONDS)]);
        for number in 1..MAX_NEGATIVE_ANCHORS {
            assert!(anchors.add(&parsed(&format!("z{number}")), 60, now));
        }
        assert!(!anchors.add(&parsed("one.more"), 60, now));
        assert!(anchors.remove(&parsed("example")) && !anchors.remove(&parsed("example")));
    }
}
