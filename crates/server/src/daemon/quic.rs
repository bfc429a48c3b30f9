//! Clients over QUIC (RFC 9250), and over HTTP/3 (RFC 9114): a task of a worker drives all connections of its socket.
//!
//! The kernel gives the datagrams of one address and port to the same worker, so that a connection stays with the worker
//! of its first packet. After a change of its port, a client may come to another worker. The packets get a stateless
//! reset there, by keys that all workers share, and the client connects anew.

mod http3;
mod turn;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, yield_now};
use zoners_dns::Network;
use zoners_net::datagrams::{BATCH, Batch, Datagrams};
use zoners_net::quic::{Outbox, QuicServer, QuicStream};

use super::Current;
use super::at_work::{AtWork, Stopping};
use super::pulse::Activity;
use super::served_tls::{ServedTls, TlsInForce};
use crate::client::AccessList;
use crate::config::QuicSpoken;
use http3::{Http3Door, LateAnswer};

/// Responses of recursions that wait for a turn; further recursions wait with theirs.
const MAX_WAITING_REPLIES: usize = 1024;

/// The needs of the connections of a socket.
pub(super) struct QuicDoor<N: Network> {
    /// The address in the configuration; for a socket of a service manager, the address of the socket.
    pub(super) listener: Option<SocketAddr>,
    pub(super) tls: ServedTls,
    /// File descriptors for connections of clients, of which QUIC takes none.
    pub(super) descriptors: Arc<Semaphore>,
    pub(super) current: Current<N>,
    pub(super) activity: Arc<Activity>,
    pub(super) stopping: Stopping,
    pub(super) at_work: AtWork,
}

/// The response of a recursion.
type LateReply = (QuicStream, LateAnswer, AtWork);

/// The connections of a socket, and the queries that wait for a recursion.
struct QuicWork {
    server: QuicServer,
    bound: Option<SocketAddr>,
    access: AccessList,
    /// TLS of the connections. Without TLS, no client is served.
    tls: Option<Arc<TlsInForce>>,
    /// HTTP/3, where an address of DNS over HTTPS stands.
    http3: Option<Http3Door>,
    spoken: QuicSpoken,
    recursions: HashMap<QuicStream, AbortHandle>,
    replies: mpsc::Sender<LateReply>,
    outbox: Outbox,
    reply: Vec<u8>,
    framed: Vec<u8>,
    /// No connection is opened any more, and connections without a query are closed.
    leaving: bool,
}

/// Serves a socket until this future is dropped; the connections go on until no query is under way.
pub(super) async fn serve<N: Network>(socket: Arc<Datagrams>, door: QuicDoor<N>) -> io::Result<()> {
    tokio::spawn(drive(socket, door)).await.map_err(io::Error::other)??;
    // The address is left, and the caller is about to hear of that.
    std::future::pending().await
}

/// Takes turns, whenever datagrams or responses of recursions lie ready or a timer of a connection ends. The responses of
/// a turn to a client share packets.
async fn drive<N: Network>(socket: Arc<Datagrams>, mut door: QuicDoor<N>) -> io::Result<()> {
    let (replies, mut ready) = mpsc::channel(MAX_WAITING_REPLIES);
    let Some(mut work) = QuicWork::new(&door, &socket, replies) else {
        // The reason is logged; the socket stays for a later configuration.
        let _ = door.stopping.wait_for(|leave| *leave).await;
        return Ok(());
    };
    let (mut batch, mut late) = (Batch::new(), Vec::with_capacity(BATCH));
    loop {
        // The last datagrams are read once more; later datagrams belong to the next daemon, if there is one.
        let reads = !work.leaving;
        tokio::select! {
            biased;
            _ = door.stopping.wait_for(|leave| *leave), if reads => work.leaving = true,
            readable = socket.readable(), if reads => readable?,
            _ = ready.recv_many(&mut late, BATCH) => {}
            () = until(work.server.deadline()) => {}
        }
        let service = door.current.load_full();
        work.turn_to(&service, &door, Instant::now());
        while late.len() < BATCH
            && let Ok(reply) = ready.try_recv()
        {
            late.push(reply);
        }
        let received = reads.then_some(&mut batch);
        if work.turn(&service, &socket, received, &mut late, &door.at_work) {
            door.activity.note();
        }
        if work.leaving && work.server.connections() == 0 {
            return Ok(());
        }
        if batch.is_full() {
            yield_now().await;
        }
    }
}

/// Ends at the deadline, if there is one.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

impl QuicWork {
    /// The work of a socket; none if no client can be served, which is logged.
    fn new<N: Network>(
        door: &QuicDoor<N>,
        socket: &Datagrams,
        replies: mpsc::Sender<LateReply>,
    ) -> Option<Self> {
        let (bound, service) = (socket.local_address(), door.current.load());
        let place = door.listener.or(bound)?;
        let Some(spoken) = service.rules().spoken_at(place) else {
            tracing::error!("quic: no client is served at {place}: no listener has this socket");
            return None;
        };
        let Some(tls) = door.tls.at(Some(place), spoken.transport()) else {
            tracing::error!("quic: no client is served at {place}: no certificate is in force");
            return None;
        };
        let terms = tls.quic(spoken.protocol(), &service.worker().shared().random)?;
        Some(QuicWork {
            server: QuicServer::new(terms),
            bound,
            access: AccessList::SERVER,
            tls: Some(tls),
            http3: Http3Door::open(spoken, door),
            spoken: spoken.clone(),
            recursions: HashMap::new(),
            replies,
            outbox: Outbox::default(),
            reply: Vec::new(),
            framed: Vec::new(),
            leaving: false,
        })
    }
}
