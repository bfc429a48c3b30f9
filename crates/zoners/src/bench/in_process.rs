//! A resolver in this process with visible hops.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use zoners_bench::target::Telling;
use zoners_bench::{AnswerHop, Came, ExchangeEnd, Part, QuestionOutcome, Target, TargetAnswer};
use zoners_dns::{
    Endpoint, Exchange, ExchangeEvent, Name, Network, Question, Random, Rtype, Transport, name,
};
use zoners_net::Sockets;
use zoners_resolver::Fault;
use zoners_resolver::{TimedHop, Trace};
use zoners_server::Config;
use zoners_server::daemon::Configured;
use zoners_server::pipeline::Service;

/// A query waited for as long as this counts as lost, not as abandoned.
const WAITED: Duration = Duration::from_secs(1);
/// The most exchanges recorded for a run.
const MOST_EXCHANGES: usize = 2_000_000;

/// A resolver that recurses from the root.
pub(super) struct InProcessTarget {
    config: Config,
    sockets: Arc<Watched>,
    service: Mutex<Service<Arc<Watched>>>,
}

impl InProcessTarget {
    /// A target with the configuration `config`.
    pub(super) fn new(config: Config) -> Result<Self, String> {
        let random = Random::from_system().map_err(|error| error.to_string())?;
        let sources = config.resolver.source_addresses.clone();
        let sockets = Arc::new(Watched {
            sockets: Sockets::with_sources(random, sources),
            seen: Arc::default(),
        });
        let configured = Configured::new(config.clone()).map_err(|error| error.to_string())?;
        let service = configured.service_over(sockets.clone());
        Ok(InProcessTarget { config, sockets, service: Mutex::new(service) })
    }
}

impl Target for InProcessTarget {
    fn label(&self) -> &'static str {
        "in process"
    }

    fn ask(&self, question: &Question) -> Telling {
        let worker = locked(&self.service).worker().clone();
        let question = question.clone();
        Box::pin(async move {
            let trace = Arc::new(Trace::default());
            let ending = match worker.resolve(&question, Some(trace.clone())).await {
                Ok(_) => QuestionOutcome::Answered,
                Err(unresolved) => QuestionOutcome::Failed {
                    rcode: "SERVFAIL".into(),
                    ede: Some(unresolved.ede.code.0),
                },
            };
            TargetAnswer { ending, hops: trace.steps().iter().filter_map(hop).collect() }
        })
    }

    fn forget(&self) -> bool {
        // The configuration was valid at the start of the run.
        let Ok(configured) = Configured::new(self.config.clone()) else { return false };
        *locked(&self.service) = configured.service_over(self.sockets.clone());
        true
    }

    fn exchanges(&self) -> Vec<zoners_bench::UpstreamExchange> {
        locked(&self.sockets.seen).clone()
    }
}

/// A step of the resolver, in the words of the measurement.
fn hop(step: &TimedHop) -> Option<AnswerHop> {
    let micros = |duration: Duration| duration.as_micros() as u64;
    let (zone, question, took) = match &step.hop {
        zoners_resolver::Hop::Asked { zone, question, took, .. }
        | zoners_resolver::Hop::Waited { zone, question, took } => (zone, question, *took),
        zoners_resolver::Hop::Note(_) => return None,
    };
    let (server, address, came) = match &step.hop {
        zoners_resolver::Hop::Asked { server, endpoint, outcome, .. } => {
            let came = match outcome {
                Some(Ok(_)) => Came::Answer,
                Some(Err(Fault::Timeout)) => Came::Silence,
                Some(Err(_)) => Came::Nonsense,
                None => Came::Outpaced,
            };
            (server.fmt_with_dot().to_string(), endpoint.address.ip().to_string(), came)
        }
        _ => (String::new(), String::new(), Came::Shared),
    };
    Some(AnswerHop {
        part: part(zone, question, step.depth),
        zone: zone.fmt_with_dot().to_string(),
        server,
        address,
        until_us: micros(step.at),
        took_us: micros(took),
        came,
    })
}

/// The purpose of a question to the servers of `zone`.
fn part(zone: &Name, question: &Question, depth: u8) -> Part {
    match name::depth(zone) {
        _ if matches!(question.rtype, Rtype::DNSKEY | Rtype::DS) => Part::Keys,
        _ if depth > 0 => Part::Address,
        0 => Part::Root,
        1 => Part::TopLevel,
        _ => Part::Provider,
    }
}

/// A network with a record of the end of each exchange, even without a waiting question.
struct Watched {
    sockets: Sockets,
    seen: Arc<Mutex<Vec<zoners_bench::UpstreamExchange>>>,
}

impl Network for Watched {
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

struct WatchedExchange {
    exchange: <Sockets as Network>::Exchange,
    to: SocketAddr,
    transport: Transport,
    since: Instant,
    /// The first event, and its time.
    end: Option<(ExchangeEnd, Duration)>,
    seen: Arc<Mutex<Vec<zoners_bench::UpstreamExchange>>>,
}

impl Exchange for WatchedExchange {
    async fn receive(&mut self) -> ExchangeEvent {
        let outcome = self.exchange.receive().await;
        let end = match (&outcome, self.transport) {
            (ExchangeEvent::Message(_), Transport::Udp) => ExchangeEnd::Reply,
            (ExchangeEvent::Message(_), Transport::Tcp) => ExchangeEnd::StreamReply,
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
            seen.push(zoners_bench::UpstreamExchange {
                address: self.to.ip().to_string(),
                took,
                end,
            });
        }
    }
}

/// The content of a lock, which is intact even after a panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
