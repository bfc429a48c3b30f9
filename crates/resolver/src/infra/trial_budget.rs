//! The budget of trials of opportunistic encryption (RFC 9539).
//!
//! Most servers have none, and a trial of theirs is lost: a SYN that is refused, or three that nobody hears. So each
//! query in clear earns a small part of a trial, and nothing is there at first. The servers that are asked most are met
//! most, and are tried first.

use std::sync::atomic::{AtomicU32, Ordering};

/// Queries that earn a trial. Three packets for each 200 are 1.5 % of the packets.
pub(crate) const QUERIES_PER_TRIAL: u32 = 200;
/// Trials saved up.
const MAX_SAVED: u32 = 4;
/// Trials that a trial earns which succeeds: itself, whose packets carried a query, and three that may fail.
const EARNED_BY_SUCCESS: u32 = 4;

/// The queries that have earned no trial yet.
#[derive(Debug, Default)]
pub(crate) struct TrialBudget(AtomicU32);

impl TrialBudget {
    /// A query in clear was answered.
    pub(crate) fn earn(&self) {
        if self.0.load(Ordering::Relaxed) < MAX_SAVED * QUERIES_PER_TRIAL {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether a trial is earned: a quick look before [`TrialBudget::take`].
    pub(crate) fn is_left(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= QUERIES_PER_TRIAL
    }

    /// Takes a trial, if one is earned.
    pub(crate) fn take(&self) -> bool {
        let taken = |earned: u32| earned.checked_sub(QUERIES_PER_TRIAL);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    /// Gives a trial back that was taken and not made.
    pub(crate) fn give_back(&self) {
        self.save(1);
    }

    /// A server answered its trial over TLS.
    pub(crate) fn succeeded(&self) {
        self.save(EARNED_BY_SUCCESS);
    }

    /// Saves trials, up to [`MAX_SAVED`].
    fn save(&self, trials: u32) {
        let saved = |earned: u32| {
            Some((earned + trials * QUERIES_PER_TRIAL).min(MAX_SAVED * QUERIES_PER_TRIAL))
        };
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, saved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_queries_earn_a_trial_and_four_are_saved() {
        let budget = TrialBudget::default();
        assert!(!budget.take());
        (1..QUERIES_PER_TRIAL).for_each(|_| budget.earn());
        assert!(!budget.take());
        assert!(!budget.is_left());
        budget.earn();
        assert!(budget.is_left() && budget.take() && !budget.take());
        budget.give_back();
        assert!(budget.take() && !budget.take());
        (0..100 * QUERIES_PER_TRIAL).for_each(|_| budget.earn());
        budget.give_back();
        assert_eq!((0..100).filter(|_| budget.take()).count(), 4);
    }

    #[test]
    fn a_success_pays_for_itself_and_three_failures() {
        let budget = TrialBudget::default();
        (0..QUERIES_PER_TRIAL).for_each(|_| budget.earn());
        assert!(budget.take());
        budget.succeeded();
        assert_eq!((0..100).filter(|_| budget.take()).count(), 4);
        (0..3).for_each(|_| budget.succeeded());
        assert_eq!((0..100).filter(|_| budget.take()).count(), 4, "no more are saved");
    }
}
