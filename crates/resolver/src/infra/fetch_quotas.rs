//! How many queries may be under way at one server, and questions at one zone.
//!
//! A quota adapts: whose queries are answered may have many, and whose stay unanswered few. It is soft:
//! what fills half of it gets no query that need not be, and what fills all of it no new question, so
//! that a flood of names that are never answered leaves room for others (as BIND's `fetches-per-server`
//! and `fetches-per-zone`).

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use zoners_dns::{Name, name};

/// Servers or zones share one of so many places, which one is up to a secret: so that a place need not
/// be made or forgotten. To share one with what is flooded does no harm while few queries are under way.
const PLACES: usize = 4096;
/// After so many queries that ended, a quota is looked at again.
const WINDOW: u16 = 64;
/// Where less than this share was unanswered, it grows …
const FEW: f32 = 0.1;
/// … and where more than this was, it shrinks; by half or twice.
const MANY: f32 = 0.3;
/// It is at most so many times what the configuration says, and at least such a part of it.
const RANGE: u32 = 16;

/// The quotas of all servers, or of all zones.
#[derive(Debug)]
pub(crate) struct Quotas {
    places: Box<[Place]>,
    secret: RandomState,
}

#[derive(Debug, Default)]
struct Place {
    under_way: AtomicU32,
    /// 0: as the configuration says.
    quota: AtomicU32,
    answered: AtomicU16,
    unanswered: AtomicU16,
}

/// A query or question under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    quotas: Arc<Quotas>,
    at: usize,
    usual: Usual,
}

/// How full a quota is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Load {
    /// There is room.
    Light,
    /// Nothing more that need not be.
    Heavy,
    /// Nothing more.
    Full,
}

/// What a quota is as long as nothing is known of whom it is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usual {
    /// What the configuration says; 0: there is no quota.
    pub(crate) limit: u32,
    /// It was configured or lies at the top: it has the most that there is from the beginning.
    pub(crate) trusted: bool,
}

impl Usual {
    fn at_first(self) -> u32 {
        if self.trusted { self.most() } else { self.limit }
    }

    fn most(self) -> u32 {
        self.limit.saturating_mul(RANGE)
    }

    fn least(self) -> u32 {
        (self.limit / RANGE).max(1)
    }
}

impl Default for Quotas {
    fn default() -> Self {
        let places = (0..PLACES).map(|_| Place::default()).collect();
        Quotas { places, secret: RandomState::new() }
    }
}

impl Quotas {
    /// The place of a server.
    pub(crate) fn of_server(&self, address: IpAddr) -> usize {
        self.secret.hash_one(address) as usize % PLACES
    }

    /// The place of a zone.
    pub(crate) fn of_zone(&self, zone: &Name) -> usize {
        let mut state = self.secret.build_hasher();
        name::hash(zone.for_slice(), &mut state);
        std::hash::Hasher::finish(&state) as usize % PLACES
    }

    /// One more is under way at a place.
    pub(crate) fn enter(self: &Arc<Self>, at: usize, usual: Usual) -> UnderWay {
        if let Some(place) = self.places.get(at) {
            place.under_way.fetch_add(1, Ordering::Relaxed);
        }
        UnderWay { quotas: self.clone(), at, usual }
    }

    /// How full a place is.
    pub(crate) fn load(&self, at: usize, usual: Usual) -> Load {
        let Some(place) = self.places.get(at).filter(|_| usual.limit > 0) else {
            return Load::Light;
        };
        let under_way = place.under_way.load(Ordering::Relaxed);
        let quota = place.quota(usual);
        match under_way {
            _ if under_way >= quota => Load::Full,
            _ if under_way > quota / 2 => Load::Heavy,
            _ => Load::Light,
        }
    }

    /// One at a place has ended, with an answer or without.
    pub(crate) fn ended(&self, at: usize, answered: bool, usual: Usual) {
        let Some(place) = self.places.get(at).filter(|_| usual.limit > 0) else { return };
        let counter = if answered { &place.answered } else { &place.unanswered };
        counter.fetch_add(1, Ordering::Relaxed);
        let (good, bad) = (&place.answered, &place.unanswered);
        let (good, bad) = (good.load(Ordering::Relaxed), bad.load(Ordering::Relaxed));
        let both = good.saturating_add(bad);
        if both < WINDOW {
            return;
        }
        place.answered.store(0, Ordering::Relaxed);
        place.unanswered.store(0, Ordering::Relaxed);
        let share = f32::from(bad) / f32::from(both);
        let quota = place.quota(usual);
        let quota = match share {
            _ if share < FEW => quota.saturating_mul(2).min(usual.most()),
            _ if share > MANY => (quota / 2).max(usual.least()),
            _ => quota,
        };
        place.quota.store(quota, Ordering::Relaxed);
    }

    /// Whether so many stayed unanswered at a place that fewer may be under way there than usual.
    pub(crate) fn has_shrunk(&self, at: usize, usual: Usual) -> bool {
        self.places.get(at).is_some_and(|place| place.quota(usual) < usual.limit)
    }

    #[cfg(test)]
    fn state(&self, at: usize) -> (u32, u32) {
        let place = &self.places[at];
        (place.under_way.load(Ordering::Relaxed), place.quota(USUAL))
    }
}

impl Place {
    fn quota(&self, usual: Usual) -> u32 {
        match self.quota.load(Ordering::Relaxed) {
            0 => usual.at_first(),
            adapted if adapted >= usual.limit => adapted.max(usual.at_first()),
            shrunk => shrunk,
        }
    }
}

impl UnderWay {
    /// It was answered.
    pub(crate) fn answered(&self) {
        self.quotas.ended(self.at, true, self.usual);
    }

    /// It stayed unanswered.
    pub(crate) fn unanswered(&self) {
        self.quotas.ended(self.at, false, self.usual);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(place) = self.quotas.places.get(self.at) {
            place.under_way.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
const USUAL: Usual = Usual { limit: 32, trusted: false };

#[cfg(test)]
mod tests {
    use super::*;

    fn end(quotas: &Quotas, answered: bool, times: u16) {
        (0..times).for_each(|_| quotas.ended(7, answered, USUAL));
    }

    #[test]
    fn a_quota_is_light_then_heavy_then_full_and_given_back() {
        let quotas = Arc::<Quotas>::default();
        let load = || quotas.load(7, USUAL);
        let mut under_way: Vec<UnderWay> = (0..16).map(|_| quotas.enter(7, USUAL)).collect();
        assert_eq!(load(), Load::Light);
        under_way.push(quotas.enter(7, USUAL));
        assert_eq!(load(), Load::Heavy);
        under_way.extend((17..32).map(|_| quotas.enter(7, USUAL)));
        assert_eq!(load(), Load::Full);
        assert_eq!(quotas.load(7, Usual { trusted: true, ..USUAL }), Load::Light);
        assert_eq!(quotas.load(7, Usual { limit: 0, ..USUAL }), Load::Light, "there is none");
        assert_eq!(quotas.load(8, USUAL), Load::Light, "another");
        under_way.pop();
        assert_eq!(load(), Load::Heavy);
        drop(under_way);
        assert_eq!(quotas.state(7), (0, 32));
    }

    #[test]
    fn a_quota_shrinks_with_silence_and_recovers_with_answers_within_its_range() {
        let quotas = Quotas::default();
        let quota = || quotas.state(7).1;
        end(&quotas, false, WINDOW - 1);
        assert_eq!(quota(), 32, "few say little");
        end(&quotas, false, 1);
        assert_eq!(quota(), 16);
        end(&quotas, false, 10 * WINDOW);
        assert_eq!(quota(), USUAL.least());
        for _ in 0..4 {
            end(&quotas, false, WINDOW / 5);
            end(&quotas, true, WINDOW - WINDOW / 5);
        }
        assert_eq!(quota(), USUAL.least(), "neither few nor many");
        end(&quotas, true, 4 * WINDOW);
        assert_eq!(quota(), 32);
        end(&quotas, true, 40 * WINDOW);
        assert_eq!(quota(), USUAL.most());
    }

    #[test]
    fn a_server_and_a_zone_have_a_place_each() {
        let quotas = Quotas::default();
        let server = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(quotas.of_server(server), quotas.of_server(server));
        let zone = |text| quotas.of_zone(&name::parse(text).unwrap());
        assert_eq!(zone("example.com"), zone("EXAMPLE.com"));
        assert!(zone("example.com") < PLACES);
    }
}
