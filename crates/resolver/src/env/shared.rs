//! What all workers share.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use zoners_cache::{Cache, Evidence, ServerFault, ServerInfo};
use zoners_dns::{Clock, Endpoint, Message, Moment, Name, Question, Random, SecondLevel};

use crate::env::clock_skew::ClockDoubt;
use crate::env::interception::{NetworkState, Passage};
use crate::env::key_refreshes::Renewals;
use crate::env::negative_anchors::NegativeAnchors;
use crate::env::prefetch_ledger::Lent;
use crate::env::report_agents::Reports;
use crate::infra::cookies::Cookies;
use crate::infra::estimate::Market;
use crate::infra::fetch_quotas::Quotas;
use crate::infra::last_responder::{Rest, Testimony};
use crate::infra::probe_budget::Spare;
use crate::infra::reachability::{BrokenPaths, NETWORK_BITS, Paths};
use crate::infra::resend_limit::{QueryKey, Repeats};
use crate::infra::rtt_prior::Habits;
use crate::infra::silent_zones::{LineState, Silences, SilentZone};
use crate::infra::unproven_addresses::Strangers;
use crate::infra::uplink::Line;
use crate::infra::uplinks::Lines;
use crate::model::answer::{Answer, Unresolved};
use crate::model::asking::Asking;
use crate::model::flights::{Flights, WaitGraph};
use crate::model::shared_work::Together;
use crate::model::verdict::{Fault, Verdict};
use crate::model::zone_trust::ZoneTrust;

/// The result of a query, for all waiting attempts.
pub(crate) type Sharing = Result<Arc<Message>, Fault>;

/// A zone and what its servers are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExchangeKey {
    pub(crate) zone: Name,
    pub(crate) asked: Question,
}

impl Hash for ExchangeKey {
    /// The zone is an ancestor of what it is asked for: how long its name is tells it.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.asked.hash(state);
        state.write_usize(self.zone.len());
    }
}

/// A question, and whether its answer is to be proven.
pub(crate) type QuestionKey = (Question, bool);
pub(crate) type Landed<T> = Result<Arc<T>, Unresolved>;

/// Something that changes what the past is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Addresses or routes of this machine changed.
    NetworkChanged,
    /// The machine slept.
    Woke,
    /// The wall clock was set.
    ClockJumped,
}

/// What all workers share: the cache, the questions in flight, the clock, the randomness.
#[derive(Debug)]
pub struct Shared {
    /// All that is remembered.
    pub cache: Cache,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// IDs, ports, server order.
    pub random: Random,
    pub(crate) questions: Together<QuestionKey, Arc<Answer>>,
    pub(crate) trusts: Together<Name, ZoneTrust>,
    pub(crate) exchanges: Together<ExchangeKey, Arc<Verdict>>,
    pub(crate) outstanding: Arc<Flights<QueryKey, Sharing>>,
    pub(crate) repeats: Repeats,
    /// Tries of zones that are dead: one at a time.
    pub(crate) probes: Together<Name, ()>,
    pub(crate) silences: Silences,
    pub(crate) strangers: Strangers,
    /// Rung when a server or zone has answered that questions were held back for.
    pub(crate) released: Notify,
    pub(crate) server_quotas: Arc<Quotas>,
    pub(crate) zone_quotas: Arc<Quotas>,
    /// Whether the wall clock can be trusted.
    pub clock_doubt: ClockDoubt,
    /// Zones that are not validated for a while.
    pub negative_anchors: NegativeAnchors,
    pub(crate) habits: Habits,
    pub(crate) spare: Spare,
    pub(crate) lent: Lent,
    pub(crate) renewals: Renewals,
    pub(crate) second_level: OnceLock<Arc<dyn SecondLevel>>,
    pub(crate) lines: Lines,
    pub(crate) paths: Paths,
    pub(crate) witnesses_rest: Rest,
    pub(crate) passage: Passage,
    pub(crate) reports: Reports,
    pub(crate) cookies: Cookies,
    /// When the machine last came to another network, or woke.
    moved_at: AtomicU64,
}

impl Shared {
    /// Everything empty.
    #[must_use]
    pub fn new(cache: Cache, clock: Arc<dyn Clock>, random: Random) -> Arc<Self> {
        let graph = Arc::<WaitGraph>::default();
        Arc::new(Shared {
            cache,
            clock,
            cookies: Cookies::new(&random),
            random,
            questions: Flights::new(graph.clone()),
            trusts: Flights::new(graph.clone()),
            exchanges: Flights::new(graph.clone()),
            outstanding: Flights::new(graph.clone()),
            repeats: Repeats::default(),
            probes: Flights::new(graph),
            silences: Silences::default(),
            strangers: Strangers::default(),
            released: Notify::new(),
            server_quotas: Arc::default(),
            zone_quotas: Arc::default(),
            clock_doubt: ClockDoubt::default(),
            negative_anchors: NegativeAnchors::default(),
            habits: Habits::default(),
            spare: Spare::default(),
            lent: Lent::default(),
            renewals: Renewals::default(),
            second_level: OnceLock::new(),
            lines: Lines::default(),
            paths: Paths::default(),
            witnesses_rest: Rest::default(),
            passage: Passage::default(),
            reports: Reports::default(),
            moved_at: AtomicU64::new(0),
        })
    }

    /// From now on others are asked too, and told what is learned; once.
    pub fn share_with(&self, second_level: Arc<dyn SecondLevel>) {
        let _ = self.second_level.set(second_level);
    }

    /// What is shared with others, if anything is.
    #[must_use]
    pub fn second_level(&self) -> Option<&Arc<dyn SecondLevel>> {
        self.second_level.get()
    }

    /// Questions, exchanges, keys and queries that are under way, and that others may wait for.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        let flights = self.questions.len() + self.exchanges.len() + self.trusts.len();
        flights + self.outstanding.len() + self.probes.len()
    }

    /// Now, for TTLs.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Tells of something that changes what the past is worth: timeouts from before say nothing
    /// of servers when it was our own line that was gone. Set wall clocks change nothing yet, since
    /// no TTL follows them.
    pub fn notify(&self, event: Event) {
        match event {
            Event::NetworkChanged | Event::Woke => {
                self.forgive();
                self.cookies.change();
                self.moved_at.store(self.now().as_millis(), Ordering::Relaxed);
                self.change_passage();
            }
            Event::ClockJumped => {}
        }
    }

    /// What servers missed up to now says nothing of them, nor what is known of the ways to them.
    pub(crate) fn forgive(&self) {
        self.lines.forgive(self.now());
        self.habits.forget();
        self.paths.forget();
    }

    /// What is known of how this network lets DNS to foreign servers pass.
    #[must_use]
    pub fn passage(&self) -> NetworkState {
        self.passage.state()
    }

    /// When the machine last came to another network, or woke.
    pub(crate) fn moved(&self) -> Moment {
        Moment::from_millis(self.moved_at.load(Ordering::Relaxed))
    }

    /// The ways out that do not work from here, as it seems. While nothing works at all, none is told from
    /// the others.
    #[must_use]
    pub fn broken_paths(&self) -> BrokenPaths {
        let now = self.now();
        match self.lines.internet().is_down(now) {
            true => BrokenPaths::default(),
            false => self.paths.broken(now),
        }
    }

    /// Whether no server answers any more of those that are asked for all names which no other is asked for.
    #[must_use]
    pub fn is_line_down(&self) -> bool {
        self.lines.is_down(self.now())
    }

    /// The networks of a LAN or a VPN that the configuration sends zones to and of which no server answers
    /// any more.
    #[must_use]
    pub fn silent_networks(&self) -> Vec<String> {
        let prefix = |network: IpAddr| {
            let bits = if network.is_ipv4() { NETWORK_BITS.0 } else { NETWORK_BITS.1 };
            format!("{network}/{bits}")
        };
        self.lines.down_inside(self.now()).into_iter().map(prefix).collect()
    }

    /// The share of queries that our own line to the Internet loses, 0 to 1.
    #[must_use]
    pub fn line_loss(&self) -> f64 {
        self.lines.internet().loss()
    }

    /// The zones that are silent although our line is not, those that were sent most first, no more
    /// than `most` of them.
    #[must_use]
    pub fn silent_zones(&self, most: usize) -> Vec<SilentZone> {
        self.silences.list(most, self.line_state(self.lines.internet()), self.now())
    }

    /// What silent zones are judged by whose servers are behind a line.
    pub(crate) fn line_state(&self, line: &Line) -> LineState {
        LineState {
            heard: line.heard(),
            forgiven: line.forgiven(),
            silent: line.is_silent(self.now()),
            late: self.habits.late(),
            loss: line.loss(),
        }
    }

    /// What servers behind a line are priced by.
    pub(crate) fn market(&self, line: &Line) -> Market {
        let (median, late) = (self.habits.median(), self.habits.late());
        let (now, foreign) = (self.now(), self.lines.is_internet(line));
        Market {
            now,
            // It may well be dead: one that is known must be a good deal slower to lose to it.
            unknown: (median * 2, late),
            forgiven: line.forgiven(),
            loss: line.loss(),
            broken: if foreign { self.broken_paths() } else { BrokenPaths::default() },
            silent: line.is_silent(now) || foreign && self.paths.is_udp_doubtful(),
            heard: line.heard(),
        }
    }

    /// Adds to what is known of a server, and of the line; returns what was known before of the server.
    pub(crate) fn teach(&self, server: Endpoint, evidence: Evidence) -> ServerInfo {
        let now = self.now();
        let before = self.cache.observe_server(server, evidence, now);
        match evidence {
            Evidence::Asked { .. } => self.lines.to(server.address.ip()).asked(now),
            Evidence::Reply(rtt, _) => {
                let foreign = self.heard(server, &before, now);
                if foreign && before.srtt().is_none() {
                    self.habits.learn(rtt);
                }
            }
            Evidence::ReplyToSome { .. } => _ = self.heard(server, &before, now),
            Evidence::Trouble(trouble) if trouble.is_silence() => {
                self.failed(server, now);
                // Of one that never answered it is no wonder.
                if trouble == ServerFault::Timeout && before.replied_at > 0 {
                    self.lines.to(server.address.ip()).lost();
                }
            }
            Evidence::Trouble(_) | Evidence::PlainOnly | Evidence::Good | Evidence::Repeated(_) => {
            }
        }
        before
    }

    /// A server has answered, of which so much was known before; whether it lies in the Internet.
    fn heard(&self, server: Endpoint, before: &ServerInfo, now: Moment) -> bool {
        let line = self.lines.to(server.address.ip());
        let foreign = self.lines.is_internet(line);
        line.replied(now);
        if foreign {
            self.paths.replied(server);
        }
        if before.replied_at == 0 && self.strangers.met(server.address.ip(), now) {
            self.released.notify_waiters();
        }
        foreign
    }

    /// A server is late, or does not answer at all. What works inside says nothing of the paths to the
    /// Internet, and what does not work there neither.
    pub(crate) fn failed(&self, server: Endpoint, now: Moment) {
        if self.lines.is_internet(self.lines.to(server.address.ip())) {
            self.paths.failed(server, now);
        }
    }

    /// Takes down what a server has answered just now, to be asked that again when none answers any more.
    pub(crate) fn take_testimony(&self, server: Endpoint, asking: &Asking) {
        let (now, line) = (self.now(), self.lines.to(server.address.ip()));
        let testimony = || Testimony { server, asking: asking.clone() };
        line.witness().take(now, testimony);
        if self.lines.is_internet(line) {
            self.paths.take(server, now, testimony);
        }
    }
}
