//! The state that the workers share.

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

/// The result of a query, for each waiting attempt.
pub(crate) type Sharing = Result<Arc<Message>, Fault>;

/// A zone and the question to its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExchangeKey {
    pub(crate) zone: Name,
    pub(crate) asked: Question,
}

impl Hash for ExchangeKey {
    /// The zone is an ancestor of the QNAME, so its length identifies it.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.asked.hash(state);
        state.write_usize(self.zone.len());
    }
}

/// A question, and whether its answer must be validated.
pub(crate) type QuestionKey = (Question, bool);
pub(crate) type Landed<T> = Result<Arc<T>, Unresolved>;

/// An event that devalues past evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Addresses or routes of this machine changed.
    NetworkChanged,
    /// The machine slept.
    Woke,
    /// The wall clock was set.
    ClockJumped,
}

/// The state that the workers share: cache, flights, clock and random source.
#[derive(Debug)]
pub struct Shared {
    /// The cache.
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
    /// Probes of dead zones, one at a time for each.
    pub(crate) probes: Together<Name, ()>,
    pub(crate) silences: Silences,
    pub(crate) strangers: Strangers,
    /// Notified when a server or zone has replied that questions were held back for.
    pub(crate) released: Notify,
    pub(crate) server_quotas: Arc<Quotas>,
    pub(crate) zone_quotas: Arc<Quotas>,
    /// Whether the wall clock can be trusted.
    pub clock_doubt: ClockDoubt,
    /// Zones that are not validated for a time.
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
    /// The time of the last change of network or wake-up.
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

    /// Attaches the second level, once.
    pub fn share_with(&self, second_level: Arc<dyn SecondLevel>) {
        let _ = self.second_level.set(second_level);
    }

    /// The second level, if attached.
    #[must_use]
    pub fn second_level(&self) -> Option<&Arc<dyn SecondLevel>> {
        self.second_level.get()
    }

    /// Flights under way: questions, exchanges, keys and queries.
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

    /// An event devalues past evidence: earlier timeouts say nothing about servers if the uplink
    /// was down. A changed wall clock has no effect, since no TTL follows it.
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

    /// Ignores timeouts up to now, and resets the state of the paths.
    pub(crate) fn forgive(&self) {
        self.lines.forgive(self.now());
        self.habits.forget();
        self.paths.forget();
    }

    /// The interception state of the network.
    #[must_use]
    pub fn passage(&self) -> NetworkState {
        self.passage.state()
    }

    /// The time of the last change of network or wake-up.
    pub(crate) fn moved(&self) -> Moment {
        Moment::from_millis(self.moved_at.load(Ordering::Relaxed))
    }

    /// The broken paths, as far as known. While nothing works at all, no path is singled out.
    #[must_use]
    pub fn broken_paths(&self) -> BrokenPaths {
        let now = self.now();
        match self.lines.internet().is_down(now) {
            true => BrokenPaths::default(),
            false => self.paths.broken(now),
        }
    }

    /// Whether the uplink to the Internet, or to the forwarders of the root zone, is down.
    #[must_use]
    pub fn is_line_down(&self) -> bool {
        self.lines.is_down(self.now())
    }

    /// Networks of a LAN or VPN with routes whose servers do not respond.
    #[must_use]
    pub fn silent_networks(&self) -> Vec<String> {
        let prefix = |network: IpAddr| {
            let bits = if network.is_ipv4() { NETWORK_BITS.0 } else { NETWORK_BITS.1 };
            format!("{network}/{bits}")
        };
        self.lines.down_inside(self.now()).into_iter().map(prefix).collect()
    }

    /// The loss rate of the uplink to the Internet, 0 to 1.
    #[must_use]
    pub fn line_loss(&self) -> f64 {
        self.lines.internet().loss()
    }

    /// The silent zones although the uplink works, those with the most packets first, at most
    /// `most`.
    #[must_use]
    pub fn silent_zones(&self, most: usize) -> Vec<SilentZone> {
        self.silences.list(most, self.line_state(self.lines.internet()), self.now())
    }

    /// The state of an uplink, for silent zones.
    pub(crate) fn line_state(&self, line: &Line) -> LineState {
        LineState {
            heard: line.heard(),
            forgiven: line.forgiven(),
            silent: line.is_silent(self.now()),
            late: self.habits.late(),
            loss: line.loss(),
        }
    }

    /// The circumstances in which servers behind an uplink are estimated.
    pub(crate) fn market(&self, line: &Line) -> Market {
        let (median, late) = (self.habits.median(), self.habits.late());
        let (now, foreign) = (self.now(), self.lines.is_internet(line));
        Market {
            now,
            // The server may be dead: a known server must be a good deal slower to be passed over.
            unknown: (median * 2, late),
            forgiven: line.forgiven(),
            loss: line.loss(),
            broken: if foreign { self.broken_paths() } else { BrokenPaths::default() },
            silent: line.is_silent(now) || foreign && self.paths.is_udp_doubtful(),
            heard: line.heard(),
        }
    }

    /// Updates the infra cache entry of a server, and the uplink; returns the entry as it was
    /// before.
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
                // Timeouts of servers that never replied are ignored.
                if trouble == ServerFault::Timeout && before.replied_at > 0 {
                    self.lines.to(server.address.ip()).lost();
                }
            }
            Evidence::Trouble(_) | Evidence::PlainOnly | Evidence::Good | Evidence::Repeated(_) => {
            }
        }
        before
    }

    /// A server with this entry has replied; returns whether the server is in the Internet.
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

    /// A server is late, or does not reply at all. Inside servers say nothing about the paths to
    /// the Internet.
    pub(crate) fn failed(&self, server: Endpoint, now: Moment) {
        if self.lines.is_internet(self.lines.to(server.address.ip())) {
            self.paths.failed(server, now);
        }
    }

    /// Records a reply for later probes of the last responder.
    pub(crate) fn take_testimony(&self, server: Endpoint, asking: &Asking) {
        let (now, line) = (self.now(), self.lines.to(server.address.ip()));
        let testimony = || Testimony { server, asking: asking.clone() };
        line.witness().take(now, testimony);
        if self.lines.is_internet(line) {
            self.paths.take(server, now, testimony);
        }
    }
}
