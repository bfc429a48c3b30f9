//! The answers to requests of people and programs.

use std::fs::File;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use zoners_api::{
    Admin, AdminError, CacheDump, CacheEntries, CacheFill, CacheFlush, CacheLoad, CertificateState,
    CounterStats, CrashReport, DaemonOrigin, DaemonStatus, DashboardLink, DashboardPasswordSet,
    DayReport, DefaultSettingReport, HandOver, HistoryErased, LayerReport, LocalNetworks,
    LookupReport, MetricsText, NegativeAnchorAdded, NegativeAnchorList, NegativeAnchorRemoved,
    NetworkReport, OperatorRuleChange, OperatorRuleReport, OutageReport, PastQueries,
    PastQueryFilter, PolicyExplanation, PolicyListReport, PolicyPauseReport, ReloadReport,
    SecondLevelState, ServerList, SettingsReport, TokenCreated, TokenList, TokenRevoked,
    TokenScope, TrendQuery, TrendReport, TroubleReport, UnvalidatedZone, ValidationReport,
    WatchFilter, WatchStarted, WhyQuery, WhyReport, WrittenSettingReport,
};
use zoners_cache::ImportStats;
use zoners_dns::{Counter, Network};
use zoners_host::origin::ProcessOrigin;
use zoners_resolver::{MAX_NEGATIVE_ANCHOR_SECONDS, MAX_NEGATIVE_ANCHORS};
use zoners_sandbox::{Layer, LayerState};
use zoners_telemetry::metrics::MetricsFormat;
use zoners_tls::Certificate;

use super::requests::{beside, parse};
use super::watches::EventWatch;
use super::{Overseer, history, operator_rules, past_queries, policy, policy_lists, zones};
use crate::config::WrittenSetting;
use crate::control::question;
use crate::daemon::list_requests::ListRequest;
use crate::daemon::run_history::now_s;
use crate::daemon::{ListenStatus, keeper};
use crate::events::EventFilter;
use crate::report::{self, text};

/// The most servers in a list of every server.
const MAX_SERVERS: usize = 2000;

impl<N: Network> Admin for Overseer<N> {
    type Events = EventWatch;

    fn status(&self) -> DaemonStatus {
        let (service, bound) = (self.service(), self.bound.load());
        let (shared, rules) = (service.worker().shared(), service.rules());
        let texts = |addresses: &[std::net::SocketAddr]| {
            addresses.iter().map(ToString::to_string).collect()
        };
        let second_level = self.about.second_level.as_ref();
        let state = |is_broken| match is_broken {
            true => SecondLevelState::Broken,
            false => SecondLevelState::InUse,
        };
        let status = DaemonStatus {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            uptime_s: self.uptime_s(),
            workers: self.about.workers as u64,
            config: self.about.config.as_ref().map(|path| path.display().to_string()),
            generation: rules.generation(),
            reloads: self.reloads.load(Ordering::Relaxed),
            listen: texts(&bound.addresses),
            http: texts(&bound.http),
            encrypted: encrypted(&bound),
            certificate: self.about.tls.certificate().map(|it| certificate_state(&it, now_s())),
            awaited: texts(&bound.absent),
            not_served: bound.missing.clone(),
            side_effects: bound.side_effects.clone(),
            serves: rules.allow().iter().map(ToString::to_string).collect(),
            waiting: rules.waiting() as u64,
            network: self.network(),
            dead_zones: shared.silent_zones(usize::MAX).iter().filter(|zone| zone.dead).count()
                as u64,
            validation: ValidationReport {
                on: !service.worker().settings().anchors.is_empty(),
                negative_anchors: shared.negative_anchors.list(shared.now()).len() as u64,
            },
            clock_wrong_by_s: shared.clock_skew.wrong_by(),
            cache: self.cache(),
            second_level: second_level.map(|level| state(level.is_broken())),
            zones: zones::states(rules.local()),
            log_lost: self.count(Counter::LogLinesLost),
            query_log: self.about.query_log.folder().map(|path| path.display().to_string()),
            sandbox: self.about.sandbox.iter().map(layer).collect(),
            last_crash: self.about.last_crash.clone().map(|crash| {
                let ago_s = now_s().saturating_sub(crash.at_unix_s);
                Box::new(CrashReport { ago_s, ..crash })
            }),
            refused: rules.refused_clients(shared.now()),
            rebinding_denied: rules
                .denies_private_addresses()
                .then(|| self.count(Counter::ClientRebinding)),
            lists: policy_lists::lists_in_need(&self.about.policies),
            trend: history::trend_status(self).map(Box::new),
            problems: Vec::new(),
        };
        status.with_problems()
    }

    fn stats(&self) -> CounterStats {
        let counted = |counter: &Counter| (counter.name().to_owned(), self.count(*counter));
        let counters = Counter::ALL.iter().map(counted).collect();
        CounterStats { uptime_s: self.uptime_s(), counters }
    }

    fn metrics(&self, classic: bool) -> MetricsText {
        let format = if classic { MetricsFormat::Text } else { MetricsFormat::OpenMetrics };
        let octets = self.metrics_in(format, &self.status());
        MetricsText { text: String::from_utf8_lossy(&octets).into_owned() }
    }

    async fn lookup(&self, name: &str, rtype: &str) -> Result<LookupReport, AdminError> {
        let question = question(name, rtype).map_err(AdminError::invalid)?;
        Ok(report::look_up(&self.service(), &question).await)
    }

    fn add_negative_anchor(
        &self,
        zone: &str,
        seconds: u32,
    ) -> Result<NegativeAnchorAdded, AdminError> {
        let (zone, service) = (parse(zone)?, self.service());
        let shared = service.worker().shared();
        if seconds == 0 || seconds > MAX_NEGATIVE_ANCHOR_SECONDS {
            return Err(AdminError::invalid(format!(
                "seconds: write 1 to {MAX_NEGATIVE_ANCHOR_SECONDS} (a week)"
            )));
        }
        if !shared.negative_anchors.add(&zone, seconds, shared.now()) {
            let full = format!(
                "there are {MAX_NEGATIVE_ANCHORS} negative trust anchors already, the most there may be"
            );
            return Err(AdminError::failed(full));
        }
        for memory in service.memories() {
            // The resolver of a group takes the same zones as they come.
            memory.negative_anchors.add(&zone, seconds, memory.now());
            // Earlier verdicts of validation no longer hold.
            memory.cache.flush(&zone, true);
        }
        let zone = text(&zone);
        tracing::warn!("dnssec: {zone} is not validated for {seconds} s");
        Ok(NegativeAnchorAdded { zone, left_s: seconds })
    }

    fn remove_negative_anchor(&self, zone: &str) -> Result<NegativeAnchorRemoved, AdminError> {
        let (zone, service) = (parse(zone)?, self.service());
        let mut removed = false;
        for memory in service.memories() {
            removed |= memory.negative_anchors.remove(&zone);
            memory.cache.flush(&zone, true);
        }
        Ok(NegativeAnchorRemoved { zone: text(&zone), removed })
    }

    fn negative_anchors(&self) -> NegativeAnchorList {
        let service = self.service();
        let shared = service.worker().shared();
        let listed = shared.negative_anchors.list(shared.now()).into_iter();
        let zone = |(zone, left_s)| UnvalidatedZone { zone: text(&zone), left_s };
        NegativeAnchorList { zones: listed.map(zone).collect() }
    }

    fn servers(&self, zone: Option<&str>) -> Result<ServerList, AdminError> {
        let (service, name) = (self.service(), zone.map(parse).transpose()?);
        let (worker, now) = (service.worker(), service.worker().shared().now());
        let (zone, known) = match name {
            Some(name) => {
                let (zone, known) = worker.server_reports(&name);
                (Some(text(&zone)), known)
            }
            None => (None, worker.all_server_reports(MAX_SERVERS)),
        };
        let silent = worker.shared().silent_zones(MAX_SERVERS);
        let silent = silent.iter().map(|silent| report::silent_zone(silent, now));
        let is_wanted = |silent: &String| zone.as_ref().is_none_or(|zone| silent == zone);
        Ok(ServerList {
            servers: known.iter().map(|server| report::server(server, now)).collect(),
            silent_zones: silent.filter(|silent| is_wanted(&silent.zone)).collect(),
            reachability: report::reachability(worker.shared().broken_paths()),
            zone,
        })
    }

    fn networks(&self) -> LocalNetworks {
        let networks = self.networks.load();
        let routes = &self.routes.load();
        let strategy = self.strategy.load().as_deref().cloned();
        let networks = report::local_networks(&networks.facts, networks.id, routes);
        LocalNetworks { strategy, ..networks }
    }

    fn cache(&self) -> CacheFill {
        let service = self.service();
        let cache = &service.worker().shared().cache;
        let stats = cache.stats();
        CacheFill {
            entries: stats.entries as u64,
            used_bytes: stats.bytes as u64,
            limit_bytes: cache.limit() as u64,
            evicted: stats.evicted,
            queries: self.count(Counter::ClientQueries),
            cached: self.count(Counter::ClientCached),
            recursed: self.count(Counter::ClientRecursed),
            stale: self.count(Counter::ClientStale),
        }
    }

    fn cache_entries(&self, name: &str) -> Result<CacheEntries, AdminError> {
        let (name, service) = (parse(name)?, self.service());
        let shared = service.worker().shared();
        let (entries, more) = shared.cache.inspect(&name, shared.now());
        let entries = entries.iter().map(report::cache_entry).collect();
        Ok(CacheEntries { name: text(&name), entries, more: more as u64 })
    }

    async fn dump_cache(&self, file: File) -> Result<CacheDump, AdminError> {
        let service = self.service();
        let dump = move || {
            let (worker, shared) = (service.worker(), service.worker().shared());
            let fingerprints = keeper::fingerprints(worker.settings(), shared);
            keeper::dump(file, shared, fingerprints).map_err(|error| error.to_string())
        };
        let written_bytes = beside(dump).await?;
        Ok(CacheDump { written_bytes })
    }

    async fn load_cache(&self, file: File) -> Result<CacheLoad, AdminError> {
        let service = self.service();
        let load = move || {
            let (worker, shared) = (service.worker(), service.worker().shared());
            let fingerprints = keeper::fingerprints(worker.settings(), shared);
            keeper::bring(file, shared, fingerprints)
        };
        let loaded = beside(load).await?;
        let ImportStats { imported, skipped } = loaded.entries;
        let (imported, skipped) = (imported as u64, skipped as u64);
        Ok(CacheLoad { imported, skipped, age_s: loaded.age.as_secs() })
    }

    async fn flush(&self, name: &str, subtree: bool) -> Result<CacheFlush, AdminError> {
        let (name, service) = (parse(name)?, self.service());
        let shared = service.worker().shared();
        // The second level first, so that no entry returns in between.
        let there = match shared.second_level() {
            None => None,
            Some(second_level) => Some(second_level.forget(&name, subtree).await),
        };
        let (second_level, second_level_error) = match there {
            None => (None, None),
            Some(Ok(questions)) => (Some(questions as u64), None),
            Some(Err(why)) => (None, Some(why)),
        };
        let flushed = service.memories().map(|memory| memory.cache.flush(&name, subtree) as u64);
        let removed = flushed.sum();
        Ok(CacheFlush { removed, second_level, second_level_error })
    }

    fn explain_policy(
        &self,
        name: &str,
        rtype: &str,
        client: Option<&str>,
    ) -> Result<PolicyExplanation, AdminError> {
        let question = question(name, rtype).map_err(AdminError::invalid)?;
        policy::explain(&self.service(), &question, client)
    }

    fn policy_lists(&self) -> PolicyListReport {
        policy_lists::lists(&self.service(), &self.about.policies)
    }

    async fn review_lists(&self) -> Result<PolicyListReport, AdminError> {
        let (service, policies) = (self.service(), self.about.policies.clone());
        beside(move || policy_lists::review(&service, &policies)).await
    }

    fn pause_policy(
        &self,
        group: Option<&str>,
        seconds: u32,
    ) -> Result<PolicyPauseReport, AdminError> {
        policy::pause(&self.service(), &self.about.policies, group, seconds)
    }

    async fn update_lists(&self, list: Option<&str>) -> Result<PolicyListReport, AdminError> {
        let list = list.map(str::to_owned);
        self.ask_for_lists(|caller| ListRequest::Update { list, caller }).await
    }

    async fn accept_list(&self, list: &str) -> Result<PolicyListReport, AdminError> {
        let list = list.to_owned();
        self.ask_for_lists(|caller| ListRequest::Accept { list, caller }).await
    }

    async fn change_rule(
        &self,
        change: &OperatorRuleChange,
    ) -> Result<OperatorRuleReport, AdminError> {
        operator_rules::change(self, change).await
    }

    async fn past_queries(&self, filter: &PastQueryFilter) -> Result<PastQueries, AdminError> {
        past_queries::find(self, filter).await
    }

    fn day(&self) -> DayReport {
        self.day_so_far()
    }

    fn dashboard(&self) -> Result<DashboardLink, AdminError> {
        self.dashboard.link(&self.own)
    }

    async fn set_dashboard_password(
        &self,
        password: Option<&str>,
    ) -> Result<DashboardPasswordSet, AdminError> {
        let (own, password) = (self.own.upgrade(), password.map(str::to_owned));
        let own = own.ok_or_else(|| AdminError::failed("the daemon ends"))?;
        beside(move || {
            let set = own.dashboard.set_password(password.as_deref())?;
            own.open_dashboard_without_link();
            Ok(set)
        })
        .await
    }

    fn create_token(
        &self,
        name: &str,
        scope: TokenScope,
        seconds: u32,
    ) -> Result<TokenCreated, AdminError> {
        self.dashboard.create_token(&self.own, name, scope, seconds)
    }

    fn tokens(&self) -> TokenList {
        self.dashboard.tokens()
    }

    fn revoke_token(&self, name: &str) -> Result<TokenRevoked, AdminError> {
        self.dashboard.revoke_token(name)
    }

    fn settings(&self) -> SettingsReport {
        let source = self.source.load();
        let written = source.written().into_iter();
        let written = written.map(|WrittenSetting { key, value, line }| WrittenSettingReport {
            key,
            value,
            line: line as u64,
        });
        let defaults = source.at_defaults().into_iter();
        let defaults =
            defaults.map(|WrittenSetting { key, value, .. }| DefaultSettingReport { key, value });
        SettingsReport {
            file: self.about.config.as_ref().map(|path| path.display().to_string()),
            written: written.collect(),
            defaults: defaults.collect(),
        }
    }

    async fn reload(&self) -> Result<ReloadReport, AdminError> {
        let Some(requests) = &self.about.reloads else {
            return Err(AdminError::failed("there is no configuration to reload here"));
        };
        let (caller, report) = oneshot::channel();
        let ended = |_| AdminError::failed("the daemon ends");
        requests.send(caller).await.map_err(ended)?;
        report.await.map_err(|_| AdminError::failed("the daemon ends"))
    }

    fn origin(&self) -> Result<DaemonOrigin, AdminError> {
        let Some(origin) = self.about.origin.clone() else { return Err(no_hand_over()) };
        let ProcessOrigin { program, arguments, folder, variables, supervisor } = origin;
        let process = std::process::id();
        Ok(DaemonOrigin { process, program, arguments, folder, variables, supervisor })
    }

    async fn hand_over(&self) -> Result<HandOver, AdminError> {
        let requests = self.about.hand_overs.as_ref().ok_or_else(no_hand_over)?;
        let (caller, parts) = oneshot::channel();
        let ended = || AdminError::failed("the daemon ends");
        requests.send(caller).await.map_err(|_| ended())?;
        parts.await.map_err(|_| ended())?.map_err(AdminError::failed)
    }

    fn watch(&self, filter: &WatchFilter) -> Result<(WatchStarted, EventWatch), AdminError> {
        let admitted = EventFilter::of(filter).map_err(AdminError::invalid)?;
        self.watches.begin(&admitted, filter.most_a_second)
    }

    async fn why(&self, query: &WhyQuery) -> Result<WhyReport, AdminError> {
        history::why(self, query).await
    }

    async fn troubles(&self, failures: bool, seconds: u64) -> Result<TroubleReport, AdminError> {
        history::troubles(self, failures, seconds).await
    }

    async fn trend(&self, query: &TrendQuery) -> Result<TrendReport, AdminError> {
        history::trend(self, query).await
    }

    fn erase_history(&self) -> Result<HistoryErased, AdminError> {
        history::erase(self)
    }
}

/// The time over which outages are reported.
const DAY: Duration = Duration::from_secs(86_400);

impl<N: Network> Overseer<N> {
    fn network(&self) -> NetworkReport {
        let service = self.service();
        let shared = service.worker().shared();
        NetworkReport {
            down: shared.is_uplink_down(),
            loss: report::thousandths(shared.uplink_loss()),
            reachability: report::reachability(shared.broken_paths()),
            silent_networks: shared.silent_networks(),
            routes_reply: shared.do_routes_reply() || self.is_route_answered(),
            passage: report::passage(shared.network_state()),
            strategy: self.strategy.load().as_deref().cloned().map(Box::new),
            first_recursion: self.first_recursion.load().as_deref().cloned(),
            outages: OutageReport::of(&shared.outages(DAY)),
        }
    }
}

impl<N: Network> Overseer<N> {
    /// Sends a request about lists to the main thread, and reports the lists after.
    async fn ask_for_lists(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<(), String>>) -> ListRequest,
    ) -> Result<PolicyListReport, AdminError> {
        self.ask_main_thread(request).await?;
        Ok(self.policy_lists())
    }

    /// Sends a request about lists or rules to the main thread, and waits for the end.
    pub(super) async fn ask_main_thread<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, String>>) -> ListRequest,
    ) -> Result<T, AdminError> {
        let Some(requests) = &self.about.lists else {
            return Err(AdminError::failed("there are no lists here"));
        };
        let (caller, done) = oneshot::channel();
        let ended = || AdminError::failed("the daemon ends");
        requests.send(request(caller)).await.map_err(|_| ended())?;
        done.await.map_err(|_| ended())?.map_err(AdminError::invalid)
    }
}

fn no_hand_over() -> AdminError {
    AdminError::failed("this is no daemon that another one could take over")
}

/// The addresses over encrypted transports, as the configuration names addresses.
fn encrypted(bound: &ListenStatus) -> Vec<String> {
    let tls = bound.tls.iter().map(|address| format!("tls://{address}"));
    let https = bound.https.iter().map(|(address, path)| format!("https://{address}{path}"));
    tls.chain(https).collect()
}

fn certificate_state(certificate: &Certificate, now_s: u64) -> CertificateState {
    let not_after = i64::try_from(certificate.validity().not_after).unwrap_or(i64::MAX);
    let now = i64::try_from(now_s).unwrap_or(i64::MAX);
    CertificateState { names: certificate.names(), expires_in_s: not_after.saturating_sub(now) }
}

fn layer(layer: &Layer) -> LayerReport {
    let (on, text) = match &layer.state {
        LayerState::On(text) => (true, text.clone()),
        LayerState::Off(text) => (false, text.clone()),
    };
    LayerReport { name: layer.name.to_owned(), on, text }
}
