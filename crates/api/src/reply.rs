//! Replies of a running daemon.

use serde::{Deserialize, Serialize};

use crate::{
    AdminError, CacheDump, CacheEntries, CacheFill, CacheFlush, CacheLoad, CounterStats,
    DaemonOrigin, DaemonStatus, DashboardLink, DashboardPasswordSet, DayReport, HandOverReport,
    HistoryErased, LocalNetworks, LookupReport, MetricsText, NegativeAnchorAdded,
    NegativeAnchorList, NegativeAnchorRemoved, OperatorRuleReport, PastQueries, PolicyExplanation,
    PolicyListReport, PolicyPauseReport, ReloadReport, ServerList, SettingsReport, TokenCreated,
    TokenList, TokenRevoked, TrendReport, TroubleReport, WatchStarted, WhyReport,
};

/// A reply: the result of the request of the same name, or an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "reply", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each variant has the name of its request")]
pub enum AdminReply {
    // Boxed, since it is by far the largest.
    Status(Box<DaemonStatus>),
    Stats(CounterStats),
    Metrics(MetricsText),
    Lookup(LookupReport),
    NtaAdd(NegativeAnchorAdded),
    NtaRemove(NegativeAnchorRemoved),
    NtaList(NegativeAnchorList),
    Servers(ServerList),
    Network(LocalNetworks),
    Cache(CacheFill),
    CacheLookup(CacheEntries),
    CacheDump(CacheDump),
    CacheLoad(CacheLoad),
    Flush(CacheFlush),
    PolicyExplain(PolicyExplanation),
    PolicyLists(PolicyListReport),
    PolicyPause(PolicyPauseReport),
    PolicyRule(OperatorRuleReport),
    Day(DayReport),
    Queries(PastQueries),
    Dashboard(DashboardLink),
    DashboardPassword(DashboardPasswordSet),
    TokenCreate(TokenCreated),
    TokenList(TokenList),
    TokenRevoke(TokenRevoked),
    Settings(SettingsReport),
    Reload(ReloadReport),
    Origin(DaemonOrigin),
    HandOver(HandOverReport),
    Watch(WatchStarted),
    Why(WhyReport),
    Troubles(TroubleReport),
    Trend(TrendReport),
    HistoryErase(HistoryErased),
    Error(AdminError),
}

impl<T: Into<AdminReply>> From<Result<T, AdminError>> for AdminReply {
    fn from(outcome: Result<T, AdminError>) -> Self {
        outcome.map_or_else(AdminReply::Error, Into::into)
    }
}

/// Each result is a reply; a reply is the expected result, or an error.
macro_rules! results {
    ($($variant:ident $result:ty;)*) => {$(
        impl From<$result> for AdminReply {
            fn from(result: $result) -> Self {
                AdminReply::$variant(result)
            }
        }

        impl TryFrom<AdminReply> for $result {
            type Error = AdminError;

            fn try_from(reply: AdminReply) -> Result<Self, AdminError> {
                match reply {
                    AdminReply::$variant(result) => Ok(result),
                    AdminReply::Error(error) => Err(error),
                    _ => Err(AdminError::unexpected_reply()),
                }
            }
        }
    )*};
}

impl From<DaemonStatus> for AdminReply {
    fn from(status: DaemonStatus) -> Self {
        AdminReply::Status(Box::new(status))
    }
}

impl TryFrom<AdminReply> for DaemonStatus {
    type Error = AdminError;

    fn try_from(reply: AdminReply) -> Result<Self, AdminError> {
        match reply {
            AdminReply::Status(status) => Ok(*status),
            AdminReply::Error(error) => Err(error),
            _ => Err(AdminError::unexpected_reply()),
        }
    }
}

results! {
    Stats CounterStats;
    Metrics MetricsText;
    Lookup LookupReport;
    NtaAdd NegativeAnchorAdded;
    NtaRemove NegativeAnchorRemoved;
    NtaList NegativeAnchorList;
    Servers ServerList;
    Network LocalNetworks;
    Cache CacheFill;
    CacheLookup CacheEntries;
    CacheDump CacheDump;
    CacheLoad CacheLoad;
    Flush CacheFlush;
    PolicyExplain PolicyExplanation;
    PolicyLists PolicyListReport;
    PolicyPause PolicyPauseReport;
    PolicyRule OperatorRuleReport;
    Day DayReport;
    Queries PastQueries;
    Dashboard DashboardLink;
    DashboardPassword DashboardPasswordSet;
    TokenCreate TokenCreated;
    TokenList TokenList;
    TokenRevoke TokenRevoked;
    Settings SettingsReport;
    Reload ReloadReport;
    Origin DaemonOrigin;
    HandOver HandOverReport;
    Watch WatchStarted;
    Why WhyReport;
    Troubles TroubleReport;
    Trend TrendReport;
    HistoryErase HistoryErased;
}
