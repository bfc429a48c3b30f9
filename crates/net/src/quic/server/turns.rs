//! The turn of a connection: events in, packets out, and the end.

use std::time::{Duration, Instant};

use quinn_proto::{ConnectionHandle, EndpointEvent, Transmit, VarInt};
use zoners_dns::Counter;
use zoners_http3::Http3Fault;

use super::{QuicQuery, QuicServer, QuicStream};
use crate::quic::close_code::CloseCode;
use crate::quic::connection::{QuicConnection, Stage, Told, http3_code};
use crate::quic::outbox::Outbox;

/// The time for a handshake.
pub(in crate::quic) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Cancelled queries of a connection, less its answered ones, before it is closed: each may have cost a recursion.
pub(in crate::quic) const MAX_CANCELLED: u32 = 256;
/// Octets held by all connections: queries in pieces, and responses that clients do not take. The connection with the
/// most octets is closed first.
pub(in crate::quic) const MAX_HELD_OCTETS: usize = 8 * 1024 * 1024;

impl QuicServer {
    /// The connection has a turn coming.
    pub(super) fn touch(&mut self, number: usize) {
        if let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut)
            && !std::mem::replace(&mut connection.touched, true)
        {
            self.touched.push(number);
        }
    }

    /// A connection whose deadline has come.
    pub(super) fn time_out(&mut self, now: Instant, number: usize) {
        let Some(connection) = self.connection(number) else { return };
        connection.proto.handle_timeout(now);
        if connection.stage == Stage::Handshake && now >= connection.opened + HANDSHAKE_TIMEOUT {
            self.close(now, number, CloseCode::ExcessiveLoad);
        }
        self.end_late_requests(now, number);
        self.touch(number);
    }

    /// Ends the requests of a connection that are not whole in time.
    fn end_late_requests(&mut self, now: Instant, number: usize) {
        let Some(connection) = self.connection(number) else { return };
        let before = connection.held();
        let late = connection.end_late_requests(now);
        let after = connection.held();
        self.held = self.held + after - before;
        self.counted.extend(std::iter::repeat_n(Counter::ClientHttp3Late, late));
    }

    /// Takes the events of a connection.
    pub(super) fn read_of(&mut self, now: Instant, number: usize) {
        self.exchange_events(number);
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
            return;
        };
        let before = connection.held();
        let mut told = std::mem::take(&mut self.told);
        connection.listen(now, &mut |event| told.push(event));
        let after = connection.held();
        let (serial, client) = (connection.serial, connection.proto.remote_address());
        let (ours, cancelled) = (connection.proto.local_ip(), connection.cancelled);
        let names = (connection.server_name.clone(), connection.client_names.clone());
        self.held = self.held + after - before;
        for event in told.drain(..) {
            match event {
                Told::Query(id, asked) => {
                    let stream = QuicStream { connection: number, serial, id };
                    let (server_name, client_names) = names.clone();
                    let query =
                        QuicQuery { stream, asked, client, ours, server_name, client_names };
                    self.queries.push_back(query);
                    self.connection(number).into_iter().for_each(|open| open.asked = now);
                }
                Told::Http3 => self.counted.push(Counter::ClientHttp3Connections),
                Told::Http3Fault(fault) => self.note_http3_fault(now, number, fault),
                Told::Connected => self.advance(number, Stage::Open),
                Told::Lost => self.advance(number, Stage::Over),
                Told::Fault => {
                    self.counted.push(Counter::ClientQuicFaults);
                    self.close(now, number, CloseCode::ProtocolError);
                }
                Told::Excess => self.counted.push(Counter::ClientQuicExcess),
                Told::Cancelled(id) => {
                    self.counted.push(Counter::ClientQuicCancelled);
                    self.cancelled.push_back(QuicStream { connection: number, serial, id });
                }
            }
        }
        self.told = told;
        if cancelled > MAX_CANCELLED {
            self.counted.push(Counter::ClientQuicCancelFloods);
            self.close(now, number, CloseCode::ExcessiveLoad);
        }
    }

    /// Counts a fault by its kind, and closes a connection whose streams no longer fit together.
    fn note_http3_fault(&mut self, now: Instant, number: usize, fault: Http3Fault) {
        self.counted.push(match (fault.is_excess(), fault.ends_connection()) {
            (true, _) => Counter::ClientHttp3Excess,
            (false, true) => Counter::ClientHttp3Faults,
            (false, false) => Counter::ClientHttp3Malformed,
        });
        if fault.ends_connection() {
            self.close_by_code(now, number, http3_code(fault));
        }
    }

    /// Does something with the connection of a stream, if there still is one.
    pub(super) fn reply_to(&mut self, stream: QuicStream, reply: impl FnOnce(&mut QuicConnection)) {
        let Some(connection) = self.connection(stream.connection) else { return };
        if connection.serial != stream.serial {
            return;
        }
        let before = connection.held();
        reply(connection);
        let after = connection.held();
        self.held = self.held + after - before;
        self.touch(stream.connection);
    }

    /// Sends what a connection has to send, and forgets a connection that is over.
    pub(super) fn transmit_of(&mut self, now: Instant, number: usize, outbox: &mut Outbox) {
        let Some(connection) = self.connection(number) else { return };
        connection.touched = false;
        while outbox.put(|octets| connection.proto.poll_transmit(now, 1, octets)) {}
        self.exchange_events(number);
        let Some(connection) = self.connection(number) else { return };
        if connection.stage == Stage::Over {
            self.forget(number);
            return;
        }
        let patience = connection.opened + HANDSHAKE_TIMEOUT;
        let handshake = (connection.stage == Stage::Handshake).then_some(patience);
        let late = connection.request_deadline();
        let next = connection.proto.poll_timeout().into_iter().chain(handshake).chain(late).min();
        next.into_iter().for_each(|at| self.deadlines.arm(number, at));
    }

    /// Closes a connection: a last packet tells the client, and the slot is free at once.
    pub(super) fn close(&mut self, now: Instant, number: usize, code: CloseCode) {
        let Some(connection) = self.connection(number) else { return };
        let code = connection.code(code);
        self.close_by_code(now, number, code);
    }

    fn close_by_code(&mut self, now: Instant, number: usize, code: VarInt) {
        let Some(connection) = self.connection(number) else { return };
        connection.proto.close(now, code, bytes::Bytes::new());
        connection.slot = None;
        self.advance(number, Stage::Over);
        self.touch(number);
    }

    /// Closes connections that hold the most, while all together hold too much.
    pub(super) fn close_hoarders(&mut self, now: Instant) {
        while self.held > MAX_HELD_OCTETS {
            let open = self.connections.iter().enumerate();
            let held = open.filter_map(|(number, connection)| {
                connection.as_ref().map(|connection| (connection.held(), number))
            });
            let Some((_, largest)) = held.max() else { return };
            self.counted.push(Counter::ClientQuicMemoryClosed);
            self.close(now, largest, CloseCode::ExcessiveLoad);
            self.drop_held(largest);
        }
    }

    /// Brings a connection to this stage, and counts its handshake. The only place that changes a stage, so that each
    /// handshake under way is counted off once.
    fn advance(&mut self, number: usize, stage: Stage) {
        let Some(connection) = self.connection(number) else { return };
        let before = connection.stage;
        connection.stage = before.max(stage);
        if stage == Stage::Over {
            let serial = connection.serial;
            let ended = std::mem::take(&mut connection.under_way).into_iter();
            let ended = ended.map(|id| QuicStream { connection: number, serial, id });
            self.cancelled.extend(ended);
        }
        if before == Stage::Handshake {
            self.handshakes -= 1;
            self.counted.push(match stage {
                Stage::Over => Counter::ClientQuicHandshakesFailed,
                Stage::Handshake | Stage::Open => Counter::ClientQuicHandshakes,
            });
        }
    }

    fn drop_held(&mut self, number: usize) {
        let Some(connection) = self.connection(number) else { return };
        let held = connection.held();
        connection.drop_held();
        self.held -= held;
    }

    /// Lets go of a connection. Packets that still come get a stateless reset (RFC 9000 section 10.3).
    fn forget(&mut self, number: usize) {
        self.drop_held(number);
        self.advance(number, Stage::Over);
        self.deadlines.disarm(number);
        let gone = self.connections.get_mut(number).and_then(Option::take);
        if gone.is_some_and(|connection| !connection.drained) {
            self.endpoint.handle_event(ConnectionHandle(number), EndpointEvent::drained());
        }
    }

    /// Carries events between a connection and the endpoint, which knows the connection IDs.
    fn exchange_events(&mut self, number: usize) {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
            return;
        };
        while let Some(event) = connection.proto.poll_endpoint_events() {
            connection.drained |= event.is_drained();
            let answer = self.endpoint.handle_event(ConnectionHandle(number), event);
            answer.into_iter().for_each(|event| connection.proto.handle_event(event));
        }
        if connection.drained {
            self.advance(number, Stage::Over);
        }
    }

    /// An open connection.
    pub(super) fn connection(&mut self, number: usize) -> Option<&mut QuicConnection> {
        self.connections.get_mut(number)?.as_deref_mut()
    }

    /// Queues a datagram that the endpoint itself has made.
    pub(super) fn respond(&mut self, transmit: Option<Transmit>, outbox: &mut Outbox) {
        let Some(transmit) = transmit else { return };
        outbox.put(|octets| {
            octets.extend_from_slice(&self.scratch);
            Some(transmit)
        });
    }
}
