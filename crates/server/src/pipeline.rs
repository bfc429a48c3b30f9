//! What happens to a query, in this order:
//!
//! | stage | where | may answer |
//! |---|---|---|
//! | admit | [`admit`], [`strangers`], [`refused_clients`], [`rates`] | packets that are no query for us, and queries that come too fast |
//! | finished answers | [`finished`] | questions answered before under the same rules, for the same group of clients |
//! | local data | [`local`], [`follow_redirect`], [`any`] | records of the group, local records, special-use names, the type ANY |
//! | policy before resolution | [`policy`] | questions that the policy blocks or rewrites |
//! | cache | [`finished`] | questions that the cache can answer |
//! | recursion, the second level beside it | [`recurse`], [`zoners_resolver`] | all remaining questions |
//! | a new network, a captive portal, or no network at all | [`settling`], [`portal`], [`late_way`], [`system_probes`] | questions that recursion could not answer |
//! | policy after resolution | [`policy`], [`rebinding`] | answers that the policy blocks or rewrites, or with private addresses |
//! | finish | [`finish`] | adds what differs from client to client |
//!
//! The stages up to the cache are synchronous ([`stages`]). They read a packet in the receive buffer and write the
//! reply into a buffer that is used again, so that a finished answer goes out without an allocation; only a miss is
//! handed to the runtime. Finished answers come before local data and policy: their key has the group of the client and
//! their value the generation of the rules, and only an answer that has passed all stages is kept as finished.

mod admit;
mod any;
mod buckets;
mod compact;
mod cookies;
mod decided;
mod decided_way;
pub(crate) mod denial;
pub(crate) mod discovery;
mod finish;
mod finished;
mod follow_redirect;
mod forwarding;
mod group;
pub(crate) mod handed_miss;
mod http3_places;
pub(crate) mod identities;
mod late_way;
pub mod local;
mod network_failures;
mod network_window;
mod observe;
mod order;
mod pending_miss;
pub mod policy;
pub mod policy_reason;
mod portal;
mod proxies;
mod query;
mod rates;
mod rebinding;
mod recurse;
pub mod redirect;
mod refused_clients;
mod rules;
mod settling;
mod stages;
mod strangers;
mod structured_error;
mod system_probes;
mod timeline;
mod window_resolver;

use std::sync::Arc;

use zoners_api::QueryOutcome;
use zoners_dns::{ClockReading, Counter, Network, Question};
use zoners_resolver::{Resolver, Shared};

use crate::client::Client;
use crate::dnstap::MessageTap;
use crate::events::{QueryEvents, outcome_counter};
use crate::latency::QueryLatencies;
pub use cookies::Cookies;
pub use decided_way::DecidedWay;
pub use forwarding::{empty_memory, forwarding_settings};
pub use group::ClientGroup;
pub(crate) use http3_places::Http3Places;
use late_way::LateLook;
pub use late_way::{LateWay, PresentWay};
pub use local::Local;
use network_window::NetworkWindow;
use order::Order;
pub use portal::{PortalTerms, PortalWindow};
pub use query::Miss;
pub use rules::Rules;
pub use settling::{SettlingDecision, SettlingWindow};
pub use system_probes::probe_names;
pub use window_resolver::forwarder;

/// The pipeline of one worker.
///
/// # Examples
///
/// A client of this machine asks for a local record:
///
/// ```
/// use std::sync::Arc;
///
/// use zoners_cache::Cache;
/// use zoners_dns::query::{QueryOptions, query};
/// use zoners_dns::{Counters, Message, Question, Random, Rtype, Transport, name};
/// use zoners_resolver::{Resolver, Shared};
/// use zoners_server::pipeline::{Cookies, Rules};
/// use zoners_server::{Client, Config, Service};
/// use zoners_sim::{SimClock, world};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let text = "[local]\nrecords = [\"nas.lan. 300 A 192.168.1.2\"]\n";
/// let config = Config::parse(text, "zoners.toml").unwrap();
/// let cookies = Cookies::new(&Random::seeded(1));
/// let rules = Rules::new(&config, &[], cookies, &Random::seeded(2), 0).unwrap();
/// let cache = Cache::new(8 << 20, config.ttl_limits(), [3, 4]);
/// let shared = Shared::new(cache, Arc::new(SimClock::new(None)), Random::seeded(5));
/// let settings = Arc::new(config.settings().unwrap());
/// let resolver = Resolver::new(shared, world::small(6), settings, Arc::new(Counters::default()));
/// let service = Service::new(resolver, Arc::new(rules));
///
/// let question = Question::new(name::parse("nas.lan").unwrap(), Rtype::A);
/// let packet = query(&question, QueryOptions { id: 7, recursion_desired: true, edns: true });
/// let reply = service.answer(&packet, Client::local(Transport::Udp)).await.unwrap();
/// let message = Message::parse(&reply.into()).unwrap();
/// assert_eq!(message.answer[0].to_string(), "nas.lan. 300 IN A 192.168.1.2");
/// # });
/// ```
#[derive(Debug)]
pub struct Service<N: Network> {
    worker: Resolver<N>,
    rules: Arc<Rules>,
    order: Order,
    events: Arc<QueryEvents>,
    latencies: Arc<QueryLatencies>,
    /// Takes copies of messages of clients.
    tap: Option<Arc<MessageTap>>,
    /// The window in which the network's resolver may have to answer.
    window: Option<Arc<NetworkWindow<N>>>,
    /// The way to look at after a failure.
    late_look: Option<Arc<LateLook<N>>>,
    /// The services of the upstreams of groups, by the numbers of [`policy::Policy::upstream`].
    upstreams: Option<Arc<[Service<N>]>>,
}

/// The outcome of the synchronous stages.
#[derive(Debug)]
pub enum Handled {
    /// The query has ended with this outcome: the reply is written, ready to be sent.
    Reply(QueryOutcome),
    /// The query has ended with this outcome: no reply is to be sent.
    Nothing(QueryOutcome),
    /// Servers must be asked; see [`Service::recurse`].
    Miss(Box<Miss>),
}

/// A stage function: takes a packet that was received at the reading of the clock through the synchronous stages
/// and writes the reply.
pub type PacketHandler<N> = fn(&Service<N>, &[u8], Client, ClockReading, &mut Vec<u8>) -> Handled;

impl<N: Network> Service<N> {
    /// A service that resolves with `worker` and treats clients as `rules` say.
    #[must_use]
    pub fn new(worker: Resolver<N>, rules: Arc<Rules>) -> Self {
        let order = Order::new(rules.order);
        Service {
            worker,
            rules,
            order,
            events: Arc::default(),
            latencies: Arc::default(),
            tap: None,
            window: None,
            late_look: None,
            upstreams: None,
        }
    }

    /// The service with resolvers for groups that have an upstream of their own. A window of the network is not theirs:
    /// the operator wants these clients to be answered by the upstream alone.
    #[must_use]
    pub fn with_upstreams(self, resolvers: Vec<Resolver<N>>) -> Self {
        let service = |resolver| Service::new(resolver, self.rules.clone()).continuing(&self);
        let upstreams: Vec<Self> = resolvers.into_iter().map(service).collect();
        Service { upstreams: (!upstreams.is_empty()).then(|| upstreams.into()), ..self }
    }

    /// The service that resolves for a group of clients.
    fn of_group(&self, group: ClientGroup) -> &Self {
        let Some(upstreams) = &self.upstreams else { return self };
        let number = self.rules.policy.as_ref().and_then(|policy| policy.upstream(group));
        number.and_then(|number| upstreams.get(number)).unwrap_or(self)
    }

    /// The memories of the resolver, and of the resolvers of groups.
    pub(crate) fn memories(&self) -> impl Iterator<Item = &Arc<Shared>> {
        let upstreams = self.upstreams.iter().flat_map(|all| all.iter());
        [self].into_iter().chain(upstreams).map(|service| service.worker.shared())
    }

    /// The same worker, with new rules of the same configuration.
    #[must_use]
    pub fn with_rules(&self, rules: Arc<Rules>) -> Self {
        let renewed = |all: &Arc<[Self]>| -> Arc<[Self]> {
            all.iter().map(|service| service.with_rules(rules.clone())).collect()
        };
        let upstreams = self.upstreams.as_ref().map(renewed);
        let (window, late_look) = (self.window.clone(), self.late_look.clone());
        let service = Service::new(self.worker.clone(), rules);
        Service { window, late_look, tap: self.tap.clone(), upstreams, ..service }.continuing(self)
    }

    /// The successor of the service `earlier`, with the readers of its events, and with its times.
    #[must_use]
    pub fn continuing(self, earlier: &Self) -> Self {
        let of_group = |service: &Self| {
            Service::new(service.worker.clone(), service.rules.clone()).continuing(earlier)
        };
        let upstreams = self.upstreams.as_ref().map(|all| all.iter().map(of_group).collect());
        let (events, latencies) = (earlier.events.clone(), earlier.latencies.clone());
        Service { events, latencies, upstreams, ..self }
    }

    /// The same, with copies of the messages of clients.
    #[must_use]
    pub(crate) fn tapped(self, tap: Option<Arc<MessageTap>>) -> Self {
        Service { tap, ..self }
    }

    /// Takes copies of the messages of clients, if wanted.
    pub(crate) fn tap(&self) -> Option<&Arc<MessageTap>> {
        self.tap.as_ref()
    }

    /// The handler of packets for the synchronous stages, chosen once for each batch: without a reader of events, without
    /// a hit that the history wants and without timelines for clients it is [`Service::handle`], and a packet pays
    /// nothing for these.
    #[must_use]
    pub fn handler(&self, clock: ClockReading) -> PacketHandler<N> {
        let is_observed = self.events.are_read() || self.events.wants_hit(clock);
        match is_observed || self.rules.tells_timeline {
            false => Service::handle,
            true => Service::handle_observed,
        }
    }

    /// The clock, read once for each batch.
    #[must_use]
    pub fn clock(&self) -> ClockReading {
        self.worker.shared().clock.read()
    }

    /// Counts a packet that was dropped unread, for lack of time. There is no event of it.
    pub(crate) fn shed(&self) {
        self.count(Counter::ClientQueries);
        self.count(Counter::ClientShed);
    }

    /// Counts a packet from a port where no client is. There is no event of it.
    pub(crate) fn ignored(&self) {
        self.count(Counter::ClientQueries);
        self.count(Counter::ClientDropped);
    }

    /// Runs every stage: the response to a packet, if there is one.
    pub async fn answer(&self, packet: &[u8], client: Client) -> Option<Vec<u8>> {
        let (mut reply, clock) = (Vec::new(), self.clock());
        let handled = self.handler(clock)(self, packet, client, clock, &mut reply);
        self.flush_events();
        match handled {
            Handled::Reply(_) => Some(reply),
            Handled::Nothing(_) => None,
            Handled::Miss(miss) => self.recurse(miss, None).await,
        }
    }

    /// Whether local data, or a word in the place of records, answers a question.
    pub(crate) fn is_local(&self, question: &Question) -> bool {
        self.own_answer(question.name.for_slice(), question.rtype).is_some()
    }

    /// The rules for clients.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The resolver of the worker.
    #[must_use]
    pub fn worker(&self) -> &Resolver<N> {
        &self.worker
    }

    /// The events of the service.
    #[must_use]
    pub fn events(&self) -> &Arc<QueryEvents> {
        &self.events
    }

    /// The times from query to response.
    #[must_use]
    pub fn latencies(&self) -> &Arc<QueryLatencies> {
        &self.latencies
    }

    /// Counts the outcome of a query whose response is written.
    fn replied(&self, outcome: QueryOutcome) -> Handled {
        self.count(outcome_counter(outcome));
        Handled::Reply(outcome)
    }

    /// Counts the outcome of a query that gets no response.
    fn unanswered(&self, outcome: QueryOutcome) -> Handled {
        self.count(outcome_counter(outcome));
        Handled::Nothing(outcome)
    }

    /// Counts an event on the way of a client to this service.
    pub(crate) fn count(&self, counter: Counter) {
        self.worker.counters().count(counter);
    }
}
