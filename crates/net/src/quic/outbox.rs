//! Datagrams on their way out.

use std::net::SocketAddr;

use quinn_proto::Transmit;

use crate::datagrams::Peer;

/// Octets of the longest datagram that is sent: what every path of QUIC carries (RFC 9000 section 14).
pub(super) const MAX_SENT: usize = 1200;

/// Datagrams of one turn, in reused buffers.
#[derive(Debug, Default)]
pub struct Outbox {
    datagrams: Vec<(Vec<u8>, Peer)>,
    used: usize,
}

impl Outbox {
    /// The datagrams, in order.
    #[must_use]
    pub fn datagrams(&self) -> &[(Vec<u8>, Peer)] {
        &self.datagrams[..self.used]
    }

    /// Drops the datagrams and keeps the buffers, as many as a batch needs.
    pub fn clear(&mut self) {
        self.used = 0;
        self.datagrams.truncate(crate::datagrams::BATCH);
    }

    /// Adds a datagram, if `write` makes one.
    pub(super) fn put(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Option<Transmit>) -> bool {
        if self.used == self.datagrams.len() {
            let nowhere = SocketAddr::from(([0; 4], 0));
            let peer = Peer { address: nowhere, ours: None };
            self.datagrams.push((Vec::with_capacity(MAX_SENT), peer));
        }
        let (octets, peer) = &mut self.datagrams[self.used];
        octets.clear();
        let Some(transmit) = write(octets) else { return false };
        octets.truncate(transmit.size);
        *peer = Peer { address: transmit.destination, ours: transmit.src_ip };
        self.used += 1;
        true
    }
}
