//! A daemon without a server behind it.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;
use zoners_api::{
    Admin, AdminError, AdminEvent, CacheDump, CacheEntries, CacheFill, CacheFlush, CacheLoad,
    CounterStats, DaemonOrigin, DaemonStatus, DashboardLink, DashboardPasswordSet, DayReport,
    DefaultSettingReport, EventStream, FinishedQuery, HandOver, HistoryErased, HistoryFill,
    LocalNetworks, LookupReport, MetricsText, NegativeAnchorAdded, NegativeAnchorList,
    NegativeAnchorRemoved, OperatorRuleChange, OperatorRuleReport, OperatorRuleState, PastQueries,
    PastQueryFilter, PastQuerySource, PolicyExplanation, PolicyListReport, PolicyPauseReport,
    QueryOutcome, ReloadReport, ServerList, SettingsReport, TokenCreated, TokenList, TokenRevoked,
    TokenScope, TrendQuery, TrendReport, TroubleReport, WatchFilter, WatchStarted, WhyQuery,
    WhyReport, WrittenSettingReport,
};

/// The pauses that were asked for: group and seconds.
type Pauses = Vec<(Option<String>, u32)>;

/// A daemon with few answers, which keeps the pauses and sends events at the test's word.
#[derive(Debug, Default)]
pub(crate) struct TestAdmin {
    pauses: Mutex<Pauses>,
    rules: Mutex<Vec<OperatorRuleState>>,
    watch: Mutex<Option<mpsc::UnboundedSender<Vec<AdminEvent>>>>,
    watches: Arc<AtomicUsize>,
}

/// The events of a watch.
#[derive(Debug)]
pub(crate) struct TestEvents {
    events: mpsc::UnboundedReceiver<Vec<AdminEvent>>,
    watches: Arc<AtomicUsize>,
}

impl TestAdmin {
    pub(crate) fn pauses(&self) -> Pauses {
        self.pauses.lock().clone()
    }

    /// The rules of the operator.
    pub(crate) fn rules(&self) -> Vec<OperatorRuleState> {
        self.rules.lock().clone()
    }

    /// Watches under way.
    pub(crate) fn watches(&self) -> usize {
        self.watches.load(Ordering::Relaxed)
    }

    /// Tells the watch of queries for these names.
    pub(crate) fn end_queries(&self, names: &[&str]) {
        let events = names.iter().map(|name| AdminEvent::Query(query(name))).collect();
        let watch = self.watch.lock();
        watch.as_ref().map(|watch| watch.send(events).unwrap()).unwrap();
    }
}

impl EventStream for TestEvents {
    async fn next_events(&mut self) -> Vec<AdminEvent> {
        match self.events.recv().await {
            Some(events) => events,
            None => std::future::pending().await,
        }
    }
}

impl Drop for TestEvents {
    fn drop(&mut self) {
        self.watches.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A query for a name.
fn query(name: &str) -> FinishedQuery {
    FinishedQuery {
        received_s: 0,
        client: "127.0.0.1".into(),
        transport: "udp".into(),
        name: Some(name.to_owned()),
        r#type: Some("A".into()),
        outcome: Some(QueryOutcome::Cached),
        rcode: Some("NOERROR".into()),
        ede: None,
        failed: false,
        took_ms: 0.2,
    }
}

fn explanation(name: &str) -> PolicyExplanation {
    PolicyExplanation {
        name: name.to_owned(),
        r#type: "A".into(),
        client: "127.0.0.1".into(),
        group: "default".into(),
        paused: false,
        schedules: Vec::new(),
        rules: Vec::new(),
        rebinding: None,
    }
}

/// The error of everything that the tests do not ask for.
fn none<T>() -> Result<T, AdminError> {
    Err(AdminError::failed("not in this test"))
}

impl Admin for TestAdmin {
    type Events = TestEvents;

    fn status(&self) -> DaemonStatus {
        DaemonStatus::default()
    }

    fn stats(&self) -> CounterStats {
        CounterStats::default()
    }

    fn metrics(&self, _: bool) -> MetricsText {
        MetricsText { text: String::new() }
    }

    async fn lookup(&self, _: &str, _: &str) -> Result<LookupReport, AdminError> {
        none()
    }

    fn add_negative_anchor(&self, _: &str, _: u32) -> Result<NegativeAnchorAdded, AdminError> {
        none()
    }

    fn remove_negative_anchor(&self, _: &str) -> Result<NegativeAnchorRemoved, AdminError> {
        none()
    }

    fn negative_anchors(&self) -> NegativeAnchorList {
        NegativeAnchorList::default()
    }

    fn servers(&self, _: Option<&str>) -> Result<ServerList, AdminError> {
        Ok(ServerList::default())
    }

    fn networks(&self) -> LocalNetworks {
        LocalNetworks::default()
    }

    fn cache(&self) -> CacheFill {
        CacheFill::default()
    }

    fn cache_entries(&self, _: &str) -> Result<CacheEntries, AdminError> {
        none()
    }

    async fn dump_cache(&self, _: File) -> Result<CacheDump, AdminError> {
        none()
    }

    async fn load_cache(&self, _: File) -> Result<CacheLoad, AdminError> {
        none()
    }

    async fn flush(&self, _: &str, _: bool) -> Result<CacheFlush, AdminError> {
        none()
    }

    fn explain_policy(
        &self,
        _: &str,
        _: &str,
        _: Option<&str>,
    ) -> Result<PolicyExplanation, AdminError> {
        none()
    }

    fn policy_lists(&self) -> PolicyListReport {
        PolicyListReport {
            operator_rules: self.rules.lock().clone(),
            ..PolicyListReport::default()
        }
    }

    async fn review_lists(&self) -> Result<PolicyListReport, AdminError> {
        none()
    }

    fn pause_policy(
        &self,
        group: Option<&str>,
        seconds: u32,
    ) -> Result<PolicyPauseReport, AdminError> {
        let group = group.map(str::to_owned);
        self.pauses.lock().push((group.clone(), seconds));
        Ok(PolicyPauseReport { group, left_s: seconds })
    }

    async fn update_lists(&self, _: Option<&str>) -> Result<PolicyListReport, AdminError> {
        none()
    }

    async fn accept_list(&self, _: &str) -> Result<PolicyListReport, AdminError> {
        none()
    }

    async fn why(&self, query: &WhyQuery) -> Result<WhyReport, AdminError> {
        Ok(WhyReport {
            name: query.name.clone(),
            resolutions: Vec::new(),
            names_below: Vec::new(),
            history: HistoryFill::default(),
        })
    }

    async fn troubles(&self, _: bool, _: u64) -> Result<TroubleReport, AdminError> {
        none()
    }

    async fn trend(&self, _: &TrendQuery) -> Result<TrendReport, AdminError> {
        Ok(TrendReport::default())
    }

    fn erase_history(&self) -> Result<HistoryErased, AdminError> {
        none()
    }

    async fn change_rule(
        &self,
        change: &OperatorRuleChange,
    ) -> Result<OperatorRuleReport, AdminError> {
        let OperatorRuleChange { name, effect, group, trial, .. } = change.clone();
        if !trial {
            let mut rules = self.rules.lock();
            rules.retain(|rule| rule.name != name || rule.group != group);
            let rule =
                |effect| OperatorRuleState { name: name.clone(), effect, group: group.clone() };
            rules.extend(effect.map(rule));
        }
        let (before, after) = (explanation(&name), explanation(&name));
        let (former, file) = (None, None);
        Ok(OperatorRuleReport { name, effect, group, former, trial, before, after, file })
    }

    async fn past_queries(&self, filter: &PastQueryFilter) -> Result<PastQueries, AdminError> {
        let asked = filter.name.as_deref().unwrap_or("past.example.");
        let queries = vec![query(asked)];
        Ok(PastQueries { source: PastQuerySource::Log, queries, more: true, took_ms: 1.0 })
    }

    fn day(&self) -> DayReport {
        DayReport::default()
    }

    fn dashboard(&self) -> Result<DashboardLink, AdminError> {
        none()
    }

    async fn set_dashboard_password(
        &self,
        _: Option<&str>,
    ) -> Result<DashboardPasswordSet, AdminError> {
        none()
    }

    fn create_token(&self, _: &str, _: TokenScope, _: u32) -> Result<TokenCreated, AdminError> {
        none()
    }

    fn tokens(&self) -> TokenList {
        TokenList::default()
    }

    fn revoke_token(&self, _: &str) -> Result<TokenRevoked, AdminError> {
        none()
    }

    fn settings(&self) -> SettingsReport {
        let written =
            WrittenSettingReport { key: "server.threads".into(), value: "3".into(), line: 7 };
        let default = DefaultSettingReport { key: "cache.size".into(), value: "\"64MiB\"".into() };
        let file = Some("/etc/zoners/zoners.toml".into());
        SettingsReport { file, written: vec![written], defaults: vec![default] }
    }

    async fn reload(&self) -> Result<ReloadReport, AdminError> {
        none()
    }

    fn origin(&self) -> Result<DaemonOrigin, AdminError> {
        none()
    }

    async fn hand_over(&self) -> Result<HandOver, AdminError> {
        none()
    }

    fn watch(&self, _: &WatchFilter) -> Result<(WatchStarted, TestEvents), AdminError> {
        let (sender, events) = mpsc::unbounded_channel();
        *self.watch.lock() = Some(sender);
        self.watches.fetch_add(1, Ordering::Relaxed);
        Ok((WatchStarted::default(), TestEvents { events, watches: self.watches.clone() }))
    }
}
