//! A miss on the way to a task of its own.

use std::sync::Arc;

use zoners_api::QueryOutcome;
use zoners_dns::Network;

use super::Service;
use super::query::Miss;

/// A miss in the hands of a connection or a task that may end early. If dropped before [`HandedMiss::recurse`], the query
/// counts as dropped: each query has an outcome.
pub(crate) struct HandedMiss<N: Network> {
    service: Arc<Service<N>>,
    miss: Option<Box<Miss>>,
}

impl<N: Network> HandedMiss<N> {
    /// A miss that is handed over now.
    pub(crate) fn new(service: Arc<Service<N>>, miss: Box<Miss>) -> Self {
        HandedMiss { service, miss: Some(miss) }
    }

    /// The service that recurses for the miss.
    pub(crate) fn service(&self) -> Arc<Service<N>> {
        self.service.clone()
    }

    /// Takes the miss through recursion; see [`Service::recurse`].
    pub(crate) async fn recurse(mut self) -> Option<Vec<u8>> {
        let miss = self.miss.take()?;
        self.service.recurse(miss, None).await
    }
}

impl<N: Network> Drop for HandedMiss<N> {
    fn drop(&mut self) {
        self.miss.iter().for_each(|miss| self.service.drop_miss(miss));
    }
}

impl<N: Network> Service<N> {
    /// Counts a miss whose client went away.
    pub(super) fn drop_miss(&self, miss: &Miss) {
        let now = self.worker.shared().now();
        self.end_miss(miss, (QueryOutcome::Dropped, None), &[], now);
    }
}
