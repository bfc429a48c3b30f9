//! Clients over TCP: many queries on a connection, answered as they are ready (RFC 7766).
//!
//! What came together is answered together: one read and one write for as many queries as a client
//! has sent.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};
use zoners_dns::{Counter, Network, Transport};
use zoners_net::stream::{self, Incoming};

use super::Current;
use super::connections;
use super::pulse::Activity;
use super::worker::{AtWork, Stopping};
use crate::client::Client;
use crate::pipeline::{Handled, Miss, Service};
use crate::places::{Place, Places};

/// Queries of one connection that are worked on at a time (RFC 7766 section 6.2.1).
const IN_FLIGHT: usize = 32;
/// Replies are handed on when they are so many octets …
const TOGETHER: usize = 16 * 1024;
/// … and so many times as many may wait for a client to take them.
const WAITING: usize = 8;
/// A client that takes nothing for so long is hung up on.
const STALLED: Duration = Duration::from_secs(2);
/// How long accepting rests when descriptors ran out.
const REST: Duration = Duration::from_millis(50);

/// What every connection needs.
pub(super) struct Door<N: Network> {
    pub(super) current: Current<N>,
    pub(super) places: Places,
    pub(super) activity: Arc<Activity>,
    pub(super) stopping: Stopping,
    pub(super) at_work: AtWork,
}

pub(super) async fn serve<N: Network>(listener: TcpListener, door: Door<N>) -> io::Result<()> {
    let door = Arc::new(door);
    loop {
        let Ok((stream, client)) = listener.accept().await else {
            tokio::time::sleep(REST).await;
            continue;
        };
        let Some(connection) = connections::admit(&door.places, client.ip()) else {
            door.current.load().count(Counter::ClientTcpRefused);
            continue;
        };
        tokio::spawn(converse(door.clone(), stream, client, connection));
    }
}

/// Serves one connection: queries are read while others are worked on.
async fn converse<N: Network>(
    door: Arc<Door<N>>,
    stream: TcpStream,
    client: SocketAddr,
    connection: Place,
) {
    let _ = stream.set_nodelay(true);
    let client = Client { address: client.ip(), transport: Transport::Tcp };
    let (reader, writer) = stream.into_split();
    let (replies, ready) = mpsc::channel(WAITING);
    // Once reading ends, what is still worked on is written before the connection closes.
    tokio::join!(read(&door, reader, client, &connection, replies), write(writer, ready));
}

/// Replies, each with its length, to be written as they are.
type Replies = (Vec<u8>, AtWork);

async fn read<N: Network>(
    door: &Door<N>,
    mut reader: OwnedReadHalf,
    client: Client,
    connection: &Place,
    replies: mpsc::Sender<Replies>,
) {
    let mut stopping = door.stopping.clone();
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut incoming = Incoming::default();
    let mut outgoing = Outgoing { octets: Vec::new(), replies, at_work: door.at_work.clone() };
    let mut deadline = Instant::now() + connections::patience(connection);
    loop {
        // A message that comes in pieces has no more time than one that comes at once.
        let filled = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            filled = timeout_at(deadline, incoming.fill(&mut reader)) => filled,
        };
        let Ok(Ok(())) = filled else { return };
        door.activity.felt();
        let service = door.current.load_full();
        let (clock, mut reply) = (service.clock(), Vec::new());
        while let Some(packet) = incoming.next_message() {
            deadline = Instant::now() + connections::patience(connection);
            match service.handle(&packet, client, clock, &mut reply) {
                Handled::Reply => {
                    stream::put_message(&mut outgoing.octets, &reply);
                }
                Handled::Nothing => {}
                Handled::Miss(miss) => {
                    if in_flight.available_permits() == 0 {
                        // Answers that are there do not wait for those that are not.
                        outgoing.hand_on().await;
                    }
                    let Ok(slot) = in_flight.clone().acquire_owned().await else { return };
                    let (replies, at_work) = (outgoing.replies.clone(), door.at_work.clone());
                    tokio::spawn(Box::pin(recurse(service.clone(), *miss, slot, replies, at_work)));
                }
            }
            if outgoing.octets.len() >= TOGETHER {
                outgoing.hand_on().await;
            }
        }
        outgoing.hand_on().await;
        if outgoing.replies.is_closed() {
            return;
        }
    }
}

/// Replies that are handed on together.
struct Outgoing {
    octets: Vec<u8>,
    replies: mpsc::Sender<Replies>,
    at_work: AtWork,
}

impl Outgoing {
    /// Hands on what there is; whoever writes it may have hung up.
    async fn hand_on(&mut self) {
        if !self.octets.is_empty() {
            let octets = std::mem::take(&mut self.octets);
            let _ = self.replies.send((octets, self.at_work.clone())).await;
        }
    }
}

async fn recurse<N: Network>(
    service: Arc<Service<N>>,
    miss: Miss,
    _slot: OwnedSemaphorePermit,
    replies: mpsc::Sender<Replies>,
    at_work: AtWork,
) {
    let mut framed = Vec::new();
    if let Some(reply) = service.recurse(miss, None).await
        && stream::put_message(&mut framed, &reply)
    {
        let _ = replies.send((framed, at_work)).await;
    }
}

async fn write(mut writer: OwnedWriteHalf, mut ready: mpsc::Receiver<Replies>) {
    while let Some((mut framed, _at_work)) = ready.recv().await {
        // What is ready by now goes along.
        while framed.len() < TOGETHER
            && let Ok((more, _)) = ready.try_recv()
        {
            framed.extend_from_slice(&more);
        }
        let write = writer.write_all(&framed);
        if !matches!(tokio::time::timeout(STALLED, write).await, Ok(Ok(()))) {
            return;
        }
    }
}
