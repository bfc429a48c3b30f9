//! Copies of messages for a reader of dnstap.
//!
//! A thread that has a message composes the frame and leaves it in a queue of bounded size; one thread carries frames to
//! the reader ([`crate::daemon`]). No thread waits for the reader: where the queue is full, or the reader is gone, frames
//! are lost and counted.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::{Condvar, Mutex, RwLock};
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

/// Takes copies of messages, if the configuration in force wants copies. All workers share one, over reloads too.
#[derive(Debug, Default)]
pub(crate) struct MessageTap {
    sender: RwLock<DnstapSender>,
    clients: AtomicBool,
    resolver: AtomicBool,
    queue: Mutex<FrameQueue>,
    /// Notified of the first frame in the queue, and of the end.
    changed: Condvar,
    /// Changed under the lock of the queue.
    counters: Counters,
}

#[derive(Debug, Default)]
struct FrameQueue {
    waiting: WaitingFrames,
    /// The present thread of the frames: an earlier thread may be stuck at its reader.
    carrier: TapCarrier,
    has_ended: bool,
}

/// The number of a thread that carries frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TapCarrier(u64);

/// Frames with their lengths in front.
#[derive(Debug, Default)]
pub(crate) struct WaitingFrames {
    pub(crate) octets: Vec<u8>,
    pub(crate) frames: u64,
}

/// The next work of the thread of the frames.
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
    /// Takes the messages that a configuration wants from now on.
    pub(crate) fn turn_to(&self, config: &DnstapConfig) {
        let version = concat!("zoners ", env!("CARGO_PKG_VERSION")).to_owned();
        let identity = config.identity.clone().unwrap_or_default();
        *self.sender.write() = DnstapSender { identity, version };
        let wants = |messages| config.to.is_some() && config.messages.contains(&messages);
        self.clients.store(wants(TappedMessages::Client), Ordering::Relaxed);
        self.resolver.store(wants(TappedMessages::Resolver), Ordering::Relaxed);
    }

    /// Whether messages of clients are wanted.
    pub(crate) fn taps_clients(&self) -> bool {
        self.clients.load(Ordering::Relaxed)
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
        let frame = self.sender.read().octets(message);
        let mut queue = self.queue.lock();
        let has_ended = queue.has_ended;
        let waiting = &mut queue.waiting;
        if has_ended || waiting.octets.len() + frame.len() > MAX_QUEUE_OCTETS {
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

    /// Another thread carries frames from now on.
    pub(crate) fn begin(&self) -> TapCarrier {
        let mut queue = self.queue.lock();
        queue.carrier.0 += 1;
        queue.has_ended = false;
        queue.carrier
    }

    /// Waits for frames to be carried by this thread, at most for `time`.
    pub(crate) fn next_work(&self, carrier: TapCarrier, time: Duration) -> TapWork {
        let mut queue = self.queue.lock();
        let has_work = |queue: &FrameQueue| {
            queue.waiting.frames > 0 || queue.has_ended || queue.carrier != carrier
        };
        if !has_work(&queue) {
            self.changed.wait_for(&mut queue, time);
        }
        if queue.carrier != carrier {
            return TapWork::End;
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

    /// Ends the thread of the frames, once the waiting frames are carried. Later frames are lost.
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
        Transport::Quic => DnstapProtocol::Doq,
    }
}

/// The messages between the resolver and servers.
impl UpstreamObserver for MessageTap {
    fn observes(&self) -> bool {
        self.resolver.load(Ordering::Relaxed)
    }

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
    use crate::config::DnstapTarget;

    fn ends() -> ClientEnds {
        let bound = "0.0.0.0:53".parse().ok();
        ClientEnds::of_datagram("192.0.2.7:4000".parse().unwrap(), "192.0.2.1".parse().ok(), bound)
    }

    #[test]
    fn frames_wait_for_the_reader_up_to_a_limit_and_further_ones_are_counted() {
        let tap = MessageTap::default();
        let carrier = tap.begin();
        assert_eq!(ends().server, "192.0.2.1:53".parse().ok());
        tap.put_client_query(ends(), b"query");
        let TapWork::Frames(first) = tap.next_work(carrier, Duration::ZERO) else {
            panic!("a frame")
        };
        assert_eq!(first.frames, 1);
        let length = u32::from_be_bytes(first.octets[..4].try_into().unwrap()) as usize;
        assert_eq!(first.octets.len(), 4 + length);
        let large = vec![0; 60_000];
        (0..100).for_each(|_| tap.put_client_response(ends(), &large));
        let lost = tap.counters().get(Counter::DnstapLost);
        let TapWork::Frames(waiting) = tap.next_work(carrier, Duration::ZERO) else {
            panic!("frames")
        };
        assert!(lost > 0 && waiting.octets.len() <= MAX_QUEUE_OCTETS + 4 * 100);
        assert_eq!(waiting.frames + lost, 100);
    }

    #[test]
    fn the_end_comes_after_the_last_frame() {
        let tap = MessageTap::default();
        let carrier = tap.begin();
        let next = || tap.next_work(carrier, Duration::ZERO);
        assert!(matches!(next(), TapWork::Nothing));
        tap.put_client_query(ends(), b"query");
        tap.end();
        assert!(matches!(next(), TapWork::Frames(_)));
        assert!(matches!(next(), TapWork::End));
        tap.put_client_query(ends(), b"query");
        tap.discard();
        assert_eq!(tap.counters().get(Counter::DnstapLost), 1);
    }

    #[test]
    fn an_earlier_thread_gets_no_frame_of_the_next() {
        let tap = MessageTap::default();
        let earlier = tap.begin();
        tap.end();
        let carrier = tap.begin();
        tap.put_client_query(ends(), b"query");
        assert!(matches!(tap.next_work(earlier, Duration::ZERO), TapWork::End));
        assert!(matches!(tap.next_work(carrier, Duration::ZERO), TapWork::Frames(_)));
        assert!(matches!(tap.next_work(carrier, Duration::ZERO), TapWork::Nothing));
    }

    #[test]
    fn a_configuration_chooses_the_messages() {
        let tap = MessageTap::default();
        let wants = |to: Option<&str>, messages: &[TappedMessages]| {
            let to = to.map(|to| DnstapTarget::Unix(to.into()));
            let messages = messages.to_vec();
            tap.turn_to(&DnstapConfig { to, messages, identity: None });
            (tap.taps_clients(), tap.observes())
        };
        let (client, resolver) = (TappedMessages::Client, TappedMessages::Resolver);
        assert_eq!(wants(Some("/run/tap"), &[client, resolver]), (true, true));
        assert_eq!(wants(Some("/run/tap"), &[resolver]), (false, true));
        assert_eq!(wants(Some("/run/tap"), &[client]), (true, false));
        assert_eq!(wants(None, &[client, resolver]), (false, false));
    }
}
