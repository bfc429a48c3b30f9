//! Losers of a race, living on to teach what they learn.
//!
//! An exchange belongs to the worker, not to the question it was sent for: a server that answers
//! after another has won was still asked, and how long it took is worth knowing. So the loser goes
//! on for a while, in bounded number.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

/// A loser that has not heard by then learns no more.
const LONGEST: Duration = Duration::from_secs(2);

/// Where losers live on.
#[derive(Debug, Default)]
pub struct Nursery {
    living: Arc<AtomicUsize>,
}

/// Whether there was room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// It lives on.
    Living,
    /// It was dropped.
    Full,
}

impl Nursery {
    /// Lets `exchange` go on, unless `limit` others already do. `give_up` is called if it is still
    /// waiting when its time is over.
    pub fn adopt<F, T>(
        &self,
        exchange: Pin<Box<F>>,
        limit: usize,
        give_up: impl FnOnce() + Send + 'static,
    ) -> Adoption
    where
        F: Future<Output = T> + Send + ?Sized + 'static,
        T: Send + 'static,
    {
        let Ok(runtime) = Handle::try_current() else { return Adoption::Full };
        if self.living.fetch_add(1, Ordering::Relaxed) >= limit {
            self.living.fetch_sub(1, Ordering::Relaxed);
            return Adoption::Full;
        }
        let guard = Guard(self.living.clone());
        runtime.spawn(async move {
            let _guard = guard;
            if tokio::time::timeout(LONGEST, exchange).await.is_err() {
                give_up();
            }
        });
        Adoption::Living
    }

    /// How many live on.
    #[must_use]
    pub fn living(&self) -> usize {
        self.living.load(Ordering::Relaxed)
    }
}

struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_nursery_is_bounded_and_empties() {
        let nursery = Nursery::default();
        let given_up = Arc::new(AtomicUsize::new(0));
        let adopt = || {
            let given_up = given_up.clone();
            let give_up = move || {
                given_up.fetch_add(1, Ordering::Relaxed);
            };
            nursery.adopt(Box::pin(std::future::pending::<()>()), 3, give_up)
        };
        assert!((0..3).all(|_| adopt() == Adoption::Living));
        assert_eq!(adopt(), Adoption::Full);
        assert_eq!(nursery.living(), 3);
        tokio::time::sleep(LONGEST + Duration::from_millis(1)).await;
        assert_eq!(nursery.living(), 0);
        assert_eq!(given_up.load(Ordering::Relaxed), 3);
    }
}
