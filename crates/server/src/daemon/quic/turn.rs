//! A turn: datagrams in, queries answered, datagrams out.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use zoners_dns::{ClockReading, Counter, Network, Transport};
use zoners_net::datagrams::{Batch, Datagrams};
use zoners_net::quic::{Asked, CloseCode, QuicQuery, QuicServer, QuicStream, Reception};
use zoners_net::stream;

use super::http3::{Asking, LateAnswer};
use super::{LateReply, QuicWork};
use crate::client::Client;
use crate::daemon::at_work::AtWork;
use crate::daemon::udp::answers_anything;
use crate::dnstap::ClientEnds;
use crate::pipeline::handed_miss::HandedMiss;
use crate::pipeline::{Handled, Service};

impl QuicWork {
    /// Takes the datagrams that lie ready, if any are read, and late responses; answers what can be answered at once,
    /// and sends. True if there was a query.
    pub(super) fn turn<N: Network>(
        &mut self,
        service: &Arc<Service<N>>,
        socket: &Datagrams,
        batch: Option<&mut Batch>,
        late: &mut Vec<LateReply>,
        at_work: &AtWork,
    ) -> bool {
        let (now, clock) = (Instant::now(), service.clock());
        if let Some(batch) = batch {
            self.receive(service, socket, batch, (now, clock));
        }
        self.server.expire(now);
        self.server.read(now);
        let asked = self.answer_ready(service, clock, at_work);
        self.drop_cancelled();
        // The responses are on their way before their tokens are gone.
        let _at_work: Vec<AtWork> = late.drain(..).map(|reply| self.answer_late(reply)).collect();
        self.send(service, socket, now);
        if self.leaving {
            self.server.close_idle(now);
            self.send(service, socket, now);
        }
        asked
    }

    /// Takes the datagrams that lie ready.
    fn receive<N: Network>(
        &mut self,
        service: &Service<N>,
        socket: &Datagrams,
        batch: &mut Batch,
        (now, clock): (Instant, ClockReading),
    ) {
        // The kernel reports clients that went away; the socket stays good.
        let _ = socket.receive(batch);
        // What a client will speak is not known yet.
        let doq = self.spoken.doq.then_some((Transport::Quic, self.access));
        let http3 = self.http3.as_ref().map(|http3| (Transport::Https, http3.access));
        let (leaving, rules) = (self.leaving || self.tls.is_none(), service.rules());
        let receives = |address| {
            let ways = [doq, http3].into_iter().flatten();
            let mut clients = ways.map(|(way, access)| Client::new(address, way).within(access));
            let first = if leaving { None } else { clients.next() };
            let Some(first) = first else { return Reception::Unheard };
            match clients.any(|client| rules.serves(&client)) {
                true => Reception::Served,
                false => rules.reception(&first, clock),
            }
        };
        for slot in batch.received() {
            let (datagram, peer, _) = slot.parts();
            match answers_anything(peer.address.port()) {
                true => service.ignored(),
                false => self.server.receive(now, peer, datagram, receives, &mut self.outbox),
            }
        }
    }

    /// Takes received queries through the stages before recursion; true if there was one.
    fn answer_ready<N: Network>(
        &mut self,
        service: &Arc<Service<N>>,
        clock: ClockReading,
        at_work: &AtWork,
    ) -> bool {
        let Some(first) = self.server.next_query() else { return false };
        let before = service.outcome_counts();
        let (mut next, mut requests) = (Some(first), Vec::new());
        while let Some(query) = next {
            match query {
                QuicQuery {
                    asked: Asked::Request(request),
                    stream,
                    client,
                    ours,
                    client_names,
                    ..
                } => {
                    let client = (client, client_names);
                    requests.push(Asking { stream, request, client, ours });
                }
                QuicQuery { asked: Asked::Message(ref octets), .. } => {
                    self.handle(service, (&query, octets), clock, at_work);
                }
            }
            next = self.server.next_query();
        }
        service.note_immediate(Transport::Quic, &before);
        // The site notes its queries alone.
        requests.into_iter().for_each(|asking| self.handle_request(asking, at_work));
        true
    }

    /// Answers a query, or begins a recursion.
    fn handle<N: Network>(
        &mut self,
        service: &Arc<Service<N>>,
        (query, octets): (&QuicQuery, &[u8]),
        clock: ClockReading,
        at_work: &AtWork,
    ) {
        let client = Client::new(query.client.ip(), Transport::Quic).within(self.access);
        let identity = match self.tls.as_ref().is_some_and(|tls| tls.asks_clients()) {
            true => service.rules().certified_identity(&query.client_names),
            false => service.rules().identity(query.server_name.as_deref()),
        };
        let asked = query.ours.or(self.bound.map(|bound| bound.ip()));
        let asked = asked.filter(|ip| !ip.is_unspecified());
        let client = client.known_as(identity).asking(asked);
        let ends = ClientEnds::of_datagram(query.client, query.ours, self.bound);
        let ends = ClientEnds { transport: Transport::Quic, ..ends };
        let handle = service.handler(clock);
        let handled = handle(service, octets, client, clock, &mut self.reply);
        if let Some(tap) = service.tap() {
            tap.put_client_query(ends, octets);
            if matches!(handled, Handled::Reply(_)) {
                tap.put_client_response(ends, &self.reply);
            }
        }
        match handled {
            Handled::Reply(_) => {
                respond(&mut self.server, query.stream, Some(&self.reply), &mut self.framed);
            }
            Handled::Nothing(_) => respond(&mut self.server, query.stream, None, &mut self.framed),
            Handled::Miss(miss) => {
                let way = (self.replies.clone(), at_work.clone());
                let handed = HandedMiss::new(service.clone(), miss);
                let recursion = recurse(handed, query.stream, ends, way);
                // Boxed, since spawning copies a future five times.
                let recursion = tokio::spawn(Box::pin(recursion));
                self.recursions.insert(query.stream, recursion.abort_handle());
            }
        }
    }

    /// Frees the queries whose clients want no response any more. A recursion that others wait for goes on.
    fn drop_cancelled(&mut self) {
        while let Some(stream) = self.server.next_cancelled() {
            if let Some(recursion) = self.recursions.remove(&stream) {
                recursion.abort();
            }
        }
    }

    /// Answers a query whose recursion has ended.
    fn answer_late(&mut self, (stream, answer, at_work): LateReply) -> AtWork {
        self.recursions.remove(&stream);
        match answer {
            LateAnswer::Stream(octets) => self.server.answer(stream, &octets),
            LateAnswer::Message(reply) => {
                respond(&mut self.server, stream, reply.as_deref(), &mut self.framed);
            }
        }
        at_work
    }

    /// Sends what the connections have to send.
    fn send<N: Network>(&mut self, service: &Service<N>, socket: &Datagrams, now: Instant) {
        self.server.transmit(now, &mut self.outbox);
        for _ in 0..socket.send_all(self.outbox.datagrams()) {
            service.count(Counter::ClientSendErrors);
        }
        self.outbox.clear();
        self.server.counted().for_each(|counter| service.count(counter));
    }
}

/// Puts a response on the stream of its query. Without a response, the stream is reset with DOQ_EXCESSIVE_LOAD, and if
/// the response is no message of a stream, with DOQ_INTERNAL_ERROR (RFC 9250 section 4.3).
fn respond(
    server: &mut QuicServer,
    stream: QuicStream,
    response: Option<&[u8]>,
    framed: &mut Vec<u8>,
) {
    framed.clear();
    match response {
        Some(response) if stream::put_message(framed, response) => server.answer(stream, framed),
        Some(_) => server.give_up(stream, CloseCode::InternalError),
        None => server.give_up(stream, CloseCode::ExcessiveLoad),
    }
}

/// Takes a miss through recursion, and hands the response on.
async fn recurse<N: Network>(
    miss: HandedMiss<N>,
    stream: QuicStream,
    ends: ClientEnds,
    (replies, at_work): (mpsc::Sender<LateReply>, AtWork),
) {
    let service = miss.service();
    let reply = miss.recurse().await;
    if let (Some(tap), Some(reply)) = (service.tap(), &reply) {
        tap.put_client_response(ends, reply);
    }
    let _ = replies.send((stream, LateAnswer::Message(reply), at_work)).await;
}
