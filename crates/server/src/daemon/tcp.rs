//! Clients over TCP, and within TLS (RFC 7858): many queries on a connection, each answered as soon as possible (RFC 7766).
//!
//! Queries of one read are answered together: one read and one write for as many queries as a client has sent.

pub(super) mod behind_proxy;
pub(super) mod handshakes;
mod idle_timer;
mod outgoing;
mod ready;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tokio::time::{Instant, sleep_until};
use zoners_dns::{ClockReading, Counter, Network, Transport};
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
use idle_timer::IdleTimer;
use outgoing::{OutgoingReplies, PORTION_OCTETS, given_up, write_handed_on};
use ready::{ReadyQueries, answer_ready};

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
    let (replies, handed_on) = outgoing::channel();
    let outgoing = OutgoingReplies::new(&door.at_work, &connection, replies);
    // Once reading ends, pending responses are written before the connection closes.
    let conversation = async {
        let writer = Mutex::new(writer);
        let reading = read(&door, (reader, &writer), from, &connection, outgoing);
        tokio::join!(reading, write_handed_on(&writer, &connection.account, handed_on))
    };
    tokio::select! {
        biased;
        () = connection.closing() => {}
        _ = conversation => {}
    }
    // Queries under way keep the connection, but none of the octets.
    connection.account.close();
}

/// Reads queries, and answers those that need no recursion.
async fn read<N: Network>(
    door: &Door<N>,
    (mut reader, writer): (impl AsyncRead + Unpin, &Mutex<impl AsyncWrite + Unpin>),
    origin: ClientOrigin,
    connection: &Arc<ClientConnection>,
    mut outgoing: OutgoingReplies,
) {
    let mut stopping = door.stopping.clone();
    let mut stopped = pin!(stopping.wait_for(|stop| *stop));
    let in_flight = connection.in_flight.clone();
    let mut incoming = Incoming::default();
    let timer = pin!(sleep_until(Instant::now() + connection.idle_timeout()));
    let mut idle = IdleTimer::new(timer);
    let mut held = 0;
    loop {
        // A message in pieces has no more time than a whole one.
        let filled = tokio::select! {
            biased;
            // Queries that have arrived are answered: closing the connection over them would reset it.
            filled = incoming.fill(&mut reader) => filled,
            () = idle.over() => return,
            _ = &mut stopped => return,
        };
        let Ok(()) = filled else { return };
        let is_outdated = |tls| !door.handshakes.are_as_of(door.listener, tls);
        if origin.tls.as_ref().is_some_and(is_outdated) {
            return;
        }
        door.activity.note();
        let service = door.current.load_full();
        let clock = service.clock();
        let mut asked = false;
        loop {
            let from = (&origin, door.listener);
            let responses = (&mut outgoing.octets, &mut asked);
            match answer_received(&service, &mut incoming, from, clock, responses) {
                ReadyQueries::Done => break,
                ReadyQueries::PortionFull => {}
                ReadyQueries::Miss(miss) => {
                    let miss = HandedMiss::new(service.clone(), miss);
                    // Ready responses do not wait for pending ones.
                    if in_flight.available_permits() == 0
                        && outgoing.write_now(writer, &service).await.is_err()
                    {
                        return;
                    }
                    let slot = Box::pin(in_flight.clone().acquire_owned()).await;
                    let Ok(slot) = slot else { return };
                    let outgoing = outgoing.another();
                    let recursion = recurse(miss, (slot, origin.ends), outgoing);
                    tokio::spawn(Box::pin(recursion));
                }
            }
            if outgoing.octets.len() >= PORTION_OCTETS
                && outgoing.write_now(writer, &service).await.is_err()
            {
                return;
            }
        }
        if asked {
            let now = Instant::now();
            connection.note_query(now);
            idle.put_off(now + connection.idle_timeout());
        }
        let holds = incoming.held();
        if holds != held {
            // Boxed, so that an open connection has no room for what long messages need.
            given_up(&service, Box::pin(connection.account.change(held, holds)).await);
            held = holds;
        }
        if outgoing.write_now(writer, &service).await.is_err() || outgoing.is_closed() {
            return;
        }
    }
}

/// Takes received queries through the stages before recursion, as [`answer_ready`] does, with what is known of their
/// client now.
fn answer_received<N: Network>(
    service: &Service<N>,
    incoming: &mut Incoming,
    (origin, listener): (&ClientOrigin, Option<SocketAddr>),
    clock: ClockReading,
    (responses, asked): (&mut Vec<u8>, &mut bool),
) -> ReadyQueries {
    let (before, rules, ends) = (service.outcome_counts(), service.rules(), origin.ends);
    let client = Client::new(ends.client.ip(), ends.transport)
        .within(rules.access_list(listener, ends.transport))
        .asking(origin.asked)
        .known_as(rules.shown_identity(&origin.shown));
    let ready = answer_ready(service, incoming, (client, ends), clock, responses, asked);
    service.note_immediate(ends.transport, &before);
    ready
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

#[cfg(test)]
mod tests;
