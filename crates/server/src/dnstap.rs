//! Copies of messages for a reader of dnstap.
//!
//! A thread that has a message composes the frame and leaves it in a queue of bounded size; one thread carries frames to
//! the reader ([`crate::daemon`]). No thread waits for the reader: where the queue is full, or the reader is gone, frames
//! are lost and counted.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use parking_lot::{Condvar, Mutex};
use zoners_dns::{Counter, Counters, Endpoint, Transport};
use zoners_net::UpstreamObserver;
use zoners_telemetry::dnstap::frames::length_in_front;
use zoners_telemetry::dnstap::{DnstapKind, DnstapMessage, DnstapProtocol, DnstapSender};

use crate::config::{DnstapConfig, TappedMessages};

/// Octets that wait for the reader: some ten thousand messages.
const MAX_QUEUE_OCTETS: usize = 4 << 20;

/// The ends of a conversation with a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientEnds {
    pub(crate) client: SocketAddr,
    /// The served address, if known.
    pub(crate) server: Option<SocketAddr>,
    pub(crate) transport: Transport,
}

/// Takes copies of messages. All workers share one.
#[derive(Debug)]
pub(crate) struct MessageTap {
    sender: DnstapSender,
    clients: bool,
    resolver: bool,
    queue: Mutex<FrameQueue>,
    /// Notified of the first frame in the queue, and of the end.
    changed: Condvar,
    /// Changed under the lock of the queue.
    counters: Counters,
}

#[derive(Debug, Default)]
struct FrameQueue {
    waiting: WaitingFrames,
    has_ended: bool,
}

/// Frames with their lengths in front.
#[derive(Debug, Default)]
pub(crate) struct WaitingFrames {
    pub(crate) octets: Vec<u8>,
    pub(crate) frames: u64,
}

/// What the thread that carries frames has to do.
#[derive(Debug)]
pub(crate) enum TapWork {
    /// Carry these frames.
    Frames(WaitingFrames),
    /// There was nothing for the time.
    Nothing,
    /// No frame will come.
    End,
}

impl MessageTap {
    /// A tap for the messages of a configuration.
    pub(crate) fn new(config: &DnstapConfig) -> Self {
        let version = concat!("zoners ", env!("CARGO_PKG_VERSION")).to_owned();
        MessageTap {
            sender: DnstapSender { identity: config.identity.clone().unwrap_or_default(), version },
            clients: config.messages.contains(&TappedMessages::Client),
            resolver: config.messages.contains(&TappedMessages::Resolver),
            queue: Mutex::default(),
            changed: Condvar::new(),
            counters: Counters::default(),
        }
    }

    /// Whether messages of clients are wanted.
    pub(crate) fn taps_clients(&self) -> bool {
        self.clients
    }

    /// Whether messages of servers are wanted.
    pub(crate) fn taps_resolver(&self) -> bool {
        self.resolver
    }

    /// Copies a query of a client.
    pub(crate) fn put_client_query(&self, ends: ClientEnds, query: &[u8]) {
        self.put_of_client(DnstapKind::ClientQuery, ends, query);
    }

    /// Copies a response to a client.
    pub(crate) fn put_client_response(&self, ends: ClientEnds, response: &[u8]) {
        self.put_of_client(DnstapKind::ClientResponse, ends, response);
    }

    fn put_of_client(&self, kind: DnstapKind, ends: ClientEnds, octets: &[u8]) {
        self.put(&DnstapMessage {
            kind,
            protocol: protocol(ends.transport),
            query_from: Some(ends.client),
            query_to: ends.server,
            at: SystemTime::now(),
            octets,
        });
    }

    fn put_of_resolver(&self, kind: DnstapKind, server: Endpoint, octets: &[u8]) {
        self.put(&DnstapMessage {
            kind,
            protocol: protocol(server.transport),
            query_from: None,
            query_to: Some(server.address),
            at: SystemTime::now(),
            octets,
        });
    }

    fn put(&self, message: &DnstapMessage<'_>) {
        let frame = self.sender.octets(message);
        let mut queue = self.queue.lock();
        let waiting = &mut queue.waiting;
        if waiting.octets.len() + frame.len() > MAX_QUEUE_OCTETS {
            self.counters.count(Counter::DnstapLost);
            return;
        }
        waiting.octets.extend(length_in_front(&frame));
        waiting.octets.extend(&frame);
        waiting.frames += 1;
        if waiting.frames == 1 {
            self.changed.notify_one();
        }
    }

    /// Waits for frames, at most for `time`.
    pub(crate) fn next_work(&self, time: Duration) -> TapWork {
        let mut queue = self.queue.lock();
        if queue.waiting.frames == 0 && !queue.has_ended {
            self.changed.wait_for(&mut queue, time);
        }
        let waiting = std::mem::take(&mut queue.waiting);
        match (waiting.frames, queue.has_ended) {
            (0, true) => TapWork::End,
            (0, false) => TapWork::Nothing,
            _ => TapWork::Frames(waiting),
        }
    }

    /// Discards waiting frames, for which there is no reader.
    pub(crate) fn discard(&self) {
        let waiting = std::mem::take(&mut self.queue.lock().waiting);
        self.count(Counter::DnstapLost, waiting.frames);
    }

    /// Counts frames that the reader got, or that were lost on the way.
    pub(crate) fn count(&self, counter: Counter, frames: u64) {
        let _writing = self.queue.lock();
        self.counters.add(counter, frames);
    }

    /// Ends the thread that carries frames, once it has carried the waiting ones.
    pub(crate) fn end(&self) {
        self.queue.lock().has_ended = true;
        self.changed.notify_one();
    }

    /// Frames written and lost.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }
}

/// The transport in the words of dnstap.
fn protocol(transport: Transport) -> DnstapProtocol {
    match transport {
        Transport::Udp => DnstapProtocol::Udp,
        Transport::Tcp => DnstapProtocol::Tcp,
        Transport::Tls => DnstapProtocol::Dot,
        Transport::Https => DnstapProtocol::Doh,
    }
}

/// The messages between the resolver and servers.
impl UpstreamObserver for MessageTap {
    fn sent(&self, to: Endpoint, query: &[u8]) {
        self.put_of_resolver(DnstapKind::ResolverQuery, to, query);
    }

    fn received(&self, from: Endpoint, message: &[u8]) {
        self.put_of_resolver(DnstapKind::ResolverResponse, from, message);
    }
}

impl ClientEnds {
    /// The ends of a datagram; `bound` is the address of the socket, which may be a wildcard.
    pub(crate) fn of_datagram(
        client: SocketAddr,
        to: Option<IpAddr>,
        bound: Option<SocketAddr>,
    ) -> Self {
        let server = bound.map(|bound| match to {
            Some(to) => SocketAddr::new(to, bound.port()),
            None => bound,
        });
        ClientEnds { client, server, transport: Transport::Udp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> ClientEnds {
        let bound = "0.0.0.0:53".parse().ok();
        ClientEnds::of_datagram("192.0.2.7:4000".parse().unwrap(), "192.0.2.1".parse().ok(), bound)
    }

    #[test]
    fn frames_wait_for_the_reader_up_to_a_limit_and_further_ones_are_counted() {
        let tap = MessageTap::new(&DnstapConfig::default());
        assert_eq!(ends().server, "192.0.2.1:53".parse().ok());
        tap.put_client_query(ends(), b"query");
        let TapWork::Frames(first) = tap.next_work(Duration::ZERO) else { panic!("a frame") };
        assert_eq!(first.frames, 1);
        let length = u32::from_be_bytes(first.octets[..4].try_into().unwrap()) as usize;
        assert_eq!(first.octets.len(), 4 + length);
        let large = vec![0; 60_000];
        (0..100).for_each(|_| tap.put_client_response(ends(), &large));
        let lost = tap.counters().get(Counter::DnstapLost);
        let TapWork::Frames(waiting) = tap.next_work(Duration::ZERO) else { panic!("frames") };
        assert!(lost > 0 && waiting.octets.len() <= MAX_QUEUE_OCTETS + 4 * 100);
        assert_eq!(waiting.frames + lost, 100);
    }

    #[test]
    fn the_end_comes_after_the_last_frame() {
        let tap = MessageTap::new(&DnstapConfig::default());
        assert!(matches!(tap.next_work(Duration::ZERO), TapWork::Nothing));
        tap.put_client_query(ends(), b"query");
        tap.end();
        assert!(matches!(tap.next_work(Duration::ZERO), TapWork::Frames(_)));
        assert!(matches!(tap.next_work(Duration::ZERO), TapWork::End));
        tap.put_client_query(ends(), b"query");
        tap.discard();
        assert_eq!(tap.counters().get(Counter::DnstapLost), 1);
    }
}
