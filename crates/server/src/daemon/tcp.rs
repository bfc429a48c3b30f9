//! Clients over TCP, and within TLS (RFC 7858): many queries on a connection, each answered as soon as possible (RFC 7766).
//!
//! Queries of one read are answered together: one read and one write for as many queries as a client has sent.

pub(super) mod behind_proxy;
pub(super) mod handshakes;
mod ready;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout_at};
use zoners_dns::{Counter, Network, Transport};
use zoners_net::held::Account;
use zoners_net::proxy_header::ProxyHeaders;
use zoners_net::stream::{self, Incoming};
use zoners_tls::{ServerConfig, ServerStream};

use super::Current;
use super::at_work::{AtWork, Stopping};
use super::connections::{ClientConnection, Connections};
use super::pulse::Activity;
use crate::client::Client;
use crate::dnstap::ClientEnds;
use crate::pipeline::Service;
use crate::pipeline::handed_miss::HandedMiss;
use crate::pipeline::identities::ShownName;
use behind_proxy::{is_proxied, receive_named};
use handshakes::Handshakes;
use ready::{ReadyQueries, answer_ready};

/// Responses are handed on at so many octets …
const PORTION_OCTETS: usize = 16 * 1024;
/// … and so many portions may wait for the client to read.
const MAX_WAITING_PORTIONS: usize = 8;
/// A client that reads nothing for this time is disconnected.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause of accepting when descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The needs of every connection.
pub(super) struct Door<N: Network> {
    /// The transport of the clients.
    pub(super) transport: Transport,
    /// The address of the listener in the configuration.
    pub(super) listener: Option<SocketAddr>,
    pub(super) handshakes: Handshakes,
    pub(super) headers: ProxyHeaders,
    pub(super) current: Current<N>,
    pub(super) connections: Connections,
    pub(super) activity: Arc<Activity>,
    pub(super) stopping: Stopping,
    pub(super) at_work: AtWork,
}

pub(super) async fn serve<N: Network>(listener: Arc<TcpListener>, door: Door<N>) -> io::Result<()> {
    let door = Arc::new(door);
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            if door.connections.make_room(None) {
                door.current.load().count(Counter::ClientTcpEvicted);
            }
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        match is_proxied(&door, peer) {
            true => receive_named(&door, stream, peer),
            false => {
                let asked = stream.local_addr().ok().map(|local| local.ip());
                receive(&door, stream, peer, asked);
            }
        }
        // A connection closed to make room has a descriptor until its task runs.
        tokio::task::yield_now().await;
    }
}

/// Begins to serve a client that has asked an address of this machine, if there is room.
fn receive<N: Network>(
    door: &Arc<Door<N>>,
    stream: TcpStream,
    client: SocketAddr,
    asked: Option<IpAddr>,
) {
    let Some(connection) = admit(door, Client::new(client.ip(), door.transport)) else { return };
    let _ = stream.set_nodelay(true);
    let server = door.current.load().tap().and_then(|_| stream.local_addr().ok());
    let ends = ClientEnds { client, server, transport: door.transport };
    match door.transport.is_encrypted() {
        true => {
            drop(tokio::spawn(converse_within_tls(door.clone(), stream, (ends, asked), connection)))
        }
        false => {
            let from = ClientOrigin { ends, asked, tls: None, shown: ShownName::None };
            drop(tokio::spawn(converse(door.clone(), stream.into_split(), from, connection)))
        }
    }
}

/// A connection for a new client, if there is room or room can be made.
fn admit<N: Network>(door: &Door<N>, client: Client) -> Option<Arc<ClientConnection>> {
    let service = door.current.load();
    let access = service.rules().access_list(door.listener, door.transport);
    let admitted = door.connections.admit(service.rules(), &client.within(access));
    if admitted.made_room {
        service.count(Counter::ClientTcpEvicted);
    }
    if admitted.connection.is_none() {
        service.count(Counter::ClientTcpRefused);
    }
    admitted.connection
}

/// Serves one connection after the handshake.
async fn converse_within_tls<N: Network>(
    door: Arc<Door<N>>,
    stream: TcpStream,
    (ends, asked): (ClientEnds, Option<IpAddr>),
    connection: Arc<ClientConnection>,
) {
    // Looked at before the handshake, so that no change in between is missed.
    let tls = door.handshakes.config(door.listener);
    let accepted = tokio::select! {
        biased;
        () = connection.closing() => return,
        // Boxed with its outcome, so that an open connection has no room for its handshake.
        accepted = Box::pin(accept(&door, stream, ends.client.ip())) => accepted,
    };
    let counted = accepted.as_ref().map_or_else(|reason| *reason, |_| Counter::ClientTlsHandshakes);
    door.current.load().count(counted);
    if let Ok((halves, shown)) = accepted {
        let from = ClientOrigin { ends, asked, tls, shown };
        converse(door, halves, from, connection).await;
    }
}

/// Both halves of a stream within TLS.
type TlsHalves = (ReadHalf<ServerStream<TcpStream>>, WriteHalf<ServerStream<TcpStream>>);

/// The stream of a client after the handshake, with the name that the client has shown, if names matter.
async fn accept<N: Network>(
    door: &Door<N>,
    stream: TcpStream,
    client: IpAddr,
) -> Result<(TlsHalves, ShownName), Counter> {
    let (handshakes, listener) = (&door.handshakes, door.listener);
    if handshakes.ask_clients(listener) {
        let stream = handshakes.accept(listener, stream, client).await?;
        let names = stream.client_names();
        return Ok((tokio::io::split(stream), ShownName::Certified(names)));
    }
    if door.current.load().rules().has_identities() {
        let (stream, name) = handshakes.accept_named(listener, stream, client).await?;
        let shown = name.map_or(ShownName::None, ShownName::OfServer);
        return Ok((tokio::io::split(stream), shown));
    }
    let stream = handshakes.accept(listener, stream, client).await?;
    Ok((tokio::io::split(stream), ShownName::None))
}

/// What a connection tells of its client.
struct ClientOrigin {
    ends: ClientEnds,
    /// The address of this machine that the client has asked; `None` behind a load balancer.
    asked: Option<IpAddr>,
    /// The configuration of the handshake, within TLS.
    tls: Option<Arc<ServerConfig>>,
    shown: ShownName,
}

/// Serves one connection: reads queries while earlier ones are under way.
async fn converse<N: Network>(
    door: Arc<Door<N>>,
    (reader, writer): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    from: ClientOrigin,
    connection: Arc<ClientConnection>,
) {
    let (replies, ready) = mpsc::channel(MAX_WAITING_PORTIONS);
    // Once reading ends, pending responses are written before the connection closes.
    let conversation = async {
        let reading = read(&door, reader, from, &connection, replies);
        tokio::join!(reading, write(writer, &connection.account, ready))
    };
    tokio::select! {
        biased;
        () = connection.account.given_up() => {}
        () = connection.closing() => {}
        _ = conversation => {}
    }
    // Queries under way keep the connection, but none of the octets.
    connection.account.close();
}

/// Responses, each with a length in front, ready to be written. Boxed, since a channel has room for 32 as long as it lives.
type Replies = Box<(Vec<u8>, AtWork)>;

async fn read<N: Network>(
    door: &Door<N>,
    mut reader: impl AsyncRead + Unpin,
    ClientOrigin { ends, asked: at, tls, shown }: ClientOrigin,
    connection: &Arc<ClientConnection>,
    replies: mpsc::Sender<Replies>,
) {
    let mut stopping = door.stopping.clone();
    let in_flight = connection.in_flight.clone();
    let mut incoming = Incoming::default();
    let mut outgoing = OutgoingReplies::new(door, connection, replies);
    let mut deadline = Instant::now() + connection.idle_timeout();
    let mut held = 0;
    loop {
        // A message in pieces has no more time than a whole one.
        let filled = tokio::select! {
            biased;
            // Queries that have arrived are answered: closing the connection over them would reset it.
            filled = timeout_at(deadline, incoming.fill(&mut reader)) => filled,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let Ok(Ok(())) = filled else { return };
        if !tls.as_ref().is_none_or(|tls| door.handshakes.are_as_of(door.listener, tls)) {
            return;
        }
        door.activity.note();
        let service = door.current.load_full();
        let clock = service.clock();
        let mut asked = false;
        loop {
            let before = service.outcome_counts();
            let responses = &mut outgoing.octets;
            let client = Client::new(ends.client.ip(), ends.transport);
            let client = client.within(service.rules().access_list(door.listener, ends.transport));
            let client = client.asking(at).known_as(service.rules().shown_identity(&shown));
            let from = (client, ends);
            let ready = answer_ready(&service, &mut incoming, from, clock, responses, &mut asked);
            service.note_immediate(ends.transport, &before);
            match ready {
                ReadyQueries::Done => break,
                ReadyQueries::PortionFull => {}
                ReadyQueries::Miss(miss) => {
                    let miss = HandedMiss::new(service.clone(), miss);
                    if in_flight.available_permits() == 0 {
                        // Ready responses do not wait for pending ones.
                        outgoing.hand_on(&service).await;
                    }
                    let Ok(slot) = in_flight.clone().acquire_owned().await else { return };
                    let outgoing = outgoing.another();
                    let recursion = recurse(miss, (slot, ends), outgoing);
                    tokio::spawn(Box::pin(recursion));
                }
            }
            if outgoing.octets.len() >= PORTION_OCTETS {
                outgoing.hand_on(&service).await;
            }
        }
        if asked {
            let now = Instant::now();
            connection.note_query(now);
            deadline = now + connection.idle_timeout();
        }
        let holds = incoming.held();
        if holds != held {
            given_up(&service, connection.account.change(held, holds).await);
            held = holds;
        }
        outgoing.hand_on(&service).await;
        if outgoing.replies.is_closed() {
            return;
        }
    }
}

/// Counts connections closed for the octets held.
fn given_up<N: Network>(service: &Service<N>, connections: usize) {
    (0..connections).for_each(|_| service.count(Counter::ClientTcpMemoryClosed));
}

/// Responses handed on together.
struct OutgoingReplies {
    octets: Vec<u8>,
    replies: mpsc::Sender<Replies>,
    at_work: AtWork,
    connection: Arc<ClientConnection>,
}

impl OutgoingReplies {
    fn new<N: Network>(
        door: &Door<N>,
        connection: &Arc<ClientConnection>,
        replies: mpsc::Sender<Replies>,
    ) -> Self {
        let (at_work, connection) = (door.at_work.clone(), connection.clone());
        OutgoingReplies { octets: Vec::new(), replies, at_work, connection }
    }

    /// For further responses on the same connection.
    fn another(&self) -> Self {
        let (replies, at_work) = (self.replies.clone(), self.at_work.clone());
        OutgoingReplies {
            octets: Vec::new(),
            replies,
            at_work,
            connection: self.connection.clone(),
        }
    }

    /// Hands on the responses so far; the writer may have disconnected.
    async fn hand_on<N: Network>(&mut self, service: &Service<N>) {
        if !self.octets.is_empty() {
            let octets = std::mem::take(&mut self.octets);
            given_up(service, self.connection.account.change(0, octets.capacity()).await);
            let _ = self.replies.send(Box::new((octets, self.at_work.clone()))).await;
        }
    }
}

async fn recurse<N: Network>(
    miss: HandedMiss<N>,
    (_slot, ends): (OwnedSemaphorePermit, ClientEnds),
    mut outgoing: OutgoingReplies,
) {
    let service = miss.service();
    if let Some(reply) = miss.recurse().await
        && stream::put_message(&mut outgoing.octets, &reply)
    {
        service.tap().iter().for_each(|tap| tap.put_client_response(ends, &reply));
        drop(reply);
        outgoing.hand_on(&service).await;
    }
}

async fn write(
    mut writer: impl AsyncWrite + Unpin,
    account: &Account,
    mut ready: mpsc::Receiver<Replies>,
) {
    while let Some(replies) = ready.recv().await {
        let (mut framed, _at_work) = *replies;
        let mut held = framed.capacity();
        // More ready responses go along.
        while framed.len() < PORTION_OCTETS
            && let Ok(more) = ready.try_recv()
        {
            held += more.0.capacity();
            framed.extend_from_slice(&more.0);
        }
        let write = async {
            writer.write_all(&framed).await?;
            writer.flush().await
        };
        if !matches!(tokio::time::timeout(WRITE_TIMEOUT, write).await, Ok(Ok(()))) {
            return;
        }
        account.change(held, 0).await;
    }
    let _ = tokio::time::timeout(WRITE_TIMEOUT, writer.shutdown()).await;
}

#[cfg(test)]
mod tests;
