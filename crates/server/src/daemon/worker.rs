//! The thread of a worker: a runtime, the assigned addresses, and the listeners there.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, yield_now};
use zoners_dns::{Network, Transport};
use zoners_net::proxy_header::ProxyHeaders;

use super::at_work::{AtWork, SocketCopies, Stopping};
use super::connections::{ConnectionShares, Connections};
use super::listeners::{ServedListener, ServedSocket};
use super::pulse::Activity;
use super::served_tls::ServedTls;
use super::tcp::handshakes::Handshakes;
use super::{Current, quic, tcp, udp};

/// The time for queries under way at the end.
const FINISH_TIMEOUT: Duration = Duration::from_millis(1500);
/// The same after a hand-over, when no one waits for the end: more than a client waits for an answer.
const HANDED_OVER_FINISH_TIMEOUT: Duration = Duration::from_secs(10);
/// Turns of the runtime for the last datagrams of an abandoned socket: to look at the sockets, and to read.
const LAST_TURNS: usize = 3;

/// An address for a worker to serve.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) listeners: Vec<ServedListener>,
    /// The address in the configuration; of a socket of a service manager, its own address.
    pub(super) wanted: Option<SocketAddr>,
    /// A service manager gave the sockets, and keeps a copy.
    pub(super) given: bool,
    pub(super) copies: Arc<SocketCopies>,
    /// True once the address is to be left.
    pub(super) leaving: Stopping,
}

/// The handle of a running worker, to assign addresses.
#[derive(Clone, Debug)]
pub(super) struct WorkerLink {
    /// The runtime of the worker.
    pub(super) runtime: Handle,
    /// The worker ends once every sender is dropped and every address is left.
    pub(super) assignments: mpsc::UnboundedSender<Assignment>,
}

impl WorkerLink {
    /// A worker on `runtime`, and the receiver of the assignments.
    pub(super) fn of(runtime: &Runtime) -> (Self, mpsc::UnboundedReceiver<Assignment>) {
        let (assignments, coming) = mpsc::unbounded_channel();
        (WorkerLink { runtime: runtime.handle().clone(), assignments }, coming)
    }
}

/// The state shared by the listeners of a worker.
struct WorkerState<N: Network> {
    current: Current<N>,
    connections: Connections,
    handshakes: Handshakes,
    headers: ProxyHeaders,
    tls: ServedTls,
    descriptors: Arc<Semaphore>,
    activity: Arc<Activity>,
    at_work: AtWork,
}

impl<N: Network> WorkerState<N> {
    fn another(&self) -> Self {
        WorkerState {
            current: self.current.clone(),
            connections: self.connections.clone(),
            handshakes: self.handshakes.clone(),
            headers: self.headers.clone(),
            tls: self.tls.clone(),
            descriptors: self.descriptors.clone(),
            activity: self.activity.clone(),
            at_work: self.at_work.clone(),
        }
    }
}

/// Serves clients at the assigned addresses, until no more assignments can come and every address is left.
pub(super) fn run<N: Network>(
    runtime: &Runtime,
    current: Current<N>,
    assignments: mpsc::UnboundedReceiver<Assignment>,
    activity: Arc<Activity>,
    (shares, tls): (ConnectionShares, ServedTls),
) -> io::Result<()> {
    let descriptors = shares.descriptors();
    let headers = ProxyHeaders::new(descriptors.clone());
    let (connections, at_work) = (Connections::new(shares), AtWork::default());
    let handshakes = Handshakes::new(tls.clone());
    let state = WorkerState {
        current,
        connections,
        handshakes,
        headers,
        tls,
        descriptors,
        activity,
        at_work,
    };
    runtime.block_on(serve(state, assignments))
}

async fn serve<N: Network>(
    work: WorkerState<N>,
    mut assignments: mpsc::UnboundedReceiver<Assignment>,
) -> io::Result<()> {
    let (mut serving, mut copies) = (JoinSet::new(), None);
    loop {
        tokio::select! {
            biased;
            assignment = assignments.recv() => match assignment {
                Some(assignment) => {
                    copies = Some(assignment.copies.clone());
                    serving.spawn(serve_at(assignment, work.another()));
                }
                None => break,
            },
            Some(ended) = serving.join_next() => ended.map_err(io::Error::other)??,
        }
    }
    while let Some(ended) = serving.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    // No new queries; the queries under way are finished.
    let idle = async {
        while Arc::strong_count(&work.at_work) > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let finish = match copies.is_some_and(|copies| copies.are_served()) {
        true => HANDED_OVER_FINISH_TIMEOUT,
        false => FINISH_TIMEOUT,
    };
    if tokio::time::timeout(finish, idle).await.is_err() {
        let unanswered = Arc::strong_count(&work.at_work) - 1;
        tracing::warn!("shutdown: {unanswered} queries unanswered");
    }
    Ok(())
}

/// Serves clients at an address until the address is left. Queries under way go on, and keep the sockets.
async fn serve_at<N: Network>(mut assignment: Assignment, work: WorkerState<N>) -> io::Result<()> {
    let WorkerState {
        current,
        connections,
        handshakes,
        headers,
        tls,
        descriptors,
        activity,
        at_work,
    } = work;
    let mut serving = JoinSet::new();
    for ServedListener { transport, socket } in assignment.listeners.iter().cloned() {
        match socket {
            ServedSocket::Datagrams(socket) if transport == Transport::Quic => {
                let door = quic::QuicDoor {
                    listener: assignment.wanted,
                    tls: tls.clone(),
                    descriptors: descriptors.clone(),
                    current: current.clone(),
                    activity: activity.clone(),
                    stopping: assignment.leaving.clone(),
                    at_work: at_work.clone(),
                };
                serving.spawn(quic::serve(socket, door));
            }
            ServedSocket::Datagrams(socket) => {
                let (current, activity) = (current.clone(), activity.clone());
                let socket = (socket, assignment.wanted);
                serving.spawn(udp::serve(current, socket, activity, at_work.clone()));
            }
            ServedSocket::Stream(listener) => {
                let door = tcp::Door {
                    transport,
                    listener: assignment.wanted,
                    handshakes: handshakes.clone(),
                    headers: headers.clone(),
                    current: current.clone(),
                    connections: connections.clone(),
                    activity: activity.clone(),
                    stopping: assignment.leaving.clone(),
                    at_work: at_work.clone(),
                };
                serving.spawn(tcp::serve(listener, door));
            }
        }
    }
    drop(at_work);
    tokio::select! {
        biased;
        _ = assignment.leaving.wait_for(|leave| *leave) => {}
        Some(ended) = serving.join_next() => {
            ended.map_err(io::Error::other)??;
            return Err(io::Error::other("a listener ended"));
        }
    }
    if !assignment.given && !assignment.copies.exist() {
        assignment.listeners.iter().for_each(ServedListener::deafen);
    }
    for _ in 0..LAST_TURNS {
        yield_now().await;
    }
    serving.shutdown().await;
    Ok(())
}
