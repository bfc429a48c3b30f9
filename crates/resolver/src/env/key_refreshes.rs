//! When the keys of zones were last fetched anew.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use zoners_dns::{Moment, Name};

/// The least time between two refreshes of a zone's keys.
const EVERY: Duration = Duration::from_secs(30);
/// The time after the start of a refresh during which it may be under way or has just ended.
const RECENT: Duration = Duration::from_secs(5);
/// Zones whose last refresh is recorded; beyond the limit none is started.
pub(crate) const MOST: usize = 512;

/// When the keys of zones were last fetched anew.
#[derive(Debug, Default)]
pub(crate) struct KeyRefreshes(Mutex<HashMap<Name, Moment>>);

/// The next step for the keys of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshTurn {
    /// Fetch the keys anew.
    Fetch,
    /// The keys were fetched a moment ago, or are being fetched: look at them again.
    Look,
    /// Keep the known keys: the last renewal was not long ago.
    Leave,
}

impl KeyRefreshes {
    pub(crate) fn turn(&self, zone: &Name, now: Moment) -> RefreshTurn {
        let mut zones = self.0.lock();
        if let Some(last) = zones.get(zone) {
            match now.since(*last) {
                since if since < RECENT => return RefreshTurn::Look,
                since if since < EVERY => return RefreshTurn::Leave,
                _ => {}
            }
        }
        if zones.len() >= MOST {
            zones.retain(|_, last| now.since(*last) < EVERY);
        }
        if zones.len() >= MOST {
            return RefreshTurn::Leave;
        }
        zones.insert(zone.clone(), now);
        RefreshTurn::Fetch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;

    #[test]
    fn the_keys_of_a_zone_are_refreshed_twice_a_minute_at_most() {
        let (renewals, zone) = (KeyRefreshes::default(), name::parse("a.test").unwrap());
        let at = |seconds: u64| renewals.turn(&zone, Moment::from_millis(1000 * seconds));
        assert_eq!(
            (at(100), at(104), at(105)),
            (RefreshTurn::Fetch, RefreshTurn::Look, RefreshTurn::Leave)
        );
        assert_eq!(
            (at(129), at(130), at(131)),
            (RefreshTurn::Leave, RefreshTurn::Fetch, RefreshTurn::Look)
        );
    }

    #[test]
    fn the_number_of_remembered_zones_is_bounded() {
        let renewals = KeyRefreshes::default();
        let turn = |number: usize, at| {
            renewals
                .turn(&name::parse(&format!("z{number}.test")).unwrap(), Moment::from_millis(at))
        };
        assert!((0..MOST).all(|number| turn(number, 1000) == RefreshTurn::Fetch));
        assert_eq!(turn(MOST, 1000), RefreshTurn::Leave);
        assert_eq!(turn(MOST, 31_000), RefreshTurn::Fetch, "the others are over");
    }
}
