//! Sockets with a record of the end of each exchange.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use zoners_bench::{ExchangeEnd, UpstreamExchange};
use zoners_dns::{ConnectionState, Endpoint, Exchange, ExchangeEvent, Network, Transport};
use zoners_net::Sockets;

/// A query waited for as long as this counts as lost, not as abandoned.
const WAITED: Duration = Duration::from_secs(1);
/// The most exchanges recorded for a run.
const MOST_EXCHANGES: usize = 2_000_000;

/// A network with a record of the end of each exchange, even without a waiting question.
pub(super) struct WatchedSockets {
    sockets: Sockets,
    seen: Arc<Mutex<Vec<UpstreamExchange>>>,
}

impl WatchedSockets {
    /// A network without a record yet.
    pub(super) fn new(sockets: Sockets) -> Self {
        WatchedSockets { sockets, seen: Arc::default() }
    }

    /// The exchanges that have ended.
    pub(super) fn seen(&self) -> Vec<UpstreamExchange> {
        locked(&self.seen).clone()
    }
}

impl Network for WatchedSockets {
    type Exchange = WatchedExchange;
    type Room = <Sockets as Network>::Room;

    fn room(&self, to: Endpoint) -> Option<Self::Room> {
        self.sockets.room(to)
    }

    fn wait_for_room(&self, to: Endpoint) -> impl Future<Output = Self::Room> + Send {
        self.sockets.wait_for_room(to)
    }

    fn is_short(&self) -> bool {
        self.sockets.is_short()
    }

    fn connection_state(&self, to: Endpoint) -> ConnectionState {
        self.sockets.connection_state(to)
    }

    fn exchange(&self, to: Endpoint, query: Bytes, room: Option<Self::Room>) -> WatchedExchange {
        WatchedExchange {
            exchange: self.sockets.exchange(to, query, room),
            to: to.address,
            transport: to.transport,
            since: Instant::now(),
            end: None,
            seen: self.seen.clone(),
        }
    }
}

/// An exchange whose end is recorded.
pub(super) struct WatchedExchange {
    exchange: <Sockets as Network>::Exchange,
    to: SocketAddr,
    transport: Transport,
    since: Instant,
    /// The first event, and its time.
    end: Option<(ExchangeEnd, Duration)>,
    seen: Arc<Mutex<Vec<UpstreamExchange>>>,
}

impl Exchange for WatchedExchange {
    async fn receive(&mut self) -> ExchangeEvent {
        let outcome = self.exchange.receive().await;
        let end = match (&outcome, self.transport) {
            (ExchangeEvent::Message(_), Transport::Udp) => ExchangeEnd::Reply,
            (ExchangeEvent::Message(_), _) => ExchangeEnd::StreamReply,
            (ExchangeEvent::Advisory(_) | ExchangeEvent::Failed(_), _) => ExchangeEnd::Refused,
        };
        self.end.get_or_insert_with(|| (end, self.since.elapsed()));
        outcome
    }

    fn resend(&mut self, query: Bytes) {
        self.exchange.resend(query);
    }

    fn doubt(&mut self) -> bool {
        self.exchange.doubt()
    }
}

impl Drop for WatchedExchange {
    fn drop(&mut self) {
        let (end, took) = self.end.unwrap_or_else(|| {
            let took = self.since.elapsed();
            let end = if took >= WAITED { ExchangeEnd::Lost } else { ExchangeEnd::Left };
            (end, took)
        });
        let mut seen = locked(&self.seen);
        if seen.len() < MOST_EXCHANGES {
            seen.push(UpstreamExchange { address: self.to.ip().to_string(), took, end });
        }
    }
}

/// The content of a lock, which is intact even after a panic.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
