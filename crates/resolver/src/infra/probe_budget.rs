//! The budget of optional packets.
//!
//! Unknown servers are tried beside a known server, never in its place, so no client waits for the
//! result. Probes cost packets at the servers' expense, so each necessary query earns
//! a fraction of one optional packet.

use std::sync::atomic::{AtomicU32, Ordering};

/// The price of one optional packet.
const PACKET: u32 = 8;
/// The income of each necessary query: optional packets are at most an eighth …
const EARNED: u32 = 1;
/// … beyond the initial budget of a fresh process.
const AT_FIRST: u32 = 64 * PACKET;

/// The remaining budget.
#[derive(Debug)]
pub(crate) struct ProbeBudget(AtomicU32);

impl Default for ProbeBudget {
    fn default() -> Self {
        ProbeBudget(AtomicU32::new(AT_FIRST))
    }
}

impl ProbeBudget {
    /// A necessary query is sent; at most `most` optional packets are saved up.
    pub(crate) fn earn(&self, most: u32) {
        if self.0.load(Ordering::Relaxed) < most.saturating_mul(PACKET) {
            self.0.fetch_add(EARNED, Ordering::Relaxed);
        }
    }

    /// Whether the budget has a packet, where `most` may be.
    pub(crate) fn is_left(&self, most: u32) -> bool {
        most > 0 && self.0.load(Ordering::Relaxed) >= PACKET
    }

    /// Returns the price of a packet, necessary after all.
    pub(crate) fn give_back(&self) {
        self.0.fetch_add(PACKET, Ordering::Relaxed);
    }

    /// Takes a packet.
    pub(crate) fn take(&self) {
        let taken = |left: u32| Some(left.saturating_sub(PACKET));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_cost_an_eighth_of_the_packets_beyond_the_first_sixty_four() {
        let budget = ProbeBudget::default();
        let spend =
            |most| std::iter::from_fn(|| budget.is_left(most).then(|| budget.take())).count();
        assert_eq!(spend(0), 0);
        assert_eq!(spend(10), 64);
        for (queries, spent) in [(8, 1), (7, 0), (1, 1), (1000, 10)] {
            (0..queries).for_each(|_| budget.earn(10));
            assert_eq!(spend(10), spent, "{queries}");
        }
    }
}
