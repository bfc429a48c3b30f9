//! A worker's thread: a runtime, listeners, and a share of the clients.

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use zoners_dns::Network;
use zoners_net::datagrams::Datagrams;
use zoners_net::held::Held;

use super::bind::Listeners;
use super::connections::Connections;
use super::pulse::Activity;
use super::{Current, FINISH, tcp, udp};

/// Turns true when the daemon stops.
pub(super) type Stopping = watch::Receiver<bool>;

/// Held by whatever works for a client; the end waits until nobody holds it.
pub(super) type AtWork = Arc<()>;

pub(super) fn run<N: Network>(
    runtime: &Runtime,
    current: Current<N>,
    listeners: Listeners,
    activity: &Arc<Activity>,
    held: Arc<Held>,
    stopping: Stopping,
) -> io::Result<()> {
    runtime.block_on(serve(current, listeners, activity, held, stopping))
}

async fn serve<N: Network>(
    current: Current<N>,
    listeners: Listeners,
    activity: &Arc<Activity>,
    held: Arc<Held>,
    mut stopping: Stopping,
) -> io::Result<()> {
    let at_work = AtWork::default();
    let mut serving = JoinSet::new();
    for socket in listeners.udp {
        let socket = Datagrams::new(socket)?;
        let activity = activity.clone();
        serving.spawn(udp::serve(current.clone(), socket, activity, at_work.clone()));
    }
    let connections = Connections::new(held);
    for listener in listeners.tcp {
        let listener = TcpListener::from_std(listener)?;
        let door = tcp::Door {
            current: current.clone(),
            connections: connections.clone(),
            activity: activity.clone(),
            stopping: stopping.clone(),
            at_work: at_work.clone(),
        };
        serving.spawn(tcp::serve(listener, door));
    }
    tokio::select! {
        biased;
        _ = stopping.wait_for(|stop| *stop) => {}
        Some(ended) = serving.join_next() => {
            ended.map_err(io::Error::other)??;
            return Err(io::Error::other("a listener ended"));
        }
    }
    // No new queries; those under way are finished.
    serving.shutdown().await;
    let idle = async {
        while Arc::strong_count(&at_work) > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(FINISH, idle).await.is_err() {
        tracing::warn!("stopped with {} queries unanswered", Arc::strong_count(&at_work) - 1);
    }
    Ok(())
}
