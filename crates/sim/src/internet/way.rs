//! The path between the machine and the servers: uplink, middleboxes and the machine's own sockets.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::SimNetwork;
use super::nat::NatTable;
use crate::middlebox::Middlebox;

impl SimNetwork {
    /// Places a middlebox between the machine and every server except those of
    /// [`SimNetwork::near`].
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

    /// Places a router in between that translates addresses, with room for `size` flows, each forgotten after `idle` without
    /// a packet. A full table drops packets of new flows.
    pub fn translate(&self, size: usize, idle: Duration) -> &Self {
        self.0.lock().nat = Some(NatTable::new(size, idle));
        self
    }

    /// Adds latency between the machine and every server, and up to `jitter` more.
    pub fn delay_all(&self, latency: Duration, jitter: Duration) {
        for host in self.0.lock().hosts.values_mut() {
            host.link.latency += latency;
            host.link.jitter += jitter;
        }
    }

    /// Drops every reply between these moments, counted from the start.
    pub fn outage(&self, span: Range<Duration>) {
        for host in self.0.lock().hosts.values_mut() {
            host.link.outages = vec![span.clone()];
        }
    }

    /// Moves the machine to a different network: open streams are closed, and open sockets get no
    /// reply any more.
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
