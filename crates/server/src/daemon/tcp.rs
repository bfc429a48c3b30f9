//! Clients over TCP: many queries on a connection, answered as they are ready (RFC 7766).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use zoners_dns::{Counter, Network, Transport};
use zoners_net::stream;

use super::Current;
use super::connections;
use super::worker::{AtWork, Stopping};
use crate::client::Client;
use crate::pipeline::Handled;
use crate::places::{Place, Places};

/// Queries of one connection that are worked on at a time (RFC 7766 section 6.2.1).
const IN_FLIGHT: usize = 32;
/// A client that takes nothing for so long is hung up on.
const STALLED: Duration = Duration::from_secs(2);
/// How long accepting rests when descriptors ran out.
const REST: Duration = Duration::from_millis(50);

pub(super) async fn serve<N: Network>(
    current: Current<N>,
    listener: TcpListener,
    places: Places,
    stopping: Stopping,
    at_work: AtWork,
) -> io::Result<()> {
    loop {
        let Ok((stream, client)) = listener.accept().await else {
            tokio::time::sleep(REST).await;
            continue;
        };
        let Some(connection) = connections::admit(&places, client.ip()) else {
            current.load().count(Counter::ClientTcpRefused);
            continue;
        };
        let (current, stopping, at_work) = (current.clone(), stopping.clone(), at_work.clone());
        tokio::spawn(async move {
            converse(current, stream, client, connection, stopping, at_work).await;
        });
    }
}

/// Serves one connection: queries are read while others are worked on.
async fn converse<N: Network>(
    current: Current<N>,
    stream: TcpStream,
    client: SocketAddr,
    connection: Place,
    stopping: Stopping,
    at_work: AtWork,
) {
    let _ = stream.set_nodelay(true);
    let client = Client { address: client.ip(), transport: Transport::Tcp };
    let (reader, writer) = stream.into_split();
    let (replies, ready) = mpsc::channel(IN_FLIGHT);
    // Once reading ends, what is still worked on is written before the connection closes.
    tokio::join!(
        read(current, reader, client, &connection, replies, stopping, at_work),
        write(writer, ready)
    );
}

async fn read<N: Network>(
    current: Current<N>,
    mut reader: OwnedReadHalf,
    client: Client,
    connection: &Place,
    replies: mpsc::Sender<(Vec<u8>, AtWork)>,
    mut stopping: Stopping,
    at_work: AtWork,
) {
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
    loop {
        let Ok(slot) = in_flight.clone().acquire_owned().await else { return };
        let message = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            message = tokio::time::timeout(connections::patience(connection), stream::read_message(&mut reader)) => message,
        };
        let Ok(Ok(packet)) = message else { return };
        let (service, at_work) = (current.load_full(), at_work.clone());
        let mut reply = Vec::new();
        match service.handle(&packet, client, service.clock(), &mut reply) {
            Handled::Reply => {}
            Handled::Nothing => continue,
            Handled::Miss(miss) => {
                let replies = replies.clone();
                tokio::spawn(async move {
                    let _slot = slot;
                    if let Some(reply) = service.recurse(*miss, None).await {
                        let _ = replies.send((reply, at_work)).await;
                    }
                });
                continue;
            }
        }
        if replies.send((reply, at_work)).await.is_err() {
            return;
        }
    }
}

async fn write(mut writer: OwnedWriteHalf, mut ready: mpsc::Receiver<(Vec<u8>, AtWork)>) {
    while let Some((reply, _at_work)) = ready.recv().await {
        let write = stream::write_message(&mut writer, &reply);
        if !matches!(tokio::time::timeout(STALLED, write).await, Ok(Ok(()))) {
            return;
        }
    }
}
