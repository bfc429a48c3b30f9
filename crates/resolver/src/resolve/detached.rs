//! Detached work: goes on when its client goes away.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

type BoxedWork<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Work that continues as a separate task when its caller goes away: followers may wait for the work, and
/// the next question finds the result.
pub(crate) struct DetachedWork<T: Send + 'static>(Option<BoxedWork<T>>);

impl<T: Send> DetachedWork<T> {
    pub(crate) fn new(work: BoxedWork<T>) -> Self {
        DetachedWork(Some(work))
    }
}

impl<T: Send> Future for DetachedWork<T> {
    /// The result, or `None` after a panic.
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(mut work) = self.0.take() else { return Poll::Ready(None) };
        // Panicked work is dropped here and never polled again.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => {
                self.0 = Some(work);
                Poll::Pending
            }
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        }
    }
}

impl<T: Send> Drop for DetachedWork<T> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::oneshot;
    use tokio::time::{sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_when_its_caller_goes_away() {
        let (done, told) = oneshot::channel();
        let work = DetachedWork::new(Box::pin(async {
            sleep(Duration::from_secs(2)).await;
            done.send(7)
        }));
        assert!(timeout(Duration::from_secs(1), work).await.is_err());
        assert_eq!(timeout(Duration::from_secs(2), told).await, Ok(Ok(7)));
    }

    #[tokio::test]
    async fn a_panic_ends_the_work_without_a_result() {
        let work = DetachedWork::new(Box::pin(async {
            assert!(std::env::args().count() == 0, "as a bug might");
        }));
        assert_eq!(work.await, None);
        assert_eq!(DetachedWork::new(Box::pin(async { 7 })).await, Some(7));
    }
}
