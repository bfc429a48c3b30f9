//! Clients over UDP.

use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;
use zoners_dns::{Counter, Network, Transport};
use zoners_net::datagrams::{BATCH, Batch, Datagrams, Peer};

use super::Current;
use super::at_work::AtWork;
use super::pulse::Activity;
use super::shed::Shed;
use crate::client::Client;
use crate::pipeline::{Handled, Miss, Service};

/// Replies to misses that wait for the system to take them; more are dropped.
const UNSENT: usize = 4096;
/// Batches that are dropped before others have their turn: about a millisecond.
const SHED_AT_ONCE: usize = 64;

/// Serves a socket for as long as it is polled.
pub(super) async fn serve<N: Network>(
    current: Current<N>,
    socket: Arc<Datagrams>,
    activity: Arc<Activity>,
    at_work: AtWork,
) -> io::Result<()> {
    let (replies, ready) = mpsc::channel(UNSENT);
    tokio::spawn(deliver(current.clone(), socket.clone(), ready));
    let mut batch = Batch::new();
    let random = current.load().worker().shared().random.clone();
    let mut shed = Shed::new([random.bits(), random.bits()]);
    for round in 0usize.. {
        socket.readable().await?;
        activity.felt();
        let service = current.load_full();
        serve_batch(&service, &socket, &mut batch, &mut shed, |miss, peer| {
            let recursion = recurse(service.clone(), miss, peer, replies.clone(), at_work.clone());
            // Boxed, since spawning copies a future five times.
            tokio::spawn(Box::pin(recursion));
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
    let (clock, handle) = (service.clock(), service.handler());
    for slot in batch.received() {
        let (packet, peer, reply) = slot.parts();
        if answers_anything(peer.address.port()) {
            service.ignored();
            continue;
        }
        if many && shed.drops(peer.address.ip()) {
            service.shed();
            continue;
        }
        let client = Client::new(peer.address.ip(), Transport::Udp);
        match handle(service, packet, client, clock, reply) {
            Handled::Reply => {}
            Handled::Nothing => reply.clear(),
            Handled::Miss(missed) => {
                reply.clear();
                miss(*missed, peer);
            }
        }
    }
    for _ in 0..socket.send(batch) {
        service.count(Counter::ClientSendErrors);
    }
}

/// Whether what listens at a port answers whatever comes (echo, daytime, quote of the day, chargen, time):
/// it and a server would answer each other's answers for ever. Nothing is sent from port 0.
fn answers_anything(port: u16) -> bool {
    matches!(port, 0 | 7 | 13 | 17 | 19 | 37)
}

/// A reply to a miss on its way out.
type Outgoing = ((Vec<u8>, Peer), AtWork);

async fn recurse<N: Network>(
    service: Arc<Service<N>>,
    miss: Miss,
    peer: Peer,
    replies: mpsc::Sender<Outgoing>,
    at_work: AtWork,
) {
    let Some(reply) = service.recurse(miss, None).await else { return };
    hand_over(&service, &replies, ((reply, peer), at_work));
}

/// Puts a reply with those that wait to be sent, if there is room.
fn hand_over<N: Network>(
    service: &Service<N>,
    replies: &mpsc::Sender<Outgoing>,
    outgoing: Outgoing,
) {
    if replies.try_send(outgoing).is_err() {
        service.count(Counter::ClientSendErrors);
    }
}

/// Sends the replies to misses: those that are ready together in one go.
async fn deliver<N: Network>(
    current: Current<N>,
    socket: Arc<Datagrams>,
    mut ready: mpsc::Receiver<Outgoing>,
) {
    let mut taken = Vec::with_capacity(BATCH);
    while ready.recv_many(&mut taken, BATCH).await > 0 {
        let (replies, _at_work): (Vec<_>, Vec<AtWork>) = taken.drain(..).unzip();
        for _ in 0..socket.reply(&replies).await {
            current.load().count(Counter::ClientSendErrors);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::daemon::Configured;

    #[tokio::test]
    async fn more_replies_than_may_wait_are_dropped_and_counted() {
        let service = Configured::new(Config::default()).unwrap().service();
        let unsent = || service.worker().counters().get(Counter::ClientSendErrors);
        let (replies, mut ready) = mpsc::channel(UNSENT);
        let to = Peer { address: "127.0.0.1:53".parse().unwrap(), ours: None };
        for _ in 0..UNSENT {
            hand_over(&service, &replies, ((Vec::new(), to), AtWork::default()));
        }
        assert_eq!(unsent(), 0);
        hand_over(&service, &replies, ((Vec::new(), to), AtWork::default()));
        assert_eq!(unsent(), 1);
        ready.recv().await.unwrap();
        hand_over(&service, &replies, ((Vec::new(), to), AtWork::default()));
        assert_eq!(unsent(), 1);
    }
}
