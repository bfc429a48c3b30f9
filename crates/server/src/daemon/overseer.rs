//! The daemon as a whole; [`admin`] answers requests.

mod admin;
mod cache;
mod history;
mod metrics;
mod negative_anchors;
mod operator_rules;
mod past_queries;
mod policy;
mod policy_lists;
mod requests;
mod settings;
mod status;
mod watches;
mod zones;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use zoners_api::{CrashReport, DayPeriod, DayReport, FirstRecursionReport, StrategyReport};
use zoners_dns::{ClockReading, Counter, Counters, Network, counters};
use zoners_host::origin::ProcessOrigin;
use zoners_net::Sockets;
use zoners_resolver::NetworkState;
use zoners_sandbox::Layer;
use zoners_store::shared::SharedCache;

use super::ListenStatus;
use super::acme_state::AcmeState;
use super::cache_file::CacheFile;
use super::dashboard::{DashboardDoor, DashboardTerms};
use super::day::DayCounts;
use super::first_recursion::{FirstRecursion, RecursionRecord};
use super::hand_over_requests::HandOverRequests;
use super::list_requests::ListRequests;
use super::networks::KnownNetworks;
use super::recorders::LogReport;
use super::reload_requests::ReloadRequests;
use super::run_history::now_s;
use super::served_tls::ServedTls;
use crate::config::{Config, ConfigSource, NetworkRoute};
use crate::dnstap::MessageTap;
use crate::events::QueryEvents;
use crate::history::HistoryStore;
use crate::latency::QueryLatencies;
use crate::log::Log;
use crate::pipeline::Service;
use crate::policy::shelf::PolicyShelf;
use watches::Watches;

/// The sums over workers, and a separate service for look-ups, which shares the caches of the workers.
#[derive(Debug)]
pub(crate) struct Overseer<N: Network = Arc<Sockets>> {
    service: ArcSwap<Service<N>>,
    counters: Vec<Arc<Counters>>,
    bound: ArcSwap<ListenStatus>,
    about: About,
    first_recursion: ArcSwapOption<FirstRecursionReport>,
    /// Whether a configured forwarder or stub answered when recursion had failed.
    is_route_answered: AtomicBool,
    networks: ArcSwap<KnownNetworks>,
    routes: ArcSwap<Vec<NetworkRoute>>,
    strategy: ArcSwapOption<StrategyReport>,
    watches: Watches,
    /// Whether the HTTP service has metrics.
    offers_metrics: AtomicBool,
    /// The text of the configuration in force.
    source: ArcSwap<ConfigSource>,
    /// The start, by both clocks.
    started: ClockReading,
    /// Reloads that were asked for and came into force.
    reloads: AtomicU32,
    day: Mutex<DayCounts>,
    dashboard: DashboardDoor<Overseer<N>>,
    own: Weak<Overseer<N>>,
}

/// Parts of the daemon that never change.
#[derive(Debug, Default)]
pub(super) struct About {
    /// The configuration file.
    pub(super) config: Option<PathBuf>,
    /// The second level.
    pub(super) second_level: Option<Arc<SharedCache>>,
    /// The layers of the sandbox.
    pub(super) sandbox: Vec<Layer>,
    /// The query log: the folder, and the counts of rows.
    pub(super) query_log: Arc<LogReport>,
    /// Copies of messages, which are counted.
    pub(super) tap: Option<Arc<MessageTap>>,
    /// TLS of listeners.
    pub(super) tls: ServedTls,
    /// The certificate of an ACME server.
    pub(super) acme: AcmeState,
    /// The log, which counts lost lines.
    pub(super) log: Option<Log>,
    /// Threads that serve clients.
    pub(super) workers: usize,
    /// The times from query to response, of each worker.
    pub(super) latencies: Vec<Arc<QueryLatencies>>,
    /// The way of requests to reload; `None` without a configuration.
    pub(super) reloads: Option<ReloadRequests>,
    /// The way of requests to hand over; `None` if no new daemon can take over.
    pub(super) hand_overs: Option<HandOverRequests>,
    /// How the process was started, if a new daemon can take over.
    pub(super) origin: Option<ProcessOrigin>,
    /// The compiled lists and the pauses of the policy.
    pub(super) policies: Arc<PolicyShelf>,
    /// The way of requests about lists; `None` without a daemon.
    pub(super) lists: Option<ListRequests>,
    /// The last crash of an earlier daemon.
    pub(super) last_crash: Option<CrashReport>,
    /// Past resolutions; `None` without a daemon.
    pub(super) history: Option<Arc<HistoryStore>>,
    /// The file of the cache, if the cache is kept.
    pub(super) cache_file: Option<Arc<CacheFile>>,
    /// The state folder.
    pub(super) folder: Option<PathBuf>,
    /// The terms of the dashboard; `None` without one.
    pub(super) dashboard: Option<DashboardTerms>,
}

impl<N: Network> Overseer<N> {
    /// An overseer of workers with these counters and events. The counters of `service` are added.
    pub(super) fn new(
        service: Arc<Service<N>>,
        counters: Vec<Arc<Counters>>,
        events: Vec<Arc<QueryEvents>>,
        bound: ListenStatus,
        mut about: About,
    ) -> Arc<Self> {
        let started = service.clock();
        let service = ArcSwap::new(service);
        let bound = ArcSwap::from_pointee(bound);
        let watches = Watches::new(events);
        let first_recursion = ArcSwapOption::empty();
        let (networks, routes) = (ArcSwap::default(), ArcSwap::default());
        let strategy = ArcSwapOption::empty();
        let dashboard = DashboardDoor::new(about.dashboard.take());
        let day = Mutex::default();
        Arc::new_cyclic(|own| Overseer {
            service,
            counters,
            bound,
            about,
            first_recursion,
            is_route_answered: AtomicBool::new(false),
            networks,
            routes,
            strategy,
            watches,
            offers_metrics: AtomicBool::new(false),
            source: ArcSwap::default(),
            day,
            dashboard,
            own: own.clone(),
            started,
            reloads: AtomicU32::new(0),
        })
    }

    /// Reports these addresses from now on.
    pub(super) fn listens(&self, bound: ListenStatus) {
        self.bound.store(Arc::new(bound));
    }

    /// Reports this outcome of the recursion from now on; `None` once the network has changed.
    pub(super) fn has_tried_recursion(&self, first: Option<&FirstRecursion>) {
        self.first_recursion.store(first.map(|first| Arc::new(first.report())));
    }

    /// Reports from now on whether configured forwarders or stubs answer where recursion fails.
    pub(super) fn has_tried_routes(&self, is_answered: bool) {
        self.is_route_answered.store(is_answered, Ordering::Relaxed);
    }

    /// Whether a configured forwarder or stub answered when recursion had last failed.
    fn is_route_answered(&self) -> bool {
        self.is_route_answered.load(Ordering::Relaxed)
    }

    /// Counts a reload that was asked for and came into force.
    pub(super) fn count_reload(&self) {
        self.reloads.fetch_add(1, Ordering::Relaxed);
    }

    /// The networks as they were at the last look.
    pub(super) fn networks(&self) -> Arc<KnownNetworks> {
        self.networks.load_full()
    }

    /// Reports this strategy from now on.
    pub(super) fn knows_strategy(&self, strategy: StrategyReport) {
        self.about.history.iter().for_each(|history| history.behind_portal(strategy.is_portal()));
        if self.strategy.load().as_deref() != Some(&strategy) {
            self.strategy.store(Some(Arc::new(strategy)));
        }
    }

    /// Whether metrics are offered over HTTP.
    pub(super) fn offers_metrics(&self) -> bool {
        self.offers_metrics.load(Ordering::Relaxed)
    }

    /// Reports these networks from now on.
    pub(super) fn knows_networks(&self, networks: KnownNetworks) {
        // A network without an identifier yet, or none: the latencies are those of the network before, or of none.
        if let (Some(id), Some(history)) = (networks.id, &self.about.history) {
            history.enter_network(&id.to_string());
        }
        self.networks.store(Arc::new(networks));
    }

    /// Reports settings and routes of networks in this configuration, and offers metrics over HTTP if the configuration does.
    pub(super) fn has_configuration(&self, config: &Config) {
        self.routes.store(Arc::new(config.network_routes.clone()));
        self.offers_metrics.store(config.server.http_metrics, Ordering::Relaxed);
        self.source.store(Arc::new(config.source.clone()));
        self.dashboard.has_configuration(config);
    }

    /// Looks names up with this service from now on.
    pub(super) fn renew(&self, service: Service<N>) {
        self.service.store(Arc::new(service));
    }

    pub(crate) fn service(&self) -> Arc<Service<N>> {
        self.service.load_full()
    }

    /// The sum over workers, look-ups of our own included.
    pub(crate) fn count(&self, counter: Counter) -> u64 {
        let own = self.service();
        let shared = self.about.second_level.iter().map(|level| level.counters());
        let workers = self.counters.iter().chain(shared).map(|counters| &**counters);
        let log = self.about.log.iter().map(Log::counters);
        let history = self.about.history.iter().map(|history| history.counters());
        let tap = self.about.tap.iter().map(|tap| tap.counters());
        let own = [own.worker().counters(), self.watches.counters()];
        let rows = self.about.query_log.count(counter);
        rows + counters::sum(workers.chain(log).chain(tap).chain(history).chain(own), counter)
    }

    /// Writes the counters to the log.
    pub(super) fn tell(&self) {
        let counted = Counter::ALL.iter().map(|counter| (counter.name(), self.count(*counter)));
        let counted = counted.filter(|(_, count)| *count > 0);
        let told: Vec<String> = counted.map(|(name, count)| format!("{name} {count}")).collect();
        tracing::info!("counted so far: {}", told.join(", "));
    }

    /// Takes in the counters for the report of the day.
    pub(super) fn note_day(&self) {
        let sums = DayPeriod {
            begin_unix_s: 0,
            queries: self.count(Counter::ClientQueries),
            cached: self.count(Counter::ClientCached) + self.count(Counter::ClientLocal),
            recursed: self.count(Counter::ClientRecursed),
            stale: self.count(Counter::ClientStale),
            policy: self.count(Counter::ClientPolicy),
            failed: self.count(Counter::ClientServfail),
        };
        self.day.lock().note(now_s(), sums);
    }

    /// The queries of the last day.
    fn day_so_far(&self) -> DayReport {
        self.note_day();
        self.day.lock().report(now_s())
    }

    /// Opens the dashboard if programs have tokens, or browsers of other machines a password.
    pub(super) fn open_dashboard_without_link(&self) {
        self.dashboard.open_without_link(&self.own);
    }

    /// Closes the dashboard, as the daemon ends.
    pub(super) fn close_dashboard(&self) {
        self.dashboard.close();
    }

    /// Seconds since the daemon started.
    fn uptime_s(&self) -> u64 {
        self.service().worker().shared().now().since(self.started.now).as_secs()
    }
}

#[cfg(test)]
mod tests;

impl<N: Network> RecursionRecord for Overseer<N> {
    fn is_failure_all_that_is_known(&self) -> bool {
        let failed = |first: &FirstRecursionReport| first.state.is_failure();
        self.first_recursion.load().as_deref().is_some_and(failed)
            && self.service().worker().shared().network_state() == NetworkState::Unknown
    }

    fn keep(&self, outcome: &FirstRecursion) {
        self.has_tried_recursion(Some(outcome));
    }
}
