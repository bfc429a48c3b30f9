//! A miss in the hands of a future that ends early if the client goes away.

use zoners_dns::Network;

use super::Service;
use super::query::Miss;

/// A miss under recursion. If the future is dropped before [`PendingMiss::take`], the
/// query counts as dropped: each query has an outcome.
pub(super) struct PendingMiss<'a, N: Network> {
    service: &'a Service<N>,
    miss: Option<Box<Miss>>,
}

impl<'a, N: Network> PendingMiss<'a, N> {
    /// A miss whose client may go away from now on.
    pub(super) fn new(service: &'a Service<N>, miss: Box<Miss>) -> Self {
        PendingMiss { service, miss: Some(miss) }
    }

    /// The miss, unless taken.
    pub(super) fn get_mut(&mut self) -> Option<&mut Miss> {
        self.miss.as_deref_mut()
    }

    /// The miss, whose outcome is the caller's to count.
    pub(super) fn take(mut self) -> Option<Box<Miss>> {
        self.miss.take()
    }
}

impl<N: Network> Drop for PendingMiss<'_, N> {
    fn drop(&mut self) {
        self.miss.iter().for_each(|miss| self.service.drop_miss(miss));
    }
}
