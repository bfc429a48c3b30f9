//! The connections of `net::quic` on one thread with a fixed answer: what Zoners' own driver of QUIC costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;
use zoners_encrypted::{Outcome, arguments, framed_answer, run, server_tls};
use zoners_net::datagrams::{Batch, Datagrams};
use zoners_net::listen::{Terms, udp};
use zoners_net::quic::{Asked, Outbox, QuicServer, QuicTerms, Reception};

/// A server without connections waits for this time.
const IDLE: Duration = Duration::from_secs(3600);

fn main() -> Outcome<()> {
    run(serve())
}

async fn serve() -> Outcome<()> {
    let (address, chain, key) = arguments()?;
    let tls = Arc::new(server_tls(&chain, &key, "doq")?);
    let socket = Datagrams::new(udp(address, Terms::default())?)?;
    let mut server = QuicServer::new(QuicTerms::new(tls, 1)?);
    let (mut batch, mut outbox, mut reply) = (Batch::new(), Outbox::default(), Vec::new());
    loop {
        let deadline = server.deadline().unwrap_or_else(|| Instant::now() + IDLE);
        tokio::select! {
            biased;
            readable = socket.readable() => readable?,
            () = sleep_until(deadline.into()) => {}
        }
        let now = Instant::now();
        let _ = socket.receive(&mut batch);
        for slot in batch.received() {
            let (datagram, peer, _) = slot.parts();
            server.receive(now, peer, datagram, |_| Reception::Served, &mut outbox);
        }
        server.expire(now);
        server.read(now);
        while let Some(query) = server.next_query() {
            reply.clear();
            let Asked::Message(message) = &query.asked else { continue };
            framed_answer(message, &mut reply);
            server.answer(query.stream, &reply);
        }
        server.transmit(now, &mut outbox);
        socket.send_all(outbox.datagrams());
        outbox.clear();
        server.counted().for_each(drop);
    }
}
