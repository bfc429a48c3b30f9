//! One connection, and the queries on it.

mod https;
mod quic;
mod secure;
mod waiting;
mod writing;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc, oneshot};
use zoners_dns::{Endpoint, NetworkError, Transport};

use super::{Place, Pool};
use crate::descriptors::{Descriptor, Descriptors, ran_out};
use crate::failure;
use crate::held::Account;
use crate::link_binding::{self, LinkBinding};
use crate::sources::not_ours;
use crate::stream::read_message;
use waiting::WaitingQueries;
use writing::{Framing, write_queries};

/// A connection without a query is closed after this.
const IDLE: Duration = Duration::from_secs(10);
/// The same, of an encrypted connection, whose handshakes took two round trips and signatures (RFC 7858 section 3.4).
/// Most servers close the connection earlier.
pub(super) const IDLE_ENCRYPTED: Duration = Duration::from_secs(60);
/// A connection attempt fails after this time.
const CONNECT: Duration = Duration::from_secs(3);
/// Queries waiting to be written to one connection; further queries open a second.
const UNWRITTEN: usize = 32;
/// The same, of a connection to a server with an identity: all questions of clients may go to one server, and a batch
/// of questions waits for the handshake together.
pub(super) const UNWRITTEN_IDENTIFIED: usize = 128;

/// The result of a query on a connection.
pub(super) type PooledReply = Result<Bytes, Ended>;
pub(super) type Queries = mpsc::Receiver<(Bytes, oneshot::Sender<PooledReply>)>;

/// Why nothing more comes on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// This machine is elsewhere now.
    Elsewhere,
    /// The connection failed, or was closed.
    By(NetworkError),
    /// The query failed alone, and the connection goes on.
    Alone(NetworkError),
    /// The server refused the stream and has not read the query (RFC 9113 section 8.7); the connection goes on.
    Unread,
}

/// A connection that accepts queries.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) number: u64,
    /// The number of the last query among all queries of the pool.
    pub(super) used: u64,
    queries: mpsc::Sender<(Bytes, oneshot::Sender<PooledReply>)>,
    health: Arc<Health>,
}

/// The health of a connection, as far as known.
#[derive(Debug)]
pub(super) struct Health {
    /// Messages received.
    heard: AtomicU64,
    /// Whether the handshakes are over.
    is_open: AtomicBool,
    /// Whether a reply is late.
    suspect: AtomicBool,
    /// Queries under way.
    queries: AtomicUsize,
    descriptors: Arc<Descriptors>,
    /// Whether the descriptor is needed elsewhere while no query is under way.
    gives_way: Notify,
}

impl Health {
    fn new(descriptors: Arc<Descriptors>) -> Arc<Self> {
        Arc::new(Health {
            heard: AtomicU64::new(0),
            is_open: AtomicBool::new(false),
            suspect: AtomicBool::new(false),
            queries: AtomicUsize::new(0),
            descriptors,
            gives_way: Notify::new(),
        })
    }

    /// A query is on the connection no more.
    pub(super) fn leave(&self) {
        let last = self.queries.fetch_sub(1, Ordering::Relaxed) == 1;
        if last && self.descriptors.are_short() {
            self.gives_way.notify_one();
        }
    }

    /// A reply to a query is late, which was sent after `heard` messages; returns whether none
    /// arrived since.
    pub(super) fn suspect(&self, heard: u64) -> bool {
        let silent = self.heard.load(Ordering::Relaxed) == heard;
        if silent {
            self.suspect.store(true, Ordering::Relaxed);
        }
        silent
    }

    /// The handshakes are over.
    fn open(&self) {
        self.is_open.store(true, Ordering::Relaxed);
    }

    fn hear(&self) {
        self.open();
        self.heard.fetch_add(1, Ordering::Relaxed);
        self.suspect.store(false, Ordering::Relaxed);
    }
}

impl Connection {
    /// A connection to be opened for a query.
    pub(super) fn new(
        number: u64,
        to: Endpoint,
        query: &Bytes,
        descriptors: &Arc<Descriptors>,
    ) -> (Self, Place, Queries) {
        let unwritten = if to.identity.is_some() { UNWRITTEN_IDENTIFIED } else { UNWRITTEN };
        let (queries, incoming) = mpsc::channel(unwritten);
        let health = Health::new(descriptors.clone());
        let connection = Connection { number, used: 0, queries, health };
        let (sender, mut place) = connection.place();
        place.fresh = true;
        // The queue is empty, so there is room.
        let _ = connection.queries.try_send((query.clone(), sender));
        (connection, place, incoming)
    }

    /// Whether the connection accepts queries: it is not suspect, and has room.
    pub(super) fn takes_queries(&self) -> bool {
        !self.health.suspect.load(Ordering::Relaxed) && self.queries.capacity() > 0
    }

    /// Whether the handshakes are over.
    pub(super) fn is_open(&self) -> bool {
        self.health.is_open.load(Ordering::Relaxed)
    }

    /// Whether no query is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.health.queries.load(Ordering::Relaxed) == 0
    }

    /// Accepts another query, if possible.
    pub(super) fn take(&self, query: &Bytes) -> Option<Place> {
        if !self.takes_queries() {
            return None;
        }
        let (sender, place) = self.place();
        self.queries.try_send((query.clone(), sender)).ok()?;
        Some(place)
    }

    fn place(&self) -> (oneshot::Sender<PooledReply>, Place) {
        let (sender, reply) = oneshot::channel();
        let (number, health) = (self.number, self.health.clone());
        let heard = health.heard.load(Ordering::Relaxed);
        health.queries.fetch_add(1, Ordering::Relaxed);
        (sender, Place { number, fresh: false, health, heard, reply })
    }

    /// Keeps the connection until the idle timeout, a close, a failure or a change of network.
    pub(super) fn run(
        &self,
        pool: &Pool,
        to: Endpoint,
        mut queries: Queries,
        descriptor: Option<Descriptor>,
    ) -> impl Future<Output = ()> + use<> {
        let (account, health) = (pool.held.account(), self.health.clone());
        let address = to.address;
        let (from, link) = (pool.sources.address(address), pool.links.link_to(address));
        let (tls, counters) = (pool.tls.lock().clone(), pool.counters.clone());
        let random = pool.sources.random().clone();
        let idle = if to.transport.is_encrypted() { IDLE_ENCRYPTED } else { IDLE };
        let mut elsewhere = pool.elsewhere.subscribe();
        async move {
            let waiting = WaitingQueries::default();
            let conversation = async {
                let descriptor = match descriptor {
                    Some(descriptor) => descriptor,
                    None => health.descriptors.take_beside().await,
                };
                let asking = Conversation {
                    idle,
                    queries: &mut queries,
                    waiting: &waiting,
                    account: &account,
                    health: &health,
                };
                if to.transport == Transport::Quic {
                    let socket = quic::open(from, address, link.as_deref(), &random, &descriptor);
                    let socket = socket.await.map_err(|error| failure::classify(&error))?;
                    return Box::pin(asking.run_quic(socket, to, &tls, &counters)).await;
                }
                let stream = connect(from, address, link.as_deref(), &descriptor).await;
                let stream = stream.map_err(|error| failure::classify(&error))?;
                let ended = match to.transport.is_encrypted() {
                    false => {
                        health.open();
                        let (reader, writer) = stream.into_split();
                        asking.run(reader, writer, Framing::Together).await
                    }
                    true => {
                        // Boxed, since a handshake is large and most connections have none.
                        let stream = Box::pin(secure::begin(&tls, to, stream, &counters)).await?;
                        health.open();
                        if to.transport == Transport::Https {
                            return Box::pin(asking.run_https(stream, to)).await;
                        }
                        let (reader, writer) = tokio::io::split(stream);
                        asking.run(reader, writer, Framing::Apart).await
                    }
                };
                ended.map_err(|error| failure::classify(&error))
            };
            let ended = tokio::select! {
                biased;
                _ = elsewhere.changed() => Ended::Elsewhere,
                () = health.gives_way.notified() => Ended::By(NetworkError::Closed),
                ended = conversation => Ended::By(ended.err().unwrap_or(NetworkError::Closed)),
            };
            waiting.end(ended);
            // Unwritten queries are treated as waiting queries.
            refuse_all(&mut queries, ended);
        }
    }
}

/// Takes no more queries; the unwritten ones end.
fn refuse_all(queries: &mut Queries, ended: Ended) {
    queries.close();
    while let Ok((_, reply)) = queries.try_recv() {
        let _ = reply.send(Err(ended));
    }
}

/// What goes on over a connection.
struct Conversation<'a> {
    /// The time without a query after which the connection is closed.
    idle: Duration,
    queries: &'a mut Queries,
    waiting: &'a WaitingQueries,
    account: &'a Account,
    health: &'a Health,
}

impl Conversation<'_> {
    /// Writes queries and delivers replies.
    async fn run(
        self,
        mut reader: impl AsyncRead + Unpin,
        writer: impl AsyncWrite + Unpin,
        framing: Framing,
    ) -> io::Result<()> {
        let Conversation { idle, queries, waiting, account, health } = self;
        let reading = async {
            loop {
                let message = read_message(&mut reader, account).await?;
                health.hear();
                if let Some(reply) = waiting.asker_of(&message) {
                    let _ = reply.send(Ok(message));
                }
            }
        };
        tokio::select! {
            biased;
            () = account.given_up() => Err(io::ErrorKind::OutOfMemory.into()),
            ended = reading => ended,
            ended = write_queries(writer, framing, idle, queries, waiting) => ended,
        }
    }
}

/// Opens a connection, from a given source address if any, once a descriptor is free.
async fn connect(
    from: IpAddr,
    to: SocketAddr,
    link: Option<&LinkBinding>,
    descriptor: &Descriptor,
) -> io::Result<TcpStream> {
    let socket = loop {
        match if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() } {
            Err(error) if ran_out(&error) => descriptor.wait().await,
            socket => break socket?,
        }
    };
    link.map_or(Ok(()), |link| link_binding::bind(&SockRef::from(&socket), link, to))?;
    if !from.is_unspecified() {
        socket.bind((from, 0).into()).map_err(|error| not_ours(&error))?;
    }
    let connected = tokio::time::timeout(CONNECT, socket.connect(to)).await;
    let stream = connected.map_err(|_| io::ErrorKind::TimedOut.into()).flatten()?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
