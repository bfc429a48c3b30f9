//! The listeners of DNS over HTTPS with HTTP/3 at present: clients learn of HTTP/3 there alone.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// The addresses of DNS over HTTPS whose socket for HTTP/3 is bound. Clones share the addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Http3Places(Arc<ArcSwap<Vec<SocketAddr>>>);

impl Http3Places {
    /// The addresses from now on.
    pub(crate) fn put(&self, listeners: Vec<SocketAddr>) {
        self.0.store(Arc::new(listeners));
    }

    /// Whether a listener of DNS over HTTPS is served over HTTP/3 too.
    pub(crate) fn contain(&self, listener: SocketAddr) -> bool {
        self.0.load().contains(&listener)
    }
}
