//! Fetch quotas: the number of queries under way at one server, and of questions at one zone.
//!
//! A quota grows while queries are answered and shrinks while queries time out. The quota is soft:
//! beyond its half no optional query is sent, and beyond its end no new question, so that a flood of
//! names without answers leaves room for other names (as BIND's `fetches-per-server` and
//! `fetches-per-zone`).

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use zoners_dns::{Name, name};

/// Servers and zones share this number of slots by a secret hash, so that no slot need be allocated
/// or freed. A slot shared with a flooded server does no harm while few queries are under way.
const PLACES: usize = 4096;
/// Queries after whose end a quota is adjusted.
const WINDOW: u16 = 64;
/// If a smaller share was unanswered, the quota grows …
const FEW: f32 = 0.1;
/// … and beyond this share the quota shrinks; by a factor of two.
const MANY: f32 = 0.3;
/// The bounds of a quota, as a factor of the configured value in both directions.
const RANGE: u32 = 16;

/// The quotas of servers, or of zones.
#[derive(Debug)]
pub(crate) struct FetchQuotas {
    places: Box<[QuotaPlace]>,
    secret: RandomState,
}

#[derive(Debug, Default)]
struct QuotaPlace {
    under_way: AtomicU32,
    /// 0: as the configuration says.
    quota: AtomicU32,
    answered: AtomicU16,
    unanswered: AtomicU16,
}

/// A query or question under way, until dropped.
#[derive(Debug)]
pub(crate) struct QuotaSlot {
    quotas: Arc<FetchQuotas>,
    at: usize,
    usual: QuotaLimit,
}

/// How a query or question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuotaEnd {
    Answered,
    Unanswered,
}

/// How full a quota is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum QuotaLoad {
    /// There is room.
    Light,
    /// Optional queries are refused.
    Heavy,
    /// Nothing more.
    Full,
}

/// The initial quota of a server or zone without history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotaLimit {
    /// The configured value; 0 for no quota.
    pub(crate) limit: u32,
    /// A configured or top-level server: the quota starts at its maximum.
    pub(crate) trusted: bool,
}

impl QuotaLimit {
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

impl Default for FetchQuotas {
    fn default() -> Self {
        let places = (0..PLACES).map(|_| QuotaPlace::default()).collect();
        FetchQuotas { places, secret: RandomState::new() }
    }
}

impl FetchQuotas {
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

    /// Adds a query to a slot.
    pub(crate) fn enter(self: &Arc<Self>, at: usize, usual: QuotaLimit) -> QuotaSlot {
        if let Some(place) = self.places.get(at) {
            place.under_way.fetch_add(1, Ordering::Relaxed);
        }
        QuotaSlot { quotas: self.clone(), at, usual }
    }

    /// How full a place is.
    pub(crate) fn load(&self, at: usize, usual: QuotaLimit) -> QuotaLoad {
        let Some(place) = self.places.get(at).filter(|_| usual.limit > 0) else {
            return QuotaLoad::Light;
        };
        let under_way = place.under_way.load(Ordering::Relaxed);
        let quota = place.quota(usual);
        match under_way {
            _ if under_way >= quota => QuotaLoad::Full,
            _ if under_way > quota / 2 => QuotaLoad::Heavy,
            _ => QuotaLoad::Light,
        }
    }

    /// Records the end of a query.
    pub(crate) fn ended(&self, at: usize, end: QuotaEnd, usual: QuotaLimit) {
        let Some(place) = self.places.get(at).filter(|_| usual.limit > 0) else { return };
        let counter = match end {
            QuotaEnd::Answered => &place.answered,
            QuotaEnd::Unanswered => &place.unanswered,
        };
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

    /// Whether unanswered queries have brought the quota below its initial value.
    pub(crate) fn has_shrunk(&self, at: usize, usual: QuotaLimit) -> bool {
        self.places.get(at).is_some_and(|place| place.quota(usual) < usual.limit)
    }

    #[cfg(test)]
    fn state(&self, at: usize) -> (u32, u32) {
        let place = &self.places[at];
        (place.under_way.load(Ordering::Relaxed), place.quota(USUAL))
    }
}

impl QuotaPlace {
    fn quota(&self, usual: QuotaLimit) -> u32 {
        match self.quota.load(Ordering::Relaxed) {
            0 => usual.at_first(),
            adapted if adapted >= usual.limit => adapted.max(usual.at_first()),
            shrunk => shrunk,
        }
    }
}

impl QuotaSlot {
    /// The query was answered.
    pub(crate) fn answered(&self) {
        self.quotas.ended(self.at, QuotaEnd::Answered, self.usual);
    }

    /// The query was not answered.
    pub(crate) fn unanswered(&self) {
        self.quotas.ended(self.at, QuotaEnd::Unanswered, self.usual);
    }
}

impl Drop for QuotaSlot {
    fn drop(&mut self) {
        if let Some(place) = self.quotas.places.get(self.at) {
            place.under_way.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
const USUAL: QuotaLimit = QuotaLimit { limit: 32, trusted: false };

#[cfg(test)]
mod tests {
    use super::*;

    fn end(quotas: &FetchQuotas, end: QuotaEnd, times: u16) {
        (0..times).for_each(|_| quotas.ended(7, end, USUAL));
    }

    #[test]
    fn a_quota_is_light_then_heavy_then_full_and_given_back() {
        let quotas = Arc::<FetchQuotas>::default();
        let load = || quotas.load(7, USUAL);
        let mut under_way: Vec<QuotaSlot> = (0..16).map(|_| quotas.enter(7, USUAL)).collect();
        assert_eq!(load(), QuotaLoad::Light);
        under_way.push(quotas.enter(7, USUAL));
        assert_eq!(load(), QuotaLoad::Heavy);
        under_way.extend((17..32).map(|_| quotas.enter(7, USUAL)));
        assert_eq!(load(), QuotaLoad::Full);
        assert_eq!(quotas.load(7, QuotaLimit { trusted: true, ..USUAL }), QuotaLoad::Light);
        assert_eq!(
            quotas.load(7, QuotaLimit { limit: 0, ..USUAL }),
            QuotaLoad::Light,
            "there is none"
        );
        assert_eq!(quotas.load(8, USUAL), QuotaLoad::Light, "another");
        under_way.pop();
        assert_eq!(load(), QuotaLoad::Heavy);
        drop(under_way);
        assert_eq!(quotas.state(7), (0, 32));
    }

    #[test]
    fn a_quota_shrinks_with_silence_and_recovers_with_answers_within_its_range() {
        let quotas = FetchQuotas::default();
        let quota = || quotas.state(7).1;
        end(&quotas, QuotaEnd::Unanswered, WINDOW - 1);
        assert_eq!(quota(), 32, "few say little");
        end(&quotas, QuotaEnd::Unanswered, 1);
        assert_eq!(quota(), 16);
        end(&quotas, QuotaEnd::Unanswered, 10 * WINDOW);
        assert_eq!(quota(), USUAL.least());
        for _ in 0..4 {
            end(&quotas, QuotaEnd::Unanswered, WINDOW / 5);
            end(&quotas, QuotaEnd::Answered, WINDOW - WINDOW / 5);
        }
        assert_eq!(quota(), USUAL.least(), "neither few nor many");
        end(&quotas, QuotaEnd::Answered, 4 * WINDOW);
        assert_eq!(quota(), 32);
        end(&quotas, QuotaEnd::Answered, 40 * WINDOW);
        assert_eq!(quota(), USUAL.most());
    }

    #[test]
    fn a_server_and_a_zone_have_a_place_each() {
        let quotas = FetchQuotas::default();
        let server = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(quotas.of_server(server), quotas.of_server(server));
        let zone = |text| quotas.of_zone(&name::parse(text).unwrap());
        assert_eq!(zone("example.com"), zone("EXAMPLE.com"));
        assert!(zone("example.com") < PLACES);
    }
}
