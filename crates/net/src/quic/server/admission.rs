//! Admission of new connections, and the idle connections that are closed for new ones.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use quinn_proto::{Incoming, Transmit};
use zoners_dns::Counter;

use super::{MAX_CONNECTIONS, QuicServer, Reception};
use crate::client_slots::{ClientSlot, stands_for};
use crate::quic::close_code::CloseCode;
use crate::quic::connection::QuicConnection;

/// Connections of one client …
pub(in crate::quic) const MAX_CLIENT_CONNECTIONS: usize = 64;
/// … and of this machine, whose programs share an address.
pub(in crate::quic) const MAX_LOCAL_CONNECTIONS: usize = 256;
/// From this number on, connections are opened with a short idle time.
pub(in crate::quic) const CROWDED: usize = MAX_CONNECTIONS * 8 / 10;
/// Handshakes under way from which a client must first show that packets reach its address (RFC 9000 section 8.1.2).
pub(in crate::quic) const RETRY_FROM: usize = 32;
/// Handshakes under way at a time.
pub(in crate::quic) const MAX_HANDSHAKES: usize = 128;

/// An idle connection: the time of the last query, and the number of the connection. The longest idle time is the
/// largest.
type Idle = (Reverse<Instant>, usize);

impl QuicServer {
    /// Decides on a new connection.
    pub(super) fn meet(
        &mut self,
        now: Instant,
        incoming: Incoming,
        receives: impl Fn(IpAddr) -> Reception,
    ) -> Option<Transmit> {
        let address = incoming.remote_address().ip();
        match receives(address) {
            Reception::Served => {}
            Reception::Refused => {
                self.counted.push(Counter::ClientQuicRefused);
                return Some(self.endpoint.refuse(incoming, &mut self.scratch));
            }
            Reception::Unheard => {
                self.counted.push(Counter::ClientQuicUnheard);
                self.endpoint.ignore(incoming);
                return None;
            }
        }
        if self.handshakes >= RETRY_FROM
            && !incoming.remote_address_validated()
            && incoming.may_retry()
        {
            self.counted.push(Counter::ClientQuicRetries);
            return self.endpoint.retry(incoming, &mut self.scratch).ok();
        }
        if self.handshakes >= MAX_HANDSHAKES {
            self.counted.push(Counter::ClientQuicHandshakesFull);
            self.endpoint.ignore(incoming);
            return None;
        }
        let Some(slot) = self.slot(now, address) else {
            self.counted.push(Counter::ClientQuicRefused);
            return Some(self.endpoint.refuse(incoming, &mut self.scratch));
        };
        let crowded = self.slots.taken() > CROWDED;
        let terms = if crowded { &self.terms.crowded } else { &self.terms.server };
        match self.endpoint.accept(incoming, now, &mut self.scratch, Some(terms.clone())) {
            Ok((handle, proto)) => {
                self.opened += 1;
                self.handshakes += 1;
                if self.connections.len() <= handle.0 {
                    self.connections.resize_with(handle.0 + 1, || None);
                }
                let connection = QuicConnection::new(proto, self.opened, slot, now);
                self.connections[handle.0] = Some(Box::new(connection));
                self.touch(handle.0);
                None
            }
            Err(fault) => {
                self.counted.push(Counter::ClientQuicHandshakesFailed);
                fault.response
            }
        }
    }

    /// A slot for a client, for which an idle connection may have to go.
    fn slot(&mut self, now: Instant, address: IpAddr) -> Option<ClientSlot> {
        let here = address.to_canonical().is_loopback();
        let most = if here { MAX_LOCAL_CONNECTIONS } else { MAX_CLIENT_CONNECTIONS };
        let slot = self.slots.take(address, most);
        if slot.is_some() {
            return slot;
        }
        let own = self.slots.of(address) >= most;
        let victim = self.longest_idle(own.then(|| stands_for(address)))?;
        self.counted.push(Counter::ClientQuicEvicted);
        self.close(now, victim, CloseCode::NoError);
        self.slots.take(address, most)
    }

    /// The connection with the longest idle time of the client with the most connections, or of `client`.
    fn longest_idle(&self, client: Option<IpAddr>) -> Option<usize> {
        let mut of_client: HashMap<IpAddr, (usize, Option<Idle>)> = HashMap::new();
        for (number, connection) in self.connections.iter().enumerate() {
            let Some(connection) = connection else { continue };
            let address = stands_for(connection.proto.remote_address().ip());
            if client.is_some_and(|client| client != address) {
                continue;
            }
            let (count, longest) = of_client.entry(address).or_default();
            *count += 1;
            if connection.is_idle() {
                *longest = (*longest).max(Some((Reverse(connection.asked), number)));
            }
        }
        let idle = of_client.into_values().filter_map(|(count, longest)| Some((count, longest?)));
        idle.max().map(|(_, (_, number))| number)
    }
}
