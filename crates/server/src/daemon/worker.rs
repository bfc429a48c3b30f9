//! A worker's thread: a runtime, assignments where it hears clients, and a share of these.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, yield_now};
use zoners_dns::Network;

use super::at_work::{AtWork, Stopping};
use super::connections::{ConnectionShares, Connections};
use super::listeners::{ServedListener, ServedSocket};
use super::pulse::Activity;
use super::{Current, tcp, udp};

/// At the end, queries that are under way are finished, but not for longer than this.
const FINISH: Duration = Duration::from_millis(1500);
/// Turns of the runtime in which a socket that hears no one any more reads what had come before: one to look
/// at the sockets, one to read.
const TURNS: usize = 3;

/// Where a worker hears clients.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) listeners: Vec<ServedListener>,
    /// A service manager gave the sockets, and keeps them.
    pub(super) given: bool,
    /// Turns true when it is to be left.
    pub(super) leaving: Stopping,
}

/// What is to be known of a worker that runs to give it assignments.
#[derive(Clone, Debug)]
pub(super) struct WorkerLink {
    /// Its runtime.
    pub(super) runtime: Handle,
    /// It ends once all of these are dropped, and all assignments are left.
    pub(super) assignments: mpsc::UnboundedSender<Assignment>,
}

impl WorkerLink {
    /// A worker that will run on `runtime`, and where it hears of assignments.
    pub(super) fn of(runtime: &Runtime) -> (Self, mpsc::UnboundedReceiver<Assignment>) {
        let (assignments, coming) = mpsc::unbounded_channel();
        (WorkerLink { runtime: runtime.handle().clone(), assignments }, coming)
    }
}

/// What a worker serves with.
struct Work<N: Network> {
    current: Current<N>,
    connections: Connections,
    activity: Arc<Activity>,
    at_work: AtWork,
}

impl<N: Network> Work<N> {
    fn another(&self) -> Self {
        let Work { current, connections, activity, at_work } = self;
        let (current, connections) = (current.clone(), connections.clone());
        Work { current, connections, activity: activity.clone(), at_work: at_work.clone() }
    }
}

/// Serves clients at the `assignments` that come, until no more can come and all are left.
pub(super) fn run<N: Network>(
    runtime: &Runtime,
    current: Current<N>,
    assignments: mpsc::UnboundedReceiver<Assignment>,
    activity: Arc<Activity>,
    shares: ConnectionShares,
) -> io::Result<()> {
    let (connections, at_work) = (Connections::new(shares), AtWork::default());
    runtime.block_on(serve(Work { current, connections, activity, at_work }, assignments))
}

async fn serve<N: Network>(
    work: Work<N>,
    mut assignments: mpsc::UnboundedReceiver<Assignment>,
) -> io::Result<()> {
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            assignment = assignments.recv() => match assignment {
                Some(assignment) => {
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
    // No new queries; those under way are finished.
    let idle = async {
        while Arc::strong_count(&work.at_work) > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(FINISH, idle).await.is_err() {
        let unanswered = Arc::strong_count(&work.at_work) - 1;
        tracing::warn!("shutdown: {unanswered} queries unanswered");
    }
    Ok(())
}

/// Serves clients at an assignment until it is to be left. What is under way then goes on, and the sockets with it.
async fn serve_at<N: Network>(mut assignment: Assignment, work: Work<N>) -> io::Result<()> {
    let Work { current, connections, activity, at_work } = work;
    let mut serving = JoinSet::new();
    for ServedListener { transport, socket } in assignment.listeners.iter().cloned() {
        match socket {
            ServedSocket::Datagrams(socket) => {
                let (current, activity) = (current.clone(), activity.clone());
                serving.spawn(udp::serve(current, socket, activity, at_work.clone()));
            }
            ServedSocket::Stream(listener) => {
                let door = tcp::Door {
                    transport,
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
    if !assignment.given {
        assignment.listeners.iter().for_each(ServedListener::deafen);
    }
    for _ in 0..TURNS {
        yield_now().await;
    }
    serving.shutdown().await;
    Ok(())
}
