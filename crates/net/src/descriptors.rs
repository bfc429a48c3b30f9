//! Descriptors for sockets to servers: a process has a limited number.
//!
//! Each open socket holds one. If none is left, queries wait in the order of their arrival, and
//! sockets kept open without a query are closed first.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

/// A quarter of the descriptors is reserved for streams beside the datagram socket of a query.
const BESIDE: usize = 4;
/// The least number of descriptors for sockets to servers.
const LEAST: usize = 4;
/// More are not counted.
const MOST: usize = 1 << 20;
/// The pause before the next try, if the rest of the process has taken the last descriptor.
const RETRY: Duration = Duration::from_millis(50);

/// The descriptors of a process for sockets to servers.
#[derive(Debug)]
pub struct Descriptors {
    queries: Semaphore,
    /// Queries with a reserved descriptor never wait for each other.
    beside: Semaphore,
    /// How many wait.
    waiting: AtomicUsize,
    keepers: Mutex<Vec<Weak<dyn Keeper>>>,
}

/// Sockets kept open in case they are useful.
pub(crate) trait Keeper: std::fmt::Debug + Send + Sync {
    /// Closes the idle sockets.
    fn give_way(&self);
}

/// A descriptor; given back when dropped.
#[derive(Debug)]
pub struct Descriptor {
    of: Arc<Descriptors>,
    beside: bool,
}

impl Descriptors {
    /// A pool of `most` descriptors, or of the least number.
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

    /// Takes a free descriptor at once, if there is one.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Descriptor> {
        self.queries.try_acquire().ok().map(|permit| self.of(permit, false))
    }

    /// Takes a descriptor, in turn.
    pub(crate) async fn take(self: &Arc<Self>) -> Descriptor {
        let _waiting = self.wait();
        match self.queries.acquire().await {
            Ok(permit) => self.of(permit, false),
            // The semaphore is never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// Takes a descriptor for a stream beside the datagram socket of a query.
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

    /// Whether queries wait for a descriptor.
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

    fn wait(&self) -> DescriptorWait<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.give_way();
        DescriptorWait(self)
    }

    fn give_way(&self) {
        let keepers: Vec<_> = self.keepers.lock().iter().filter_map(Weak::upgrade).collect();
        keepers.iter().for_each(|keeper| keeper.give_way());
    }
}

impl Descriptor {
    /// Whether queries wait for this descriptor: then the socket must not be kept for later queries.
    pub(crate) fn is_wanted(&self) -> bool {
        self.of.are_short()
    }

    /// Waits for a moment, if the system has no descriptor left after all.
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

/// A waiting query.
struct DescriptorWait<'a>(&'a Descriptors);

impl Drop for DescriptorWait<'_> {
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
        // A stream beside a query's own socket gets a descriptor nevertheless.
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
