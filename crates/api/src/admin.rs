//! The trait of a daemon that answers requests.

use std::fs::File;
use std::future::Future;

use crate::{
    AdminError, AdminReply, AdminRequest, CacheDump, CacheEntries, CacheFill, CacheFlush,
    CacheLoad, CounterStats, DaemonOrigin, DaemonStatus, DashboardLink, DashboardPasswordSet,
    DayReport, EventStream, HandOver, HistoryErased, LocalNetworks, LookupReport, MetricsText,
    NegativeAnchorAdded, NegativeAnchorList, NegativeAnchorRemoved, OperatorRuleChange,
    OperatorRuleReport, PastQueries, PastQueryFilter, PolicyExplanation, PolicyListReport,
    PolicyPauseReport, ReloadReport, ServerList, SettingsReport, TokenCreated, TokenList,
    TokenRevoked, TokenScope, TrendQuery, TrendReport, TroubleReport, WatchFilter, WatchStarted,
    WhyQuery, WhyReport,
};

/// A result that takes time.
macro_rules! soon {
    ($result:ty) => { impl Future<Output = Result<$result, AdminError>> + Send };
}

/// A running daemon that answers requests. Names and record types are texts in the spelling of a person.
pub trait Admin: Send + Sync + 'static {
    /// The events of a watch.
    type Events: EventStream;

    /// How the daemon is doing.
    fn status(&self) -> DaemonStatus;

    /// Every counter, summed over workers.
    fn stats(&self) -> CounterStats;

    /// Every figure in OpenMetrics, or in the older text format of Prometheus.
    fn metrics(&self, classic: bool) -> MetricsText;

    /// Resolves a name, and tells the way.
    fn lookup(&self, name: &str, rtype: &str) -> soon!(LookupReport);

    /// Does not validate a zone for `seconds`.
    ///
    /// # Errors
    /// The name is none, the time is too long, or too many zones are not validated already.
    fn add_negative_anchor(
        &self,
        zone: &str,
        seconds: u32,
    ) -> Result<NegativeAnchorAdded, AdminError>;

    /// Validates a zone again.
    ///
    /// # Errors
    /// The name is none.
    fn remove_negative_anchor(&self, zone: &str) -> Result<NegativeAnchorRemoved, AdminError>;

    /// Zones without validation.
    fn negative_anchors(&self) -> NegativeAnchorList;

    /// The infra cache on the servers for a question below `zone`, or on every server.
    ///
    /// # Errors
    /// The name is none.
    fn servers(&self, zone: Option<&str>) -> Result<ServerList, AdminError>;

    /// The networks of the machine, and the zones that their resolvers answer.
    fn networks(&self) -> LocalNetworks;

    /// Size and use of the cache.
    fn cache(&self) -> CacheFill;

    /// The cache entries of exactly one name.
    ///
    /// # Errors
    /// The name is none.
    fn cache_entries(&self, name: &str) -> Result<CacheEntries, AdminError>;

    /// Writes the cache to an open file of the caller.
    fn dump_cache(&self, file: File) -> soon!(CacheDump);

    /// Imports the entries of an open file of the caller. Each entry is validated again before use.
    fn load_cache(&self, file: File) -> soon!(CacheLoad);

    /// Removes the cache entries of a name, and with `subtree` of every name below, here and in the second level.
    fn flush(&self, name: &str, subtree: bool) -> soon!(CacheFlush);

    /// The rules of the policy that match a question, the deciding rule first.
    ///
    /// # Errors
    /// The name, the type or the address is none, or no policy is in force.
    fn explain_policy(
        &self,
        name: &str,
        rtype: &str,
        client: Option<&str>,
    ) -> Result<PolicyExplanation, AdminError>;

    /// The lists and groups of the policy.
    fn policy_lists(&self) -> PolicyListReport;

    /// The same, with the rules that change nothing. Takes a second for a million names.
    fn review_lists(&self) -> soon!(PolicyListReport);

    /// Pauses the policy of a group, or of all groups, for `seconds`; 0 ends a pause.
    ///
    /// # Errors
    /// There is no such group, no policy is in force, or the time is too long.
    fn pause_policy(
        &self,
        group: Option<&str>,
        seconds: u32,
    ) -> Result<PolicyPauseReport, AdminError>;

    /// Fetches a list now, or every list; ends once the lists are compiled.
    fn update_lists(&self, list: Option<&str>) -> soon!(PolicyListReport);

    /// Puts the version of a list that waits into force; ends once the list is compiled.
    fn accept_list(&self, list: &str) -> soon!(PolicyListReport);

    /// Makes a rule of the operator or takes one back, and tells what that changes; ends once the rule is in force.
    fn change_rule(&self, change: &OperatorRuleChange) -> soon!(OperatorRuleReport);

    /// Past queries, from the query log if there is one, else from the history.
    fn past_queries(&self, filter: &PastQueryFilter) -> soon!(PastQueries);

    /// The queries of the last day.
    fn day(&self) -> DayReport;

    /// A link into the dashboard, which is opened if it is not open.
    ///
    /// # Errors
    /// The configuration has no dashboard, or its address cannot be bound.
    fn dashboard(&self) -> Result<DashboardLink, AdminError>;

    /// Sets the password of the dashboard, or removes it; ends every session over a network.
    fn set_dashboard_password(&self, password: Option<&str>) -> soon!(DashboardPasswordSet);

    /// Makes a token that ends after `seconds`.
    ///
    /// # Errors
    /// Name or time are not allowed, there are too many tokens, or the token cannot be kept.
    fn create_token(
        &self,
        name: &str,
        scope: TokenScope,
        seconds: u32,
    ) -> Result<TokenCreated, AdminError>;

    /// The tokens that have not ended.
    fn tokens(&self) -> TokenList;

    /// Ends a token.
    ///
    /// # Errors
    /// There is no such token, or the change cannot be kept.
    fn revoke_token(&self, name: &str) -> Result<TokenRevoked, AdminError>;

    /// The settings of the configuration file.
    fn settings(&self) -> SettingsReport;

    /// Reads the configuration again, and puts the new one into force.
    fn reload(&self) -> soon!(ReloadReport);

    /// How the daemon was started.
    ///
    /// # Errors
    /// The daemon cannot be started anew.
    fn origin(&self) -> Result<DaemonOrigin, AdminError>;

    /// Writes the cache for a new daemon, and duplicates everything that the new daemon needs of this one.
    fn hand_over(&self) -> soon!(HandOver);

    /// Begins to collect the events that `filter` admits, until the stream is dropped.
    ///
    /// # Errors
    /// The filter has a name or a prefix that is none, or too many watches are under way.
    fn watch(&self, filter: &WatchFilter) -> Result<(WatchStarted, Self::Events), AdminError>;

    /// Past resolutions of a name, or one of now, with the cause of each.
    fn why(&self, query: &WhyQuery) -> soon!(WhyReport);

    /// The worst names, providers and servers of the last `seconds`.
    fn troubles(&self, failures: bool, seconds: u64) -> soon!(TroubleReport);

    /// What changed in the latencies of a year.
    ///
    /// # Errors
    /// No latencies are kept.
    fn trend(&self, query: &TrendQuery) -> soon!(TrendReport);

    /// Forgets every past resolution, and the latencies of the past.
    ///
    /// # Errors
    /// There is no daemon.
    fn erase_history(&self) -> Result<HistoryErased, AdminError>;
}

/// The answer to a request.
#[derive(Debug)]
pub enum AdminAnswer<E> {
    /// A reply.
    Reply(AdminReply),
    /// A reply, and the events that follow.
    Events(AdminReply, E),
    /// The descriptors for a new daemon, after the reply.
    HandOver(HandOver),
}

/// Lets the daemon answer a request. `file` is an open file from the same caller.
pub async fn answer<A: Admin>(
    admin: &A,
    request: AdminRequest,
    file: Option<File>,
) -> AdminAnswer<A::Events> {
    let reply = match request {
        AdminRequest::Status {} => admin.status().into(),
        AdminRequest::Stats {} => admin.stats().into(),
        AdminRequest::Metrics { classic } => admin.metrics(classic).into(),
        AdminRequest::Lookup { name, r#type } => admin.lookup(&name, &r#type).await.into(),
        AdminRequest::NtaAdd { name, seconds } => admin.add_negative_anchor(&name, seconds).into(),
        AdminRequest::NtaRemove { name } => admin.remove_negative_anchor(&name).into(),
        AdminRequest::NtaList {} => admin.negative_anchors().into(),
        AdminRequest::Servers { zone } => admin.servers(zone.as_deref()).into(),
        AdminRequest::Network {} => admin.networks().into(),
        AdminRequest::Cache {} => admin.cache().into(),
        AdminRequest::CacheLookup { name } => admin.cache_entries(&name).into(),
        AdminRequest::CacheDump {} => match plain(file) {
            Ok(file) => admin.dump_cache(file).await.into(),
            Err(error) => AdminReply::Error(error),
        },
        AdminRequest::CacheLoad {} => match plain(file) {
            Ok(file) => admin.load_cache(file).await.into(),
            Err(error) => AdminReply::Error(error),
        },
        AdminRequest::Flush { name, subtree } => admin.flush(&name, subtree).await.into(),
        AdminRequest::PolicyExplain { name, r#type, client } => {
            admin.explain_policy(&name, &r#type, client.as_deref()).into()
        }
        AdminRequest::PolicyLists { review: false } => admin.policy_lists().into(),
        AdminRequest::PolicyLists { review: true } => admin.review_lists().await.into(),
        AdminRequest::PolicyPause { group, seconds } => {
            admin.pause_policy(group.as_deref(), seconds).into()
        }
        AdminRequest::PolicyUpdate { list } => admin.update_lists(list.as_deref()).await.into(),
        AdminRequest::PolicyAccept { list } => admin.accept_list(&list).await.into(),
        AdminRequest::PolicyRule(change) => admin.change_rule(&change).await.into(),
        AdminRequest::Day {} => admin.day().into(),
        AdminRequest::Queries(filter) => admin.past_queries(&filter).await.into(),
        AdminRequest::Dashboard {} => admin.dashboard().into(),
        AdminRequest::DashboardPassword { password } => {
            let password = password.as_ref().map(|secret| &*secret.0);
            admin.set_dashboard_password(password).await.into()
        }
        AdminRequest::TokenCreate { name, scope, seconds } => {
            admin.create_token(&name, scope, seconds).into()
        }
        AdminRequest::TokenList {} => admin.tokens().into(),
        AdminRequest::TokenRevoke { name } => admin.revoke_token(&name).into(),
        AdminRequest::Settings {} => admin.settings().into(),
        AdminRequest::Reload {} => admin.reload().await.into(),
        AdminRequest::Origin {} => admin.origin().into(),
        AdminRequest::HandOver {} => match admin.hand_over().await {
            Ok(parts) => return AdminAnswer::HandOver(parts),
            Err(error) => AdminReply::Error(error),
        },
        AdminRequest::Watch(filter) => match admin.watch(&filter) {
            Ok((started, events)) => return AdminAnswer::Events(started.into(), events),
            Err(error) => AdminReply::Error(error),
        },
        AdminRequest::Why(query) => admin.why(&query).await.into(),
        AdminRequest::Troubles { failures, seconds } => {
            admin.troubles(failures, seconds).await.into()
        }
        AdminRequest::Trend(query) => admin.trend(&query).await.into(),
        AdminRequest::HistoryErase {} => admin.erase_history().into(),
    };
    AdminAnswer::Reply(reply)
}

/// The file, if plain: reading a pipe or a device could take for ever.
fn plain(file: Option<File>) -> Result<File, AdminError> {
    let is_plain = |file: &File| file.metadata().is_ok_and(|about| about.is_file());
    let missing = || AdminError::invalid("no plain file came with the request");
    file.filter(is_plain).ok_or_else(missing)
}
