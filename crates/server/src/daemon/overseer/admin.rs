//! The answers to requests of people and programs.

use std::fs::File;

use tokio::sync::oneshot;
use zoners_api::{
    Admin, AdminError, CacheDump, CacheEntries, CacheFill, CacheFlush, CacheLoad, CounterStats,
    DaemonOrigin, DaemonStatus, DashboardLink, DashboardPasswordSet, DayReport, HandOver,
    HistoryErased, LocalNetworks, LookupReport, MetricsText, NegativeAnchorAdded,
    NegativeAnchorList, NegativeAnchorRemoved, OperatorRuleChange, OperatorRuleReport, PastQueries,
    PastQueryFilter, PolicyExplanation, PolicyListReport, PolicyPauseReport, ReloadReport,
    ServerList, SettingsReport, TokenCreated, TokenList, TokenRevoked, TokenScope, TrendQuery,
    TrendReport, TroubleReport, WatchFilter, WatchStarted, WhyQuery, WhyReport,
};
use zoners_dns::{Counter, Network};
use zoners_host::origin::ProcessOrigin;
use zoners_telemetry::metrics::MetricsFormat;

use super::requests::{beside, parse};
use super::watches::EventWatch;
use super::{
    Overseer, cache, history, negative_anchors, operator_rules, past_queries, policy, policy_lists,
    settings, status,
};
use crate::control::question;
use crate::daemon::list_requests::ListRequest;
use crate::events::EventFilter;
use crate::report::{self, text};

/// The most servers in a list of every server.
const MAX_SERVERS: usize = 2000;

impl<N: Network> Admin for Overseer<N> {
    type Events = EventWatch;

    fn status(&self) -> DaemonStatus {
        status::status(self)
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
        negative_anchors::add(self, zone, seconds)
    }

    fn remove_negative_anchor(&self, zone: &str) -> Result<NegativeAnchorRemoved, AdminError> {
        negative_anchors::remove(self, zone)
    }

    fn negative_anchors(&self) -> NegativeAnchorList {
        negative_anchors::list(self)
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
        cache::fill(self)
    }

    fn cache_entries(&self, name: &str) -> Result<CacheEntries, AdminError> {
        cache::entries(self, name)
    }

    async fn dump_cache(&self, file: File) -> Result<CacheDump, AdminError> {
        cache::dump(self, file).await
    }

    async fn load_cache(&self, file: File) -> Result<CacheLoad, AdminError> {
        cache::load(self, file).await
    }

    async fn flush(&self, name: &str, subtree: bool) -> Result<CacheFlush, AdminError> {
        cache::flush(self, name, subtree).await
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
        settings::settings(self)
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
