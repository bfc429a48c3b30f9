//! Concurrent futures.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A handful of futures at most, so a wake-up polls each of them: to find out which one was woken
/// would cost more.
#[derive(Debug)]
pub(crate) struct Concurrent<F>(Vec<F>);

impl<F> Default for Concurrent<F> {
    fn default() -> Self {
        Concurrent(Vec::new())
    }
}

impl<F: Future + Unpin> Concurrent<F> {
    pub(crate) fn push(&mut self, future: F) {
        self.0.push(future);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The output of the next future to end; of several, the first. Never resolves if empty.
    pub(crate) async fn next(&mut self) -> F::Output {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Polls for the next output, for use with further futures.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        for (at, future) in self.0.iter_mut().enumerate() {
            if let Poll::Ready(output) = Pin::new(future).poll(context) {
                self.0.remove(at);
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut F> {
        self.0.iter_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &F> {
        self.0.iter()
    }

    /// Drops futures that are not to be kept.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&F) -> bool) {
        self.0.retain(keep);
    }

    /// Takes the unfinished futures.
    pub(crate) fn take(&mut self) -> Vec<F> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::{Instant, sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn futures_end_in_the_order_of_their_times() {
        let mut beside = Concurrent::default();
        for millis in [30, 10, 20, 10] {
            beside.push(Box::pin(async move {
                sleep(Duration::from_millis(millis)).await;
                millis
            }));
        }
        let started = Instant::now();
        let mut ended = Vec::new();
        for _ in 0..3 {
            ended.push((beside.next().await, started.elapsed().as_millis()));
        }
        assert_eq!(ended, [(10, 10), (10, 10), (20, 20)]);
        assert_eq!(beside.take().len(), 1);
        assert!(beside.is_empty());
        assert!(timeout(Duration::from_secs(1), beside.next()).await.is_err());
    }
}
