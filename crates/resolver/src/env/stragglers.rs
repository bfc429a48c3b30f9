//! Stragglers: losers of a race that go on, to learn the RTTs.
//!
//! An exchange belongs to the worker, not to its question: a server replying after the race was won
//! was still asked, and its RTT is worth knowing. So the loser goes on as it would have in the
//! race, in bounded number.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;
use tokio::sync::Notify;

/// The stragglers of a worker.
#[derive(Debug, Default)]
pub(crate) struct Stragglers {
    living: Arc<AtomicUsize>,
    /// Told to end.
    ending: Arc<Notify>,
}

/// Whether there was room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StragglerFate {
    /// The exchange goes on.
    Living,
    /// The exchange was dropped.
    Full,
}

impl Stragglers {
    /// Lets `exchange`, which has a deadline of its own, go on, unless `limit` stragglers exist.
    pub(crate) fn adopt<F, T>(&self, exchange: Pin<Box<F>>, limit: usize) -> StragglerFate
    where
        F: Future<Output = T> + Send + ?Sized + 'static,
        T: Send + 'static,
    {
        let Ok(runtime) = Handle::try_current() else { return StragglerFate::Full };
        if self.living.fetch_add(1, Ordering::Relaxed) >= limit {
            self.living.fetch_sub(1, Ordering::Relaxed);
            return StragglerFate::Full;
        }
        let (guard, ending) = (StragglerGuard(self.living.clone()), self.ending.clone());
        runtime.spawn(async move {
            let _guard = guard;
            tokio::select! {
                biased;
                _ = exchange => {}
                () = ending.notified() => {}
            }
        });
        StragglerFate::Living
    }

    /// Ends the stragglers, whose sockets are needed.
    pub(crate) fn give_way(&self) {
        if self.living() > 0 {
            self.ending.notify_waiters();
        }
    }

    /// How many live on.
    #[must_use]
    pub(crate) fn living(&self) -> usize {
        self.living.load(Ordering::Relaxed)
    }
}

struct StragglerGuard(Arc<AtomicUsize>);

impl Drop for StragglerGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_number_of_stragglers_is_bounded_and_falls_to_zero() {
        let stragglers = Stragglers::default();
        let longest = Duration::from_secs(3);
        let adopt = || stragglers.adopt(Box::pin(tokio::time::sleep(longest)), 3);
        assert!((0..3).all(|_| adopt() == StragglerFate::Living));
        assert_eq!(adopt(), StragglerFate::Full);
        assert_eq!(stragglers.living(), 3);
        tokio::time::sleep(longest + Duration::from_millis(1)).await;
        assert_eq!(stragglers.living(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn stragglers_give_way_where_sockets_are_needed() {
        let stragglers = Stragglers::default();
        let adopt = || stragglers.adopt(Box::pin(std::future::pending::<()>()), 3);
        assert!((0..3).all(|_| adopt() == StragglerFate::Living));
        tokio::task::yield_now().await;
        stragglers.give_way();
        tokio::task::yield_now().await;
        assert_eq!(stragglers.living(), 0);
    }
}
