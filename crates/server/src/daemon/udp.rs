//! Clients over UDP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::mpsc;
use zoners_dns::{Counter, Network, Transport};
use zoners_net::datagrams::{BATCH, Batch, Datagrams, Peer};

use super::Current;
use super::at_work::AtWork;
use super::pulse::Activity;
use super::shed::Shed;
use crate::client::{AccessList, Client};
use crate::dnstap::{ClientEnds, MessageTap};
use crate::pipeline::handed_miss::HandedMiss;
use crate::pipeline::{Handled, Miss, Service};

/// Responses to misses waiting for the system; further ones are dropped.
const MAX_UNSENT: usize = 4096;
/// Batches dropped before other tasks run: about a millisecond.
const MAX_SHED_BATCHES: usize = 64;

/// Serves a socket while polled.
pub(super) async fn serve<N: Network>(
    current: Current<N>,
    (socket, listener): (Arc<Datagrams>, Option<SocketAddr>),
    activity: Arc<Activity>,
    at_work: AtWork,
) -> io::Result<()> {
    let (replies, ready) = mpsc::channel(MAX_UNSENT);
    tokio::spawn(deliver(current.clone(), socket.clone(), ready));
    let mut batch = Batch::new();
    let random = current.load().worker().shared().random.clone();
    let (waiting, _) = socket.queue();
    let bound = socket.local_address();
    let asked = bound.map(|bound| bound.ip()).filter(|ip| !ip.is_unspecified());
    let mut shed = Shed::new([random.bits(), random.bits()], waiting);
    for round in 0usize.. {
        socket.readable().await?;
        activity.note();
        let service = current.load_full();
        let access = service.rules().access_list(listener, Transport::Udp);
        serve_batch(&service, (&socket, access, asked), &mut batch, &mut shed, |miss, peer| {
            let way = (replies.clone(), bound);
            let recursion =
                recurse(HandedMiss::new(service.clone(), miss), peer, way, at_work.clone());
            // Boxed, since spawning copies a future five times.
            tokio::spawn(Box::pin(recursion));
        });
        // After the responses, which do not wait for copies.
        if let Some(tap) = service.tap() {
            copy_batch(tap, &mut batch, bound);
        }
        // A flood must not keep recursions and streams from running; but dropped batches take little time.
        if batch.is_full() && (!shed.is_shedding() || round.is_multiple_of(MAX_SHED_BATCHES)) {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// Receives ready datagrams, answers cached questions, and hands the rest to `miss`.
fn serve_batch<N: Network>(
    service: &Service<N>,
    (socket, access, asked): (&Datagrams, AccessList, Option<IpAddr>),
    batch: &mut Batch,
    shed: &mut Shed,
    mut miss: impl FnMut(Box<Miss>, Peer),
) {
    // The kernel reports clients that went away; the socket stays good.
    if socket.receive(batch).is_err() {
        return;
    }
    let many = batch.is_full();
    if many {
        let (long, most) = socket.queue();
        shed.note_queue(long, most);
    } else {
        shed.note_empty();
    }
    let clock = service.clock();
    let handle = service.handler(clock);
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
        let client = Client::new(peer.address.ip(), Transport::Udp).within(access);
        let client = client.asking(peer.ours.or(asked));
        match handle(service, packet, client, clock, reply) {
            Handled::Reply(_) => {}
            Handled::Nothing(_) => reply.clear(),
            Handled::Miss(missed) => {
                reply.clear();
                miss(missed, peer);
            }
        }
    }
    for _ in 0..socket.send(batch) {
        service.count(Counter::ClientSendErrors);
    }
    service.flush_events();
}

/// Whether a service at this port answers anything (echo, daytime, quote of the day, chargen, time): such a service
/// and a DNS server would answer each other for ever. Nothing is sent from port 0.
pub(super) fn answers_anything(port: u16) -> bool {
    matches!(port, 0 | 7 | 13 | 17 | 19 | 37)
}

/// Copies the queries and responses of a batch.
fn copy_batch(tap: &MessageTap, batch: &mut Batch, bound: Option<SocketAddr>) {
    for slot in batch.received() {
        let (query, peer, response) = slot.parts();
        let ends = ClientEnds::of_datagram(peer.address, peer.ours, bound);
        tap.put_client_query(ends, query);
        if !response.is_empty() {
            tap.put_client_response(ends, response);
        }
    }
}

/// A response to a miss on the way out.
type OutgoingReply = ((Vec<u8>, Peer), AtWork);

async fn recurse<N: Network>(
    miss: HandedMiss<N>,
    peer: Peer,
    (replies, bound): (mpsc::Sender<OutgoingReply>, Option<SocketAddr>),
    at_work: AtWork,
) {
    let service = miss.service();
    let Some(reply) = miss.recurse().await else { return };
    if let Some(tap) = service.tap() {
        let ends = ClientEnds::of_datagram(peer.address, peer.ours, bound);
        tap.put_client_response(ends, &reply);
    }
    hand_over(&service, &replies, ((reply, peer), at_work));
}

/// Queues a response, if there is room.
fn hand_over<N: Network>(
    service: &Service<N>,
    replies: &mpsc::Sender<OutgoingReply>,
    outgoing: OutgoingReply,
) {
    if replies.try_send(outgoing).is_err() {
        service.count(Counter::ClientSendErrors);
    }
}

/// Sends the responses to misses, with one call for every ready response.
async fn deliver<N: Network>(
    current: Current<N>,
    socket: Arc<Datagrams>,
    mut ready: mpsc::Receiver<OutgoingReply>,
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
    async fn responses_beyond_the_queue_are_dropped_and_counted() {
        let service = Configured::new(Config::default()).unwrap().service();
        let unsent = || service.worker().counters().get(Counter::ClientSendErrors);
        let (replies, mut ready) = mpsc::channel(MAX_UNSENT);
        let to = Peer { address: "127.0.0.1:53".parse().unwrap(), ours: None };
        for _ in 0..MAX_UNSENT {
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
