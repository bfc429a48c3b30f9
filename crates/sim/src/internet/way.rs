//! What lies between the machine and all servers: its line, boxes in its network, its own sockets.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::SimNetwork;
use crate::middlebox::Middlebox;

impl SimNetwork {
    /// From now on this stands between us and all servers but those that are [`SimNetwork::near`].
    pub fn interpose(&self, middlebox: impl Into<Option<Middlebox>>) -> &Self {
        self.0.lock().middlebox = middlebox.into();
        self
    }

    /// The server at an address is on this side of whatever is interposed, as a router is.
    ///
    /// # Panics
    /// The address is none: the test is wrong.
    #[expect(clippy::panic, reason = "a test that is wrong must say so")]
    pub fn near(&self, address: &str) -> &Self {
        let address = address.parse().unwrap_or_else(|_| panic!("{address}: no address"));
        self.0.lock().near.insert(address);
        self
    }

    /// Puts a line between us and all servers that takes so long, and up to `jitter` longer.
    pub fn delay_all(&self, latency: Duration, jitter: Duration) {
        for host in self.0.lock().hosts.values_mut() {
            host.link.latency += latency;
            host.link.jitter += jitter;
        }
    }

    /// Between these moments, counted from the start, nothing comes back from anywhere.
    pub fn outage(&self, span: Range<Duration>) {
        for host in self.0.lock().hosts.values_mut() {
            host.link.outages = vec![span.clone()];
        }
    }

    /// The machine is on another network: streams that were open are closed, and no reply comes to sockets
    /// that were, whatever is sent from them.
    pub fn renew(&self) {
        let now = self.now();
        let mut internet = self.0.lock();
        internet.streams.clear();
        internet.renewed = now;
    }

    /// From now on no more queries are under way at a time than this.
    pub fn limit_sockets(&self, most: usize) {
        self.0.lock().sockets = Some(Arc::new(Semaphore::new(most)));
    }
}
