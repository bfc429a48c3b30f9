//! Memory held by connections: incomplete messages, and replies not yet taken.
//!
//! The connections share one budget. When the budget is spent, the connection holding the most is
//! closed, of several the oldest: connections with short messages continue once that memory is free.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The budget of a number of connections.
#[derive(Debug)]
pub struct Held {
    most: usize,
    accounts: Mutex<Accounts>,
    /// Notified when the memory of a closed connection is free.
    gone: Notify,
}

#[derive(Debug, Default)]
struct Accounts {
    /// Octets of open connections.
    octets: usize,
    /// Of the next connection.
    number: u64,
    /// By number, so the oldest come first.
    open: BTreeMap<u64, Holding>,
    /// Octets of closed connections, not freed yet.
    leaving: BTreeMap<u64, usize>,
}

#[derive(Debug)]
struct Holding {
    octets: usize,
    given_up: Arc<Notify>,
}

/// The memory of one connection; zero once closed or dropped.
#[derive(Debug)]
pub struct Account {
    held: Arc<Held>,
    number: u64,
    given_up: Arc<Notify>,
}

impl Held {
    /// A budget of `most` octets.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Held { most, accounts: Mutex::default(), gone: Notify::new() })
    }

    /// The account of a new connection.
    #[must_use]
    pub fn account(self: &Arc<Self>) -> Account {
        let given_up = Arc::<Notify>::default();
        let mut accounts = self.accounts.lock();
        let number = accounts.number;
        accounts.number += 1;
        accounts.open.insert(number, Holding { octets: 0, given_up: given_up.clone() });
        Account { held: self.clone(), number, given_up }
    }

    /// The octets held.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.accounts.lock().in_all()
    }

    /// Waits until closed connections have freed their memory, while the budget is exceeded.
    async fn room(&self) {
        loop {
            let gone = self.gone.notified();
            if self.octets() <= self.most {
                return;
            }
            gone.await;
        }
    }
}

impl Account {
    /// The connection holds `now` octets instead of `before`. Returns the number of connections closed
    /// for lack of memory, perhaps with this connection; ends once that memory is free.
    pub async fn change(&self, before: usize, now: usize) -> usize {
        let (given_up, spent) = self.note(before, now);
        if spent {
            self.held.room().await;
        }
        given_up
    }

    /// Adds `octets` to what the connection holds; returns the number of connections closed for lack of memory.
    pub fn add(&self, octets: usize) -> usize {
        self.note(0, octets).0
    }

    /// Waits until closed connections have freed their memory, while the budget is exceeded.
    pub async fn room(&self) {
        self.held.room().await;
    }

    /// Subtracts `octets` from what the connection holds.
    pub fn free(&self, octets: usize) {
        self.note(octets, 0);
    }

    /// Records a change without waiting; returns whether the caller must wait.
    fn note(&self, before: usize, now: usize) -> (usize, bool) {
        let mut accounts = self.held.accounts.lock();
        // The octets of a closed connection count until they are freed.
        let Some(holding) = accounts.open.get_mut(&self.number) else { return (0, false) };
        holding.octets = (holding.octets + now).saturating_sub(before);
        accounts.octets = (accounts.octets + now).saturating_sub(before);
        let mut given_up = 0;
        while accounts.octets > self.held.most && accounts.give_up_one() {
            given_up += 1;
        }
        (given_up, now > before && accounts.in_all() > self.held.most)
    }

    /// The connection holds nothing any more.
    pub fn close(&self) {
        let mut accounts = self.held.accounts.lock();
        if let Some(holding) = accounts.open.remove(&self.number) {
            accounts.octets -= holding.octets;
        }
        if accounts.leaving.remove(&self.number).is_some() {
            self.held.gone.notify_waiters();
        }
    }

    /// Gives the connection up for another reason than its octets.
    pub fn give_up(&self) {
        self.given_up.notify_one();
    }

    /// Ends once the connection is closed, for the first waiting caller.
    pub async fn given_up(&self) {
        self.given_up.notified().await;
    }
}

impl Accounts {
    fn in_all(&self) -> usize {
        self.octets + self.leaving.values().sum::<usize>()
    }

    fn give_up_one(&mut self) -> bool {
        let largest = self.open.iter().min_by_key(|(_, holding)| Reverse(holding.octets));
        let Some(number) = largest.map(|(number, _)| *number) else { return false };
        let Some(Holding { octets, given_up }) = self.open.remove(&number) else { return false };
        self.octets -= octets;
        self.leaving.insert(number, octets);
        given_up.notify_one();
        true
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_given_up(account: &Account) -> bool {
        let mut waiting = std::pin::pin!(account.given_up());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        waiting.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn the_largest_and_of_several_the_oldest_is_given_up_at_the_limit() {
        let held = Held::new(100);
        let accounts: Vec<Account> = (0..5).map(|_| held.account()).collect();
        for (account, octets) in accounts.iter().zip([10, 30, 30, 20, 10]) {
            assert_eq!(account.note(0, octets), (0, false));
        }
        assert_eq!(held.octets(), 100);
        assert_eq!(accounts[0].note(10, 11), (1, true));
        accounts[1].close();
        assert_eq!(held.octets(), 71);
        let given_up: Vec<bool> = accounts.iter().map(is_given_up).collect();
        assert_eq!(given_up, [false, true, false, false, false]);
        assert_eq!((accounts[1].note(30, 500).0, held.octets()), (0, 71), "it counts no more");
        assert_eq!(accounts[3].note(20, 120), (1, true), "the one that grows is the largest");
        assert!(is_given_up(&accounts[3]));
    }

    #[test]
    fn others_wait_until_one_that_is_given_up_has_gone() {
        let held = Held::new(100);
        let (one, other) = (held.account(), held.account());
        assert_eq!(one.note(0, 80), (0, false));
        let mut growing = std::pin::pin!(other.change(0, 40));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(growing.as_mut().poll(&mut context).is_pending());
        assert!(is_given_up(&one));
        assert_eq!(held.octets(), 120, "it is still there");
        one.close();
        assert_eq!(growing.as_mut().poll(&mut context), std::task::Poll::Ready(1));
        assert_eq!(held.octets(), 40);
    }

    #[test]
    fn what_is_let_go_of_is_given_back() {
        let held = Held::new(100);
        let (one, other) = (held.account(), held.account());
        one.note(0, 60);
        other.note(0, 40);
        one.note(60, 0);
        assert_eq!(held.octets(), 40);
        one.note(0, 50);
        drop(one);
        assert_eq!(held.octets(), 40);
        drop(other);
        assert_eq!((held.octets(), held.accounts.lock().open.len()), (0, 0));
    }
}
