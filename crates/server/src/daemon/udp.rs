//! Clients over UDP.

use std::io;
use std::sync::Arc;

use zoners_dns::{Counter, Network, Transport};
use zoners_net::datagrams::{Batch, Datagrams, Peer};

use super::Current;
use super::worker::AtWork;
use crate::client::Client;
use crate::pipeline::{Handled, Miss, Service};

/// Serves a socket for as long as it is polled.
pub(super) async fn serve<N: Network>(
    current: Current<N>,
    socket: Datagrams,
    at_work: AtWork,
) -> io::Result<()> {
    let socket = Arc::new(socket);
    let mut batch = Batch::new();
    loop {
        socket.readable().await?;
        let service = current.load_full();
        serve_batch(&service, &socket, &mut batch, |miss, peer| {
            let work = recurse(service.clone(), socket.clone(), miss, peer, at_work.clone());
            tokio::spawn(work);
        });
        if batch.is_full() {
            // A flood must not keep the recursions and the streams from their turn.
            tokio::task::yield_now().await;
        }
    }
}

/// Receives what lies ready, answers what can be answered at once, and hands the rest to `miss`.
fn serve_batch<N: Network>(
    service: &Service<N>,
    socket: &Datagrams,
    batch: &mut Batch,
    mut miss: impl FnMut(Miss, Peer),
) {
    // What the kernel reports here is of clients that went away; the socket stays good.
    if socket.receive(batch).is_err() {
        return;
    }
    for slot in batch.received() {
        let (packet, peer, reply) = slot.parts();
        let client = Client { address: peer.address.ip(), transport: Transport::Udp };
        match service.handle(packet, client, reply) {
            Handled::Reply => {}
            Handled::Nothing => reply.clear(),
            Handled::Miss(missed) => {
                reply.clear();
                miss(*missed, peer);
            }
        }
    }
    for _ in 0..socket.send(batch) {
        service.count(Counter::ClientUnsent);
    }
}

async fn recurse<N: Network>(
    service: Arc<Service<N>>,
    socket: Arc<Datagrams>,
    miss: Miss,
    peer: Peer,
    _at_work: AtWork,
) {
    let Some(reply) = service.recurse(miss, None).await else { return };
    if let Err(error) = socket.reply(&reply, peer).await {
        service.count(Counter::ClientUnsent);
        tracing::debug!(client = %peer.address, %error, "reply not sent");
    }
}
