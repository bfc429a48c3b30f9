//! A miss on the way to a task of its own.

use std::sync::Arc;

use zoners_dns::Network;

use super::Service;
use super::pending_miss::PendingMiss;
use super::query::Miss;

/// A miss in the hands of a task that may be ended before its first turn. If dropped before [`HandedMiss::recurse`], the
/// query counts as dropped: each query has an outcome.
pub(crate) struct HandedMiss<N: Network> {
    service: Arc<Service<N>>,
    miss: Option<Box<Miss>>,
}

impl<N: Network> HandedMiss<N> {
    /// A miss that is handed over now.
    pub(crate) fn new(service: Arc<Service<N>>, miss: Box<Miss>) -> Self {
        HandedMiss { service, miss: Some(miss) }
    }

    /// Takes the miss through recursion; see [`Service::recurse`].
    pub(crate) async fn recurse(mut self) -> Option<Vec<u8>> {
        let miss = self.miss.take()?;
        self.service.recurse(miss, None).await
    }
}

impl<N: Network> Drop for HandedMiss<N> {
    fn drop(&mut self) {
        if let Some(miss) = self.miss.take() {
            drop(PendingMiss::new(&self.service, miss));
        }
    }
}
