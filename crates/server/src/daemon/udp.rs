//! Clients over UDP.

use std::io;
use std::sync::Arc;

use zoners_dns::{Counter, Network, Transport};
use zoners_net::datagrams::{Batch, Datagrams, Peer};

use super::Current;
use super::shed::Shed;
use super::worker::AtWork;
use crate::client::Client;
use crate::pipeline::{Handled, Miss, Service};

/// Batches that are dropped before others have their turn: about a millisecond.
const SHED_AT_ONCE: usize = 64;

/// Serves a socket for as long as it is polled.
pub(super) async fn serve<N: Network>(
    current: Current<N>,
    socket: Datagrams,
    at_work: AtWork,
) -> io::Result<()> {
    let socket = Arc::new(socket);
    let mut batch = Batch::new();
    let random = current.load().worker().shared().random.clone();
    let mut shed = Shed::new([random.bits(), random.bits()]);
    for round in 0usize.. {
        socket.readable().await?;
        let service = current.load_full();
        serve_batch(&service, &socket, &mut batch, &mut shed, |miss, peer| {
            let work = recurse(service.clone(), socket.clone(), miss, peer, at_work.clone());
            tokio::spawn(work);
        });
        // A flood must not keep the recursions and the streams from their turn; but one that is
        // dropped is quickly through.
        if batch.is_full() && (!shed.is_shedding() || round.is_multiple_of(SHED_AT_ONCE)) {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// Receives what lies ready, answers what can be answered at once, and hands the rest to `miss`.
fn serve_batch<N: Network>(
    service: &Service<N>,
    socket: &Datagrams,
    batch: &mut Batch,
    shed: &mut Shed,
    mut miss: impl FnMut(Miss, Peer),
) {
    // What the kernel reports here is of clients that went away; the socket stays good.
    if socket.receive(batch).is_err() {
        return;
    }
    let many = batch.is_full();
    if many {
        let (long, most) = socket.queue();
        shed.queue_is(long, most);
    }
    let clock = service.clock();
    for slot in batch.received() {
        let (packet, peer, reply) = slot.parts();
        if many && shed.drops(peer.address.ip()) {
            service.shed();
            continue;
        }
        let client = Client { address: peer.address.ip(), transport: Transport::Udp };
        match service.handle(packet, client, clock, reply) {
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
