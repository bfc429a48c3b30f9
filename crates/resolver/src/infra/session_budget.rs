//! The budget of connections opened beside a question, to authorities that encrypt.
//!
//! A connection is worth its handshakes if later queries use the connection. So each query on an open connection earns
//! a part of the next connection, and a query elsewhere earns little.

use std::sync::atomic::{AtomicU32, Ordering};

/// The price of a connection.
const CONNECTION: u32 = 32;
/// The income of a query on an open connection: four of them pay for the next connection …
const EARNED_ON_CONNECTION: u32 = 8;
/// … and of any other query: where connections are not used, one query in 32 opens a connection …
const EARNED: u32 = 1;
/// … beyond the initial budget of a fresh process. The budget never grows beyond this.
const MAX_SAVED: u32 = 64 * CONNECTION;

/// The remaining budget.
#[derive(Debug)]
pub(crate) struct SessionBudget(AtomicU32);

impl Default for SessionBudget {
    fn default() -> Self {
        SessionBudget(AtomicU32::new(MAX_SAVED))
    }
}

impl SessionBudget {
    /// A query was sent, perhaps on an open connection to an authority.
    pub(crate) fn earn(&self, is_on_connection: bool) {
        if self.0.load(Ordering::Relaxed) < MAX_SAVED {
            let earned = if is_on_connection { EARNED_ON_CONNECTION } else { EARNED };
            self.0.fetch_add(earned, Ordering::Relaxed);
        }
    }

    /// Takes the price of a connection, if there is so much.
    pub(crate) fn take(&self) -> bool {
        let taken = |left: u32| left.checked_sub(CONNECTION);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    /// Returns the price of a connection that was not opened.
    pub(crate) fn give_back(&self) {
        self.0.fetch_add(CONNECTION, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_queries_on_connections_or_thirty_two_others_earn_a_connection() {
        let budget = SessionBudget::default();
        let spend = || std::iter::from_fn(|| budget.take().then_some(())).count();
        assert_eq!(spend(), 64);
        for (queries, is_on_connection, spent) in
            [(3, true, 0), (1, true, 1), (31, false, 0), (1, false, 1), (10_000, true, 64)]
        {
            (0..queries).for_each(|_| budget.earn(is_on_connection));
            assert_eq!(spend(), spent, "{queries}");
        }
        budget.give_back();
        assert_eq!(spend(), 1);
    }
}
