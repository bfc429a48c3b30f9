//! A miss in the hands of a future that ends early if the client goes away.

use zoners_api::QueryOutcome;
use zoners_dns::Network;

use super::Service;
use super::query::Miss;

/// A miss that waits for a recursion, or is under recursion. If the future is dropped before [`PendingMiss::take`], the
/// query counts as dropped: each query has an outcome.
pub(crate) struct PendingMiss<'a, N: Network> {
    service: &'a Service<N>,
    miss: Option<Box<Miss>>,
}

impl<'a, N: Network> PendingMiss<'a, N> {
    /// A miss whose client may go away from now on.
    pub(crate) fn new(service: &'a Service<N>, miss: Box<Miss>) -> Self {
        PendingMiss { service, miss: Some(miss) }
    }

    /// The miss, unless taken.
    pub(super) fn get_mut(&mut self) -> Option<&mut Miss> {
        self.miss.as_deref_mut()
    }

    /// The miss, whose outcome is the caller's to count.
    pub(crate) fn take(mut self) -> Option<Box<Miss>> {
        self.miss.take()
    }
}

impl<N: Network> Drop for PendingMiss<'_, N> {
    fn drop(&mut self) {
        if let Some(miss) = &self.miss {
            let now = self.service.worker.shared().now();
            self.service.end_miss(miss, (QueryOutcome::Dropped, None), &[], now);
        }
    }
}
