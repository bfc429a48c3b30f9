//! DNS over QUIC on a socket (RFC 9250): each query has a stream of its own.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use quinn_proto::StreamId;
use tokio::net::UdpSocket;
use tokio::time::Instant;
use zoners_dns::{Counter, Counters, Endpoint, NetworkError, Random};
use zoners_tls::client::ClientTls;

use super::waiting::{WaitingKey, numbered};
use super::{CONNECT, Conversation, Ended, PooledReply, WaitingQueries, secure};
use crate::descriptors::{Descriptor, ran_out};
use crate::failure;
use crate::link_binding::LinkBinding;
use crate::quic::client::{QuicClient, QuicClientEvent};
use crate::udp;

/// Octets of the longest datagram of QUIC that is read: no path of the Internet carries more in one piece.
const LONGEST: usize = 2048;
/// Datagrams that are read in a turn.
const BATCH: usize = 32;

/// Opens a socket, from a given source address if any, once a descriptor is free.
pub(super) async fn open(
    from: IpAddr,
    to: SocketAddr,
    link: Option<&LinkBinding>,
    random: &Random,
    descriptor: &Descriptor,
) -> io::Result<UdpSocket> {
    loop {
        match udp::open(from, to, link, random) {
            Err(error) if ran_out(&error) => descriptor.wait().await,
            opened => return opened,
        }
    }
}

/// The streams of queries under way, each with the key of the query.
type UnderWay = Vec<(StreamId, WaitingKey)>;

impl Conversation<'_> {
    /// Sends queries on streams of a connection, and delivers replies.
    ///
    /// # Errors
    /// The server has not proven its identity, speaks no DNS over QUIC, or the connection broke.
    pub(super) async fn run_quic(
        self,
        socket: UdpSocket,
        to: Endpoint,
        tls: &ClientTls,
        counters: &Counters,
    ) -> Result<(), NetworkError> {
        Driver::begin(self, socket, to, tls, counters)?.run().await
    }
}

/// A connection on its socket.
struct Driver<'a> {
    conversation: Conversation<'a>,
    client: QuicClient,
    socket: UdpSocket,
    address: SocketAddr,
    counters: &'a Counters,
    began: Instant,
    /// The handshake is complete.
    is_open: bool,
    /// No further query is taken.
    is_closing: bool,
    under_way: UnderWay,
    /// When the last query began or ended.
    used: Instant,
    /// Octets that the connection holds, as the account knows.
    held: usize,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl<'a> Driver<'a> {
    fn begin(
        conversation: Conversation<'a>,
        socket: UdpSocket,
        to: Endpoint,
        tls: &ClientTls,
        counters: &'a Counters,
    ) -> Result<Self, NetworkError> {
        Ok(Driver {
            client: begin(to, tls, conversation.idle)?,
            conversation,
            address: to.address,
            socket,
            counters,
            began: Instant::now(),
            is_open: false,
            is_closing: false,
            under_way: UnderWay::new(),
            used: Instant::now(),
            held: 0,
            incoming: vec![0; LONGEST],
            outgoing: Vec::with_capacity(LONGEST),
        })
    }

    async fn run(mut self) -> Result<(), NetworkError> {
        while !self.take_turn().await? {
            self.wait().await?;
        }
        Ok(())
    }

    /// Delivers what has come, and sends what is to go out; whether the connection is over.
    async fn take_turn(&mut self) -> Result<bool, NetworkError> {
        self.take_events()?;
        self.tell_held().await?;
        let is_over = self.is_closing && self.under_way.is_empty();
        if is_over {
            self.client.close(now());
        }
        while self.client.transmit(now(), &mut self.outgoing) {
            // The error may be a report of the datagram before; an open connection outlives both.
            if let Err(error) = self.socket.send(&self.outgoing).await
                && !self.is_open
            {
                return Err(failure::classify(&error));
            }
        }
        Ok(is_over)
    }

    fn take_events(&mut self) -> Result<(), NetworkError> {
        while let Some(event) = self.client.next_event() {
            match event {
                QuicClientEvent::Connected => {
                    self.is_open = true;
                    self.counters.count(Counter::UpstreamTlsHandshakes);
                }
                QuicClientEvent::Reply(stream, message) => {
                    self.conversation.health.hear();
                    self.deliver(stream, Ok(message));
                }
                QuicClientEvent::NoReply(stream) => {
                    self.deliver(stream, Err(Ended::Alone(NetworkError::Closed)));
                }
                QuicClientEvent::Lost(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tells the account what the connection holds; waits while all connections hold too much.
    async fn tell_held(&mut self) -> Result<(), NetworkError> {
        let before = std::mem::replace(&mut self.held, self.client.held());
        let account = self.conversation.account;
        tokio::select! {
            biased;
            _ = account.change(before, self.held) => Ok(()),
            () = account.given_up() => Err(NetworkError::NoSocket),
        }
    }

    /// Gives the query of a stream its reply, with the ID of the query.
    fn deliver(&mut self, stream: StreamId, message: PooledReply) {
        let mut streams = self.under_way.iter();
        let Some(at) = streams.position(|(other, _)| *other == stream) else { return };
        let (_, key) = self.under_way.swap_remove(at);
        self.used = Instant::now();
        if let Some(reply) = self.conversation.waiting.take(key) {
            let _ = reply.send(message.map(|message| numbered(BytesMut::from(message), key.id)));
        }
    }

    /// Waits until something happens, and takes part in it.
    async fn wait(&mut self) -> Result<(), NetworkError> {
        let deadline = self.client.deadline().map(Instant::from_std);
        let wake = [deadline, self.patience_end(), self.idle_end()].into_iter().flatten().min();
        if wake.is_some_and(|wake| wake <= Instant::now()) {
            return self.expire();
        }
        let has_room = self.is_open && !self.is_closing && self.client.has_stream();
        let Driver { conversation, client, socket, under_way, used, incoming, .. } = self;
        let Conversation { queries, waiting, account, .. } = conversation;
        tokio::select! {
            biased;
            () = account.given_up() => return Err(NetworkError::NoSocket),
            at = next_abandoned(under_way, waiting) => {
                let (stream, _) = under_way.swap_remove(at);
                *used = Instant::now();
                client.cancel(stream);
            }
            next = queries.recv(), if has_room => match next {
                Some((query, reply)) => {
                    let Some(key) = waiting.admit(&query, reply) else { return Ok(()) };
                    let stream = client.ask(&query);
                    under_way.extend(stream.map(|stream| (stream, key)));
                    *used = Instant::now();
                }
                None => self.is_closing = true,
            },
            // The next wait does what is due.
            () = sleep_until(wake) => {}
            // The socket is last: datagrams without end hold up nothing else.
            received = socket.recv(incoming) => match received {
                Ok(octets) => self.receive(octets),
                // An open connection outlives reports of routers: anyone can forge a report.
                Err(error) if !self.is_open => return Err(failure::classify(&error)),
                Err(_) => {}
            },
        }
        Ok(())
    }

    /// When a handshake has taken too long.
    fn patience_end(&self) -> Option<Instant> {
        (!self.is_open).then(|| self.began + CONNECT)
    }

    /// When a connection without queries ends, whatever the server sends meanwhile.
    fn idle_end(&self) -> Option<Instant> {
        let is_idle = self.is_open && self.under_way.is_empty();
        is_idle.then(|| self.used + self.conversation.idle)
    }

    /// Does what is due.
    fn expire(&mut self) -> Result<(), NetworkError> {
        let is_due = |end: Option<Instant>| end.is_some_and(|end| end <= Instant::now());
        if is_due(self.patience_end()) {
            return Err(match self.client.has_heard() {
                true => NetworkError::Handshake,
                false => NetworkError::Unreachable,
            });
        }
        self.is_closing |= is_due(self.idle_end());
        self.client.expire(now());
        Ok(())
    }

    /// Takes the datagram just read, of `octets`, and further waiting datagrams.
    fn receive(&mut self, octets: usize) {
        self.client.receive(now(), self.address, &self.incoming[..octets]);
        for _ in 1..BATCH {
            let Ok(octets) = self.socket.try_recv(&mut self.incoming) else { return };
            self.client.receive(now(), self.address, &self.incoming[..octets]);
        }
    }
}

/// Begins a connection to the server, which proves its identity.
fn begin(to: Endpoint, tls: &ClientTls, idle: Duration) -> Result<QuicClient, NetworkError> {
    let identity = to.identity.and_then(|identity| identity.identity());
    let name = &identity.ok_or(NetworkError::Unreachable)?.name;
    let config = tls.over_quic().config_for(secure::expected(to));
    let config = config.map_err(|error| failure::classify(&error))?;
    QuicClient::begin(now(), config, to.address, name, idle)
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The place of the next query under way that is abandoned.
async fn next_abandoned(under_way: &UnderWay, waiting: &WaitingQueries) -> usize {
    poll_fn(|context| {
        let mut abandoned =
            under_way.iter().map(|(_, key)| waiting.poll_abandoned(*key, context).is_ready());
        abandoned.position(|is_abandoned| is_abandoned).map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

#[cfg(test)]
mod tests;
