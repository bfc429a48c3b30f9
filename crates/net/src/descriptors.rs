//! Descriptors for sockets to servers, of which a process has so many and no more.
//!
//! Each socket has one for as long as it is open. Where none is left, queries wait for theirs in the order in
//! which they came, and what is kept open without a query gives way first.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

/// One of so many is for streams that a query needs beside its own socket.
const BESIDE: usize = 4;
/// However few descriptors the process has, so many are for sockets to servers.
const LEAST: usize = 4;
/// More are not counted.
const MOST: usize = 1 << 20;
/// A socket is tried for again after this, where other parts of the process, or other processes, have taken
/// what there is.
const RETRY: Duration = Duration::from_millis(50);

/// The descriptors of a process for sockets to servers.
#[derive(Debug)]
pub struct Descriptors {
    queries: Semaphore,
    /// Those who hold one of the others never wait for each other.
    beside: Semaphore,
    /// How many wait.
    waiting: AtomicUsize,
    keepers: Mutex<Vec<Weak<dyn Keeper>>>,
}

/// What is kept open in case that it is of use.
pub(crate) trait Keeper: std::fmt::Debug + Send + Sync {
    /// Closes it.
    fn give_way(&self);
}

/// A descriptor; given back when dropped.
#[derive(Debug)]
pub struct Descriptor {
    of: Arc<Descriptors>,
    beside: bool,
}

impl Descriptors {
    /// So many, or a few at least.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        let most = most.clamp(LEAST, MOST);
        let beside = most / BESIDE;
        Arc::new(Descriptors {
            queries: Semaphore::new(most - beside),
            beside: Semaphore::new(beside),
            waiting: AtomicUsize::new(0),
            keepers: Mutex::default(),
        })
    }

    /// One, if there is one at once.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Descriptor> {
        self.queries.try_acquire().ok().map(|permit| self.of(permit, false))
    }

    /// One, in turn.
    pub(crate) async fn take(self: &Arc<Self>) -> Descriptor {
        let _waiting = self.wait();
        match self.queries.acquire().await {
            Ok(permit) => self.of(permit, false),
            // It is never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// One for a stream without which a query that holds one does not come to its end.
    pub(crate) async fn take_beside(self: &Arc<Self>) -> Descriptor {
        if let Some(descriptor) = self.try_take() {
            return descriptor;
        }
        let _waiting = self.wait();
        match self.beside.acquire().await {
            Ok(permit) => self.of(permit, true),
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether queries wait for one.
    pub(crate) fn are_short(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// From now on `keeper` gives way where descriptors are short.
    pub(crate) fn register(&self, keeper: Weak<dyn Keeper>) {
        let mut keepers = self.keepers.lock();
        keepers.retain(|keeper| keeper.strong_count() > 0);
        keepers.push(keeper);
    }

    fn of(self: &Arc<Self>, permit: SemaphorePermit<'_>, beside: bool) -> Descriptor {
        permit.forget();
        Descriptor { of: self.clone(), beside }
    }

    fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.give_way();
        Waiting(self)
    }

    fn give_way(&self) {
        let keepers: Vec<_> = self.keepers.lock().iter().filter_map(Weak::upgrade).collect();
        keepers.iter().for_each(|keeper| keeper.give_way());
    }
}

impl Descriptor {
    /// Whether queries wait for one: it is not to be kept for a later query.
    pub(crate) fn is_wanted(&self) -> bool {
        self.of.are_short()
    }

    /// Waits for a moment, where the system has no descriptor left after all.
    pub(crate) async fn wait(&self) {
        let _waiting = self.of.wait();
        tokio::time::sleep(RETRY).await;
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let Descriptors { queries, beside, .. } = &*self.of;
        (if self.beside { beside } else { queries }).add_permits(1);
    }
}

/// One that waits.
struct Waiting<'a>(&'a Descriptors);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether descriptors ran out, of this process or of the machine.
pub(crate) fn ran_out(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Keeper for Counting {
        fn give_way(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn those_beyond_the_limit_wait_in_turn_and_what_is_kept_gives_way() {
        let descriptors = Descriptors::new(8);
        let keeper = Arc::new(Counting::default());
        let weak: Weak<dyn Keeper> = Arc::downgrade(&(keeper.clone() as Arc<dyn Keeper>));
        descriptors.register(weak);
        let mut taken: Vec<Descriptor> = std::iter::from_fn(|| descriptors.try_take()).collect();
        assert_eq!((taken.len(), keeper.0.load(Ordering::Relaxed)), (6, 0));
        let (mut first, mut second) = (pin!(descriptors.take()), pin!(descriptors.take()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(descriptors.are_short() && taken[0].is_wanted());
        assert_eq!(keeper.0.load(Ordering::Relaxed), 2);
        // What a query needs beside its own is had all the same, so often.
        for _ in 0..2 {
            let mut beside = pin!(descriptors.take_beside());
            let Poll::Ready(descriptor) = beside.as_mut().poll(&mut context) else {
                panic!("it waits")
            };
            taken.push(descriptor);
        }
        assert!(pin!(descriptors.take_beside()).poll(&mut context).is_pending());
        drop(taken.remove(0));
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(descriptors.try_take().is_none(), "it is for the first");
        assert!(first.as_mut().poll(&mut context).is_ready());
        drop(taken);
        assert!(second.as_mut().poll(&mut context).is_ready());
        assert!(!descriptors.are_short());
    }

    #[test]
    fn there_are_a_few_at_least() {
        let few = Descriptors::new(0);
        let taken: Vec<Descriptor> = std::iter::from_fn(|| few.try_take()).collect();
        assert_eq!(taken.len(), LEAST - LEAST / BESIDE);
    }
}
