//! The state that the workers share.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;
use zoners_cache::Cache;
use zoners_dns::{Clock, Message, Moment, Name, Question, Random, SecondLevel};

use crate::env::clock_skew::ClockSkew;
use crate::env::interception::{Interception, NetworkState};
use crate::env::key_refreshes::KeyRefreshes;
use crate::env::negative_anchors::NegativeAnchorTable;
use crate::env::prefetch_ledger::PrefetchLedger;
use crate::env::report_agents::ReportAgents;
use crate::infra::cookies::ClientCookies;
use crate::infra::estimate::Estimator;
use crate::infra::fetch_quotas::FetchQuotas;
use crate::infra::last_responder::ProbePause;
use crate::infra::probe_budget::ProbeBudget;
use crate::infra::reachability::{BrokenPaths, NETWORK_BITS, ReachabilityTable};
use crate::infra::resend_limit::{QueryKey, ResendLimit};
use crate::infra::rtt_prior::RttPrior;
use crate::infra::session_budget::SessionBudget;
use crate::infra::silent_zones::{SilentZone, ZoneSilences};
use crate::infra::trial_budget::TrialBudget;
use crate::infra::trial_look_ups::TrialLookUps;
use crate::infra::unproven_addresses::UnprovenAddresses;
use crate::infra::uplink::Uplink;
use crate::infra::uplink_state::UplinkState;
use crate::infra::uplinks::Uplinks;
use crate::model::answer::{Answer, Unresolved};
use crate::model::flights::{Flights, WaitGraph};
use crate::model::shared_work::SharedWork;
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
    /// The zone is an ancestor of the QNAME, so the length identifies the zone.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.asked.hash(state);
        state.write_usize(self.zone.len());
    }
}

/// A question, and whether the answer must be validated.
pub(crate) type QuestionKey = (Question, bool);
pub(crate) type SharedResult<T> = Result<Arc<T>, Unresolved>;

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
    pub(crate) questions: SharedWork<QuestionKey, Arc<Answer>>,
    pub(crate) zone_keys: SharedWork<Name, ZoneTrust>,
    pub(crate) exchanges: SharedWork<ExchangeKey, Arc<Verdict>>,
    pub(crate) outstanding: Arc<Flights<QueryKey, Sharing>>,
    pub(crate) resend_limit: ResendLimit,
    /// Probes of dead zones, one at a time for each.
    pub(crate) probes: SharedWork<Name, ()>,
    pub(crate) zone_silences: ZoneSilences,
    pub(crate) unproven: UnprovenAddresses,
    /// Notified when a server or zone has replied that questions were held back for.
    pub(crate) released: Notify,
    pub(crate) server_quotas: Arc<FetchQuotas>,
    pub(crate) zone_quotas: Arc<FetchQuotas>,
    /// Whether the wall clock can be trusted.
    pub clock_skew: ClockSkew,
    /// Zones that are not validated for a time.
    pub negative_anchors: NegativeAnchorTable,
    pub(crate) rtt_prior: RttPrior,
    pub(crate) probe_budget: ProbeBudget,
    pub(crate) trial_budget: TrialBudget,
    pub(crate) trial_look_ups: TrialLookUps,
    pub(crate) session_budget: SessionBudget,
    pub(crate) prefetch_ledger: PrefetchLedger,
    pub(crate) key_refreshes: KeyRefreshes,
    pub(crate) second_level: OnceLock<Arc<dyn SecondLevel>>,
    pub(crate) uplinks: Uplinks,
    pub(crate) reachability: ReachabilityTable,
    pub(crate) probe_pause: ProbePause,
    pub(crate) interception: Interception,
    pub(crate) report_agents: ReportAgents,
    pub(crate) cookies: ClientCookies,
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
            cookies: ClientCookies::new(&random),
            random,
            questions: Flights::new(graph.clone()),
            zone_keys: Flights::new(graph.clone()),
            exchanges: Flights::new(graph.clone()),
            outstanding: Flights::new(graph.clone()),
            resend_limit: ResendLimit::default(),
            probes: Flights::new(graph),
            zone_silences: ZoneSilences::default(),
            unproven: UnprovenAddresses::default(),
            released: Notify::new(),
            server_quotas: Arc::default(),
            zone_quotas: Arc::default(),
            clock_skew: ClockSkew::default(),
            negative_anchors: NegativeAnchorTable::default(),
            rtt_prior: RttPrior::default(),
            probe_budget: ProbeBudget::default(),
            trial_budget: TrialBudget::default(),
            trial_look_ups: TrialLookUps::default(),
            session_budget: SessionBudget::default(),
            prefetch_ledger: PrefetchLedger::default(),
            key_refreshes: KeyRefreshes::default(),
            second_level: OnceLock::new(),
            uplinks: Uplinks::default(),
            reachability: ReachabilityTable::default(),
            probe_pause: ProbePause::default(),
            interception: Interception::default(),
            report_agents: ReportAgents::default(),
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
        let flights = self.questions.len() + self.exchanges.len() + self.zone_keys.len();
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
                self.change_network();
            }
            Event::ClockJumped => {}
        }
    }

    /// Ignores timeouts up to now, and resets the state of the paths.
    pub(crate) fn forgive(&self) {
        self.uplinks.forgive(self.now());
        self.rtt_prior.forget();
        self.reachability.forget();
    }

    /// Other resolvers answer for the root from now on: recursion after a forwarder (`after_forwarder`), or a forwarder.
    /// No question joins a flight of the former ones, and failures are forgotten. Proofs stay, and so does what recursion
    /// has found; what a forwarder said without proof goes.
    pub fn change_source(&self, after_forwarder: bool) {
        self.questions.close_all();
        self.zone_keys.close_all();
        self.exchanges.close_all();
        self.probes.close_all();
        self.cache.discard_failures();
        if after_forwarder {
            self.cache.discard_unproven();
        }
    }

    /// Takes UDP for blocked until a reply over UDP comes, since an earlier visit of this network has found that.
    pub fn presume_udp_blocked(&self) {
        self.reachability.presume_udp_broken(self.now());
    }

    /// The interception state of the network.
    #[must_use]
    pub fn network_state(&self) -> NetworkState {
        self.interception.state()
    }

    /// The time of the last change of network or wake-up.
    pub(crate) fn moved(&self) -> Moment {
        Moment::from_millis(self.moved_at.load(Ordering::Relaxed))
    }

    /// The broken paths, as far as known. While nothing works at all, no path is singled out.
    #[must_use]
    pub fn broken_paths(&self) -> BrokenPaths {
        let now = self.now();
        match self.uplinks.internet().is_down(now) {
            true => BrokenPaths::default(),
            false => self.reachability.broken(now),
        }
    }

    /// Whether the uplink to the Internet, or to the forwarders of the root zone, is down.
    #[must_use]
    pub fn is_uplink_down(&self) -> bool {
        self.uplinks.is_down(self.now())
    }

    /// Networks of a LAN or VPN with routes whose servers do not respond.
    #[must_use]
    pub fn silent_networks(&self) -> Vec<String> {
        let prefix = |network: IpAddr| {
            let bits = if network.is_ipv4() { NETWORK_BITS.0 } else { NETWORK_BITS.1 };
            format!("{network}/{bits}")
        };
        self.uplinks.down_inside(self.now()).into_iter().map(prefix).collect()
    }

    /// Whether servers of routes inside a LAN or VPN reply, whatever the uplink to the Internet does.
    #[must_use]
    pub fn do_routes_reply(&self) -> bool {
        self.uplinks.has_replies_inside(self.now())
    }

    /// The loss rate of the uplink to the Internet, 0 to 1.
    #[must_use]
    pub fn uplink_loss(&self) -> f64 {
        self.uplinks.internet().loss()
    }

    /// How long the outages of the uplink to the Internet lasted that ended in the last `time`.
    #[must_use]
    pub fn outages(&self, time: Duration) -> Vec<Duration> {
        self.uplinks.internet().outages().lasted(self.now().before(time))
    }

    /// The silent zones although the uplink works, those with the most packets first, at most
    /// `most`.
    #[must_use]
    pub fn silent_zones(&self, most: usize) -> Vec<SilentZone> {
        self.zone_silences.list(most, self.uplink_state(self.uplinks.internet()), self.now())
    }

    /// The state of an uplink, for silent zones.
    pub(crate) fn uplink_state(&self, uplink: &Uplink) -> UplinkState {
        UplinkState {
            last_reply_at: uplink.last_reply_at(),
            forgiven: uplink.forgiven(),
            interruption: uplink.interruptions().last(),
            silent: uplink.is_silent(self.now()),
            late: self.rtt_prior.late(),
            loss: uplink.loss(),
        }
    }

    /// The circumstances in which servers behind an uplink are estimated.
    pub(crate) fn estimator(&self, uplink: &Uplink) -> Estimator {
        let (median, late) = (self.rtt_prior.median(), self.rtt_prior.late());
        let (now, foreign) = (self.now(), self.uplinks.is_internet(uplink));
        Estimator {
            now,
            // The server may be dead: a known server must be a good deal slower to be passed over.
            unknown: (median * 2, late),
            forgiven: uplink.forgiven(),
            interruption: uplink.interruptions().last(),
            loss: uplink.loss(),
            broken: if foreign { self.broken_paths() } else { BrokenPaths::default() },
            silent: uplink.is_silent(now) || foreign && self.reachability.is_udp_doubtful(),
            last_reply_at: uplink.last_reply_at(),
        }
    }
}
