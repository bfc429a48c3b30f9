//! The budget of a client query.
//!
//! Created when the client's question comes in, passed down by reference, charged by every step,
//! and never reset: amplification attacks exploit budgets starting anew at a referral, an alias or
//! a nameserver look-up (CVE-2026-50045).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use tokio::time::Instant;
use zoners_dns::Counter;

use crate::model::answer::{Cause, Unresolved};
use crate::model::settings::Limits;

/// The remaining budget of one client query.
#[derive(Debug)]
pub(crate) struct Budget {
    queries: AtomicU32,
    /// The limit of queries for one question, which the caller counts.
    queries_per_question: u32,
    hedges: AtomicU32,
    bytes: AtomicU64,
    tcp: AtomicU32,
    lookups: AtomicU32,
    verifications: AtomicU32,
    failed_verifications: AtomicU32,
    hash_blocks: AtomicU32,
    /// The first limit reached, among the limits that say nothing about the question.
    met: OnceLock<Exhausted>,
    /// Whether the result is not wanted any more.
    stopped: AtomicBool,
    /// The end of the work for the query.
    pub deadline: Instant,
}

/// A limit that was reached, named by its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted(pub Counter);

impl Exhausted {
    /// The failure caused by the limit.
    #[must_use]
    pub fn unresolved(self) -> Unresolved {
        let cause = if self.0 == Counter::BudgetTime { Cause::Deadline } else { Cause::Budget };
        Unresolved::new(cause, self.0.help())
    }
}

impl Budget {
    /// The whole budget of a query that `arrived` now. Called where a client query comes in, nowhere else.
    #[must_use]
    pub(crate) fn new(limits: Limits, arrived: Instant) -> Self {
        Budget {
            queries: AtomicU32::new(limits.queries),
            queries_per_question: limits.queries_per_question,
            hedges: AtomicU32::new(limits.hedges),
            bytes: AtomicU64::new(limits.bytes),
            tcp: AtomicU32::new(limits.tcp),
            lookups: AtomicU32::new(limits.lookups),
            verifications: AtomicU32::new(limits.verifications),
            failed_verifications: AtomicU32::new(limits.failed_verifications),
            hash_blocks: AtomicU32::new(limits.hash_blocks),
            met: OnceLock::new(),
            stopped: AtomicBool::new(false),
            deadline: arrived + limits.recursion,
        }
    }

    /// Charges a query about to be sent, to the client query and to the question. A `retry` is a hedge or a
    /// repetition: the cost of a bad uplink has an allowance of its own, and counts against the question
    /// only when the allowance is spent.
    pub(crate) fn charge_query(
        &self,
        question: &AtomicU32,
        tcp: bool,
        retry: bool,
    ) -> Result<(), Exhausted> {
        if Instant::now() >= self.deadline {
            return Err(Exhausted(Counter::BudgetTime));
        }
        if !retry || take(&self.hedges, Counter::BudgetQueries).is_err() {
            let grant = |spent: u32| (spent < self.queries_per_question).then_some(spent + 1);
            if question.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grant).is_err() {
                return Err(Exhausted(Counter::BudgetQueriesPerQuestion));
            }
            self.take(&self.queries, Counter::BudgetQueries)?;
        }
        if tcp { self.take(&self.tcp, Counter::BudgetTcpQueries) } else { Ok(()) }
    }

    /// Charges an optional query; a spent allowance says nothing about the question.
    pub(crate) fn charge_aside(&self, tcp: bool) -> Result<(), Exhausted> {
        if Instant::now() >= self.deadline {
            return Err(Exhausted(Counter::BudgetTime));
        }
        take(&self.hedges, Counter::BudgetQueries)?;
        if tcp { take(&self.tcp, Counter::BudgetTcpQueries) } else { Ok(()) }
    }

    /// The limit that was reached, if any: with a different client's budget the question might have
    /// succeeded.
    pub(crate) fn met(&self) -> Option<Exhausted> {
        match self.met.get() {
            None if Instant::now() >= self.deadline => Some(Exhausted(Counter::BudgetTime)),
            met => met.copied(),
        }
    }

    fn take(&self, left: &AtomicU32, counter: Counter) -> Result<(), Exhausted> {
        take(left, counter).inspect_err(|exhausted| {
            let _ = self.met.set(*exhausted);
        })
    }

    /// The result is not wanted any more: replies under way are still used, and no further query is
    /// sent.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether the result is not wanted any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Charges received octets.
    pub(crate) fn charge_bytes(&self, octets: usize) -> Result<(), Exhausted> {
        let grant = |left: u64| left.checked_sub(octets as u64);
        match self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grant) {
            Ok(_) => Ok(()),
            Err(_) => {
                let exhausted = Exhausted(Counter::BudgetOctets);
                let _ = self.met.set(exhausted);
                Err(exhausted)
            }
        }
    }

    /// Charges the look-up of a nameserver's address.
    pub(crate) fn charge_lookup(&self) -> Result<(), Exhausted> {
        self.take(&self.lookups, Counter::BudgetAddressLookups)
    }

    /// Charges a signature about to be verified.
    pub(crate) fn charge_verification(&self) -> Result<(), Exhausted> {
        if self.failed_verifications.load(Ordering::Relaxed) == 0 {
            return Err(Exhausted(Counter::BudgetFailedVerifications));
        }
        self.take(&self.verifications, Counter::BudgetVerifications)
    }

    /// Charges a signature that did not verify.
    pub(crate) fn charge_failed_verification(&self) {
        let _ = take(&self.failed_verifications, Counter::BudgetFailedVerifications);
    }

    /// Calls `hash` with the remaining SHA-1 blocks.
    pub(crate) fn hashing<T>(&self, hash: impl FnOnce(&mut u32) -> T) -> T {
        // Two workers never hash for one client query at the same time, so no update is lost.
        let mut left = self.hash_blocks.load(Ordering::Relaxed);
        let result = hash(&mut left);
        self.hash_blocks.store(left, Ordering::Relaxed);
        result
    }
}

/// Takes one unit.
pub(crate) fn take(left: &AtomicU32, counter: Counter) -> Result<(), Exhausted> {
    let grant = |left: u32| left.checked_sub(1);
    match left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grant) {
        Ok(_) => Ok(()),
        Err(_) => Err(Exhausted(counter)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_limit_holds_at_its_edge() {
        let limits = Limits {
            queries: 3,
            queries_per_question: 2,
            hedges: 1,
            tcp: 1,
            lookups: 1,
            bytes: 10,
            verifications: 2,
            failed_verifications: 1,
            hash_blocks: 5,
            ..Limits::default()
        };
        let budget = Budget::new(limits, Instant::now());
        let (one, two) = (AtomicU32::new(0), AtomicU32::new(0));
        let charge = |question, tcp, retry| budget.charge_query(question, tcp, retry);
        assert_eq!(charge(&one, true, false), Ok(()));
        assert_eq!(charge(&one, true, false), Err(Exhausted(Counter::BudgetTcpQueries)));
        assert_eq!(charge(&one, false, false), Err(Exhausted(Counter::BudgetQueriesPerQuestion)));
        assert_eq!(charge(&one, false, true), Ok(()), "there is an allowance for hedges");
        assert_eq!(charge(&one, false, true), Err(Exhausted(Counter::BudgetQueriesPerQuestion)));
        assert_eq!(charge(&two, false, true), Ok(()), "and they may cost what else there is");
        assert_eq!(charge(&two, false, false), Err(Exhausted(Counter::BudgetQueries)));
        let aside = Budget::new(Limits { hedges: 2, ..limits }, Instant::now());
        assert_eq!((aside.charge_aside(true), aside.met()), (Ok(()), None));
        assert_eq!(aside.charge_aside(true), Err(Exhausted(Counter::BudgetTcpQueries)));
        assert_eq!(aside.charge_aside(false), Err(Exhausted(Counter::BudgetQueries)));
        assert_eq!(aside.met(), None, "the question may cost what it might before");
        let fresh = AtomicU32::new(0);
        assert!((0..2).all(|_| aside.charge_query(&fresh, false, false).is_ok()));
        assert_eq!(budget.charge_lookup(), Ok(()));
        assert_eq!(budget.charge_lookup(), Err(Exhausted(Counter::BudgetAddressLookups)));
        assert_eq!(budget.met(), Some(Exhausted(Counter::BudgetTcpQueries)), "the first");
        assert_eq!(budget.charge_bytes(10), Ok(()));
        assert_eq!(budget.charge_bytes(1), Err(Exhausted(Counter::BudgetOctets)));
        assert_eq!(budget.charge_verification(), Ok(()));
        assert_eq!(budget.charge_verification(), Ok(()));
        assert_eq!(budget.charge_verification(), Err(Exhausted(Counter::BudgetVerifications)));
        budget.charge_failed_verification();
        assert_eq!(
            budget.charge_verification(),
            Err(Exhausted(Counter::BudgetFailedVerifications))
        );
        budget.hashing(|left| *left -= 2);
        assert_eq!(budget.hashing(|left| *left), 3);
        tokio::time::advance(limits.recursion).await;
        let fresh = AtomicU32::new(0);
        assert_eq!(budget.charge_query(&fresh, false, false), Err(Exhausted(Counter::BudgetTime)));
    }
}
