//! A worker's thread: a runtime, places where it hears clients, and a share of these.

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, yield_now};
use zoners_dns::Network;
use zoners_net::datagrams::Datagrams;

use super::connections::{Connections, Shares};
use super::pulse::Activity;
use super::{Current, FINISH, tcp, udp};

/// Turns of the runtime in which a socket that hears no one any more reads what had come before: one to look
/// at the sockets, one to read.
const TURNS: usize = 3;

/// Turns true when clients are no longer heard.
pub(super) type Stopping = watch::Receiver<bool>;

/// Held by whatever works for a client; the end waits until nobody holds it.
pub(super) type AtWork = Arc<()>;

/// Where a worker hears clients.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) udp: Vec<Arc<Datagrams>>,
    pub(super) tcp: Vec<Arc<TcpListener>>,
    /// A service manager gave the sockets, and keeps them.
    pub(super) given: bool,
    /// Turns true when it is to be left.
    pub(super) leaving: Stopping,
}

/// What is to be known of a worker that runs to give it places.
#[derive(Clone, Debug)]
pub(super) struct Host {
    /// Its runtime.
    pub(super) runtime: Handle,
    /// It ends once all of these are dropped, and all places are left.
    pub(super) places: mpsc::UnboundedSender<Place>,
}

impl Host {
    /// A worker that will run on `runtime`, and where it hears of places.
    pub(super) fn of(runtime: &Runtime) -> (Self, mpsc::UnboundedReceiver<Place>) {
        let (places, coming) = mpsc::unbounded_channel();
        (Host { runtime: runtime.handle().clone(), places }, coming)
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

/// Serves clients at the `places` that come, until no more can come and all are left.
pub(super) fn run<N: Network>(
    runtime: &Runtime,
    current: Current<N>,
    places: mpsc::UnboundedReceiver<Place>,
    activity: Arc<Activity>,
    shares: Shares,
) -> io::Result<()> {
    let (connections, at_work) = (Connections::new(shares), AtWork::default());
    runtime.block_on(serve(Work { current, connections, activity, at_work }, places))
}

async fn serve<N: Network>(
    work: Work<N>,
    mut places: mpsc::UnboundedReceiver<Place>,
) -> io::Result<()> {
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            place = places.recv() => match place {
                Some(place) => {
                    serving.spawn(serve_at(place, work.another()));
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
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(FINISH, idle).await.is_err() {
        let unanswered = Arc::strong_count(&work.at_work) - 1;
        tracing::warn!("stopped with {unanswered} queries unanswered");
    }
    Ok(())
}

/// Serves clients at a place until it is to be left. What is under way then goes on, and the sockets with it.
async fn serve_at<N: Network>(mut place: Place, work: Work<N>) -> io::Result<()> {
    let Work { current, connections, activity, at_work } = work;
    let mut serving = JoinSet::new();
    for socket in place.udp.iter().cloned() {
        serving.spawn(udp::serve(current.clone(), socket, activity.clone(), at_work.clone()));
    }
    for listener in place.tcp.iter().cloned() {
        let door = tcp::Door {
            current: current.clone(),
            connections: connections.clone(),
            activity: activity.clone(),
            stopping: place.leaving.clone(),
            at_work: at_work.clone(),
        };
        serving.spawn(tcp::serve(listener, door));
    }
    drop(at_work);
    tokio::select! {
        biased;
        _ = place.leaving.wait_for(|leave| *leave) => {}
        Some(ended) = serving.join_next() => {
            ended.map_err(io::Error::other)??;
            return Err(io::Error::other("a listener ended"));
        }
    }
    if !place.given {
        place.udp.iter().for_each(|socket| socket.deafen());
    }
    for _ in 0..TURNS {
        yield_now().await;
    }
    serving.shutdown().await;
    Ok(())
}
