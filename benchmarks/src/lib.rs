//! A resolver with nothing around it: no socket, no other process, no line. What is left is its own
//! work, which can be counted.

pub mod lab_internet;
mod near;

use std::sync::Arc;

use tokio::task::JoinSet;
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{
    Clock, ClockReading, Counter, Counters, Delegation, Moment, Question, Random, Rtype, Transport,
    name, zonefile,
};
use zoners_dnssec::chain::Ds;
use zoners_resolver::Anchor;
use zoners_resolver::{Resolver, Settings, Shared};
use zoners_server::events::{EventFilter, EventReader};
use zoners_server::pipeline::{Cookies, Handled, Miss, Rules};
use zoners_server::{Client, Config, Service};
use zoners_sim::sign::Signing;
use zoners_sim::{SimNetwork, world};

use near::Near;

/// Queries that are under way together, as in a batch of the daemon.
const TOGETHER: usize = 64;

/// The signatures of the simulated Internet are in date then: 2026-11-23.
const WALL: u64 = 1_795_392_000;

/// A service of one worker on a small Internet that is signed but for `plain.com`, whose one server
/// is near by and has an address for every name.
#[derive(Debug)]
pub struct BenchService {
    service: Arc<Service<Near>>,
    clock: ClockReading,
}

/// A clock that stands still: what is measured takes no time that TTLs would notice.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Moment {
        Moment::from_millis(1_000)
    }

    fn wall_seconds(&self) -> u64 {
        WALL
    }
}

impl BenchService {
    /// Sets up the Internet, with `signed` names in the signed zone `example.com`, and a resolver
    /// that may keep `bytes` octets.
    ///
    /// # Panics
    /// The Internet is ill-made.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a bench that is wrong must say so")]
    pub fn new(signed: usize, bytes: usize) -> Self {
        let net = world::small(1);
        let anchor = internet(&net, signed);
        let ds = anchor.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
        let hints = zonefile::root_hints(world::HINTS).expect("hints");
        let mut settings = Settings::new(Delegation::from_hints(&hints).expect("servers"));
        settings.anchors = vec![Anchor { zone: name::root(), ds, keys: vec![] }];
        let cache = Cache::new(bytes, TtlLimits::default(), [1, 2]);
        let shared = Shared::new(cache, Arc::new(Still), Random::seeded(1));
        let counters = Arc::new(Counters::default());
        let worker = Resolver::new(shared, Near::beside(net), Arc::new(settings), counters);
        BenchService { service: Arc::new(Service::new(worker, rules())), clock: Still.read() }
    }

    /// Another worker that shares everything with the first.
    ///
    /// # Panics
    /// The configuration is wrong.
    #[must_use]
    pub fn another(&self) -> Self {
        let (worker, counters) = (self.service.worker(), Arc::new(Counters::default()));
        let settings = Arc::new(worker.settings().clone());
        let network = Near::beside(SimNetwork::new(1));
        let another = Resolver::new(worker.shared().clone(), network, settings, counters);
        BenchService { service: Arc::new(Service::new(another, rules())), clock: self.clock }
    }

    /// Takes a packet through the synchronous stages; gives what must be recursed for.
    pub fn handle(&self, packet: &[u8], reply: &mut Vec<u8>) -> Option<Box<Miss>> {
        match self.service.handle(packet, Client::local(Transport::Udp), self.clock, reply) {
            Handled::Miss(miss) => Some(miss),
            Handled::Reply(_) | Handled::Nothing(_) => None,
        }
    }

    /// Asks for the packets of `queries`, some at a time, and waits for all replies.
    ///
    /// # Panics
    /// One is answered with a failure: what is measured is no answer.
    pub async fn ask(&self, queries: impl Iterator<Item = Vec<u8>>) {
        let mut queries = queries.peekable();
        let mut reply = Vec::with_capacity(1500);
        let (handle, client) = (self.service.handler(self.clock), Client::local(Transport::Udp));
        while queries.peek().is_some() {
            let mut misses = JoinSet::new();
            for packet in queries.by_ref().take(TOGETHER) {
                let handled = handle(&self.service, &packet, client, self.clock, &mut reply);
                let Handled::Miss(miss) = handled else { continue };
                let service = self.service.clone();
                misses.spawn(Box::pin(async move { service.recurse(miss, None).await }));
            }
            self.service.flush_events();
            misses.join_all().await;
        }
        assert_eq!(self.count(Counter::ClientServfail), 0, "a failure is no answer");
    }

    /// A reader of the events of all queries, with room for `capacity`: as the query log or the dashboard.
    #[must_use]
    pub fn watched(&self, capacity: usize) -> EventReader {
        self.service.events().attach(capacity, EventFilter::default())
    }

    /// What was counted.
    #[must_use]
    pub fn count(&self, counter: Counter) -> u64 {
        self.service.worker().counters().get(counter)
    }

    /// The cache.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.service.worker().shared().cache
    }
}

/// The query of a client for an address of `text`, with EDNS and DO if `edns`.
///
/// # Panics
/// It is no name.
#[must_use]
#[expect(clippy::expect_used, reason = "a bench that is wrong must say so")]
pub fn packet(text: &str, edns: bool) -> Vec<u8> {
    let question = Question::new(name::parse(text).expect("a name"), Rtype::A);
    query(&question, QueryOptions { id: 7, recursion_desired: true, edns }).to_vec()
}

#[expect(clippy::expect_used, reason = "a bench that is wrong must say so")]
fn rules() -> Arc<Rules> {
    let config = Config::parse("[server]\nmax-waiting-per-client = 100000\n", "bench").expect("it");
    let cookies = Cookies::new(&Random::seeded(2));
    Arc::new(Rules::new(&config, &[], cookies, &Random::seeded(3), 0).expect("rules"))
}

#[expect(clippy::expect_used, reason = "a bench that is wrong must say so")]
fn internet(net: &SimNetwork, signed: usize) -> zoners_dns::RRset {
    let delegation = format!("plain 3600 NS ns1.plain\nns1.plain A {}\n", near::ADDRESS);
    net.change("com", |com| {
        zonefile::parse(&delegation, &com.origin)
            .expect("a delegation")
            .into_iter()
            .for_each(|set| com.add(set));
    });
    let names: String = (0..signed).map(|number| format!("n{number} A 203.0.115.9\n")).collect();
    net.change("example.com", |zone| {
        zonefile::parse(&names, &zone.origin)
            .expect("names")
            .into_iter()
            .for_each(|set| zone.add(set));
    });
    net.stop_recording();
    net.sign(&["example.com", "com", "."], &Signing { algorithm: 13, ..Signing::default() })
}
