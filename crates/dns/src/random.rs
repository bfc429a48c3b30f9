//! The source of values that must not be predictable: query IDs, ports, the order of servers.

use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng};

/// A cryptographically secure generator, shared by the whole process.
///
/// All workers share one generator, so that ports and IDs of two workers are indistinguishable
/// (CVE-2026-50252: one pool per thread). Tests give a seed; the same seed gives the same run.
#[derive(Clone, Debug)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    /// Seeded by the operating system.
    ///
    /// # Errors
    /// The operating system provides no entropy.
    pub fn from_system() -> Result<Self, String> {
        let rng = StdRng::try_from_rng(&mut SysRng)
            .map_err(|error| format!("no entropy from the operating system: {error}"))?;
        Ok(Random(Arc::new(Mutex::new(rng))))
    }

    /// Seeded by the caller, for simulations and tests.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Random(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// 64 random bits.
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.0.lock().next_u64()
    }

    /// Random octets, for keys, salts and nonces.
    #[must_use]
    pub fn octets<const OCTETS: usize>(&self) -> [u8; OCTETS] {
        let mut octets = [0; OCTETS];
        self.fill(&mut octets);
        octets
    }

    /// Fills `octets` with random ones.
    pub fn fill(&self, octets: &mut [u8]) {
        self.0.lock().fill_bytes(octets);
    }

    /// A query ID (RFC 5452 section 9.2).
    #[must_use]
    pub fn id(&self) -> u16 {
        (self.bits() >> 48) as u16
    }

    /// A number below `bound`; 0 where `bound` is 0.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// True with `probability`, from 0.0 to 1.0.
    #[must_use]
    pub fn chance(&self, probability: f64) -> bool {
        (self.bits() >> 11) as f64 / ((1u64 << 53) as f64) < probability
    }

    /// Puts `items` in random order.
    pub fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (one, two) = (Random::seeded(7), Random::seeded(7));
        assert!((0..100).all(|_| one.bits() == two.bits()));
        assert_ne!(Random::seeded(7).bits(), Random::seeded(8).bits());
    }

    #[test]
    fn octets_are_random_to_the_last_one() {
        let (one, two) = (Random::seeded(7), Random::seeded(7));
        let octets: [u8; 33] = one.octets();
        assert_eq!(octets, two.octets());
        assert_ne!(octets, one.octets());
        let differs = |at: usize| (0..100).any(|_| one.octets::<33>()[at] != octets[at]);
        assert!((0..33).all(differs), "each octet is drawn");
    }

    #[test]
    fn below_stays_below_and_reaches_all() {
        let random = Random::seeded(1);
        let mut seen = [0u32; 13];
        for _ in 0..13_000 {
            seen[random.below(13) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
        assert_eq!(random.below(0), 0);
    }
}
