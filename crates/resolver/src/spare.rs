//! The small budget of packets beyond what must be sent.
//!
//! Servers that nobody has met yet are tried beside a known one, not instead of it, so that no
//! client waits for what is learned. That costs packets, and others pay for their answers: so
//! every query that must be sent earns a part of one that need not be.

use std::sync::atomic::{AtomicI64, Ordering};

/// What one spare packet costs.
const PACKET: i64 = 16;

/// What is left to spend.
#[derive(Debug)]
pub(crate) struct Spare(AtomicI64);

impl Default for Spare {
    fn default() -> Self {
        Spare(AtomicI64::new(MOST))
    }
}

/// What one query earns: spare packets are at most an eighth of the others …
const EARNED: i64 = PACKET / 8;
/// … after the first few, which a program may send that has just begun.
const MOST: i64 = 64 * PACKET;

impl Spare {
    /// A query is sent that must be.
    pub(crate) fn earn(&self) {
        let left = self.0.load(Ordering::Relaxed);
        if left < MOST {
            self.0.fetch_add(EARNED, Ordering::Relaxed);
        }
    }

    /// Takes a packet; false if there is none to spare.
    pub(crate) fn take(&self) -> bool {
        let grant = |left: i64| (left >= PACKET).then_some(left - PACKET);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grant).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eighth_may_be_spent_beyond_the_first() {
        let spare = Spare::default();
        let at_first = std::iter::from_fn(|| spare.take().then_some(())).count();
        assert_eq!(at_first as i64, MOST / PACKET);
        for _ in 0..800 {
            spare.earn();
        }
        let later = std::iter::from_fn(|| spare.take().then_some(())).count();
        assert_eq!(later as i64, (800 * EARNED).min(MOST + EARNED) / PACKET);
    }
}
