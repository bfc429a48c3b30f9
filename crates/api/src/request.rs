//! Requests to a running daemon.

use serde::{Deserialize, Serialize};

use crate::{
    AdminSecret, OperatorRuleChange, OperatorRuleEffect, PastQueryFilter, TokenScope, TrendQuery,
    WatchFilter, WhyQuery,
};

/// A request. [`crate::AdminReply`] has a variant of the same name for the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AdminRequest {
    /// How the daemon is doing.
    Status {},
    /// Every counter.
    Stats {},
    /// Every figure in a text format of Prometheus.
    Metrics {
        /// The older text format instead of OpenMetrics.
        #[serde(default)]
        classic: bool,
    },
    /// Resolve a name, and tell the way.
    Lookup {
        /// The name.
        name: String,
        /// The record type, such as `A` or `TYPE65280`.
        r#type: String,
    },
    /// Do not validate a zone for a time (RFC 7646).
    NtaAdd {
        /// The zone.
        name: String,
        /// Seconds until the zone is validated again.
        seconds: u32,
    },
    /// Validate a zone again.
    NtaRemove {
        /// The zone.
        name: String,
    },
    /// List zones without validation.
    NtaList {},
    /// List servers in the infra cache.
    Servers {
        /// A zone, or a name in a zone; `None` lists every server.
        zone: Option<String>,
    },
    /// The networks of the machine, and the zones that their resolvers answer.
    Network {},
    /// Size and use of the cache.
    Cache {},
    /// The cache entries of exactly one name.
    CacheLookup {
        /// The name.
        name: String,
    },
    /// Write the cache to the file beside the request.
    CacheDump {},
    /// Import the entries of the file beside the request.
    CacheLoad {},
    /// Remove the cache entries of a name.
    Flush {
        /// The name.
        name: String,
        /// Remove the entries of every name below, too.
        #[serde(default)]
        subtree: bool,
    },
    /// The rules of the policy that match a question, the deciding rule first.
    PolicyExplain {
        /// The name.
        name: String,
        /// The record type, such as `A`.
        r#type: String,
        /// The address of a client; `None` for this machine.
        client: Option<String>,
    },
    /// The lists and groups of the policy.
    PolicyLists {
        /// Look for rules that change nothing, which takes a second for a million names.
        #[serde(default)]
        review: bool,
    },
    /// Pause the policy.
    PolicyPause {
        /// The group; `None` for all groups.
        group: Option<String>,
        /// Seconds until the policy is in force again; 0 ends a pause.
        seconds: u32,
    },
    /// Fetch a list now, whatever its schedule. The reply is that of `policy-lists`, once the list is compiled.
    PolicyUpdate {
        /// The list; `None` for every list.
        list: Option<String>,
    },
    /// Put the version of a list that waits into force. The reply is that of `policy-lists`.
    PolicyAccept {
        /// The list.
        list: String,
    },
    /// Make a rule of the operator, or take one back.
    PolicyRule(OperatorRuleChange),
    /// The queries of the last day.
    Day {},
    /// Past queries, from the query log if there is one, else from the history.
    Queries(PastQueryFilter),
    /// A link into the dashboard, for one use. The daemon opens the dashboard, if it is not open.
    Dashboard {},
    /// Set the password of the dashboard, or remove it.
    DashboardPassword {
        /// The password; `None` for none.
        password: Option<AdminSecret>,
    },
    /// Make a token for a program.
    TokenCreate {
        /// The name by which the token is revoked.
        name: String,
        /// What the bearer may ask.
        scope: TokenScope,
        /// Seconds until the token ends.
        seconds: u32,
    },
    /// List tokens.
    TokenList {},
    /// End a token.
    TokenRevoke {
        /// The name.
        name: String,
    },
    /// The settings of the configuration file.
    Settings {},
    /// Read the configuration again, and put the new one into force.
    Reload {},
    /// How the daemon was started.
    Origin {},
    /// Give sockets, state folder and control socket to the caller, a new daemon. The old daemon serves on until the
    /// caller confirms.
    HandOver {},
    /// Report the events that the filter admits, from now on.
    Watch(WatchFilter),
    /// Past resolutions of a name, with the cause of each.
    Why(WhyQuery),
    /// The worst names, providers and servers of a time.
    Troubles {
        /// Failed questions alone; else slow ones.
        failures: bool,
        /// The seconds before now.
        seconds: u64,
    },
    /// What changed in the latencies of a year.
    Trend(TrendQuery),
    /// Forget every past resolution, and the latencies of the past.
    HistoryErase {},
}

impl AdminRequest {
    /// Every value of `do`.
    pub const KINDS: &[&str] = &[
        "status",
        "stats",
        "metrics",
        "lookup",
        "nta-add",
        "nta-remove",
        "nta-list",
        "servers",
        "network",
        "cache",
        "cache-lookup",
        "cache-dump",
        "cache-load",
        "flush",
        "policy-explain",
        "policy-lists",
        "policy-pause",
        "policy-update",
        "policy-accept",
        "policy-rule",
        "day",
        "queries",
        "dashboard",
        "dashboard-password",
        "token-create",
        "token-list",
        "token-revoke",
        "settings",
        "reload",
        "origin",
        "hand-over",
        "watch",
        "why",
        "troubles",
        "trend",
        "history-erase",
    ];

    /// The change or disclosure made by the request, if any, in the words of the command line.
    #[must_use]
    pub fn change(&self) -> Option<String> {
        match self {
            AdminRequest::NtaAdd { name, seconds } => {
                Some(format!("nta add {name:?} --for {seconds}"))
            }
            AdminRequest::NtaRemove { name } => Some(format!("nta remove {name:?}")),
            AdminRequest::CacheDump {} => Some("cache dump".to_owned()),
            AdminRequest::CacheLoad {} => Some("cache load".to_owned()),
            AdminRequest::Flush { name, subtree: false } => Some(format!("cache flush {name:?}")),
            AdminRequest::Flush { name, subtree: true } => {
                Some(format!("cache flush {name:?} --subtree"))
            }
            AdminRequest::PolicyPause { group, seconds } => {
                let group = group.iter().map(|group| format!(" --group {group:?}"));
                Some(format!("policy pause {seconds}{}", group.collect::<String>()))
            }
            AdminRequest::PolicyUpdate { list } => {
                let list = list.iter().map(|list| format!(" {list:?}"));
                Some(format!("policy update{}", list.collect::<String>()))
            }
            AdminRequest::PolicyAccept { list } => Some(format!("policy accept {list:?}")),
            AdminRequest::PolicyRule(change) => rule(change),
            AdminRequest::Queries(_) => Some("log".to_owned()),
            AdminRequest::Dashboard {} => Some("dashboard".to_owned()),
            AdminRequest::DashboardPassword { password } => {
                let remove = if password.is_some() { "" } else { " --remove" };
                Some(format!("dashboard password{remove}"))
            }
            AdminRequest::TokenCreate { name, scope, seconds } => {
                Some(format!("token create {name:?} --scope {} --expires {seconds}", scope.name()))
            }
            AdminRequest::TokenRevoke { name } => Some(format!("token revoke {name:?}")),
            AdminRequest::Reload {} => Some("reload".to_owned()),
            AdminRequest::HandOver {} => Some("hand over to a new daemon".to_owned()),
            AdminRequest::Watch(filter) => Some(watch(filter)),
            AdminRequest::Why(query) => Some(why(query)),
            AdminRequest::Troubles { failures, seconds } => {
                let command = if *failures { "failures" } else { "slow" };
                Some(format!("{command} --since {seconds}"))
            }
            AdminRequest::Trend(query) => Some(trend(query)),
            AdminRequest::HistoryErase {} => Some("history erase".to_owned()),
            AdminRequest::Status {}
            | AdminRequest::Stats {}
            | AdminRequest::Metrics { .. }
            | AdminRequest::Day {}
            | AdminRequest::Lookup { .. }
            | AdminRequest::Origin {}
            | AdminRequest::TokenList {}
            | AdminRequest::Settings {}
            | AdminRequest::NtaList {}
            | AdminRequest::Servers { .. }
            | AdminRequest::Network {}
            | AdminRequest::Cache {}
            | AdminRequest::PolicyExplain { .. }
            | AdminRequest::PolicyLists { .. }
            | AdminRequest::CacheLookup { .. } => None,
        }
    }
}

impl AdminRequest {
    /// The scope of a token that may ask this; `None` if the request is answered over the control socket alone: the answer
    /// is more than a reply, or gives something out that outlasts the token.
    #[must_use]
    pub fn scope(&self) -> Option<TokenScope> {
        Some(match self {
            AdminRequest::Status {}
            | AdminRequest::Stats {}
            | AdminRequest::Metrics { .. }
            | AdminRequest::Lookup { .. }
            | AdminRequest::NtaList {}
            | AdminRequest::Servers { .. }
            | AdminRequest::Network {}
            | AdminRequest::Cache {}
            | AdminRequest::CacheLookup { .. }
            | AdminRequest::PolicyExplain { .. }
            | AdminRequest::PolicyLists { .. }
            | AdminRequest::Day {}
            | AdminRequest::Queries(_)
            | AdminRequest::Settings {}
            | AdminRequest::Trend(_)
            | AdminRequest::Why(_)
            | AdminRequest::Troubles { .. } => TokenScope::Read,
            AdminRequest::PolicyPause { .. }
            | AdminRequest::PolicyUpdate { .. }
            | AdminRequest::PolicyAccept { .. }
            | AdminRequest::PolicyRule(_) => TokenScope::Policy,
            AdminRequest::NtaAdd { .. }
            | AdminRequest::NtaRemove { .. }
            | AdminRequest::Flush { .. }
            | AdminRequest::Reload {}
            | AdminRequest::HistoryErase {} => TokenScope::Admin,
            AdminRequest::CacheDump {}
            | AdminRequest::CacheLoad {}
            | AdminRequest::Dashboard {}
            | AdminRequest::DashboardPassword { .. }
            | AdminRequest::TokenCreate { .. }
            | AdminRequest::TokenList {}
            | AdminRequest::TokenRevoke { .. }
            | AdminRequest::Origin {}
            | AdminRequest::HandOver {}
            | AdminRequest::Watch(_) => return None,
        })
    }
}

/// A rule of the operator in the words of the command line; `None` if nothing changes.
fn rule(change: &OperatorRuleChange) -> Option<String> {
    let OperatorRuleChange { name, effect, group, trial, .. } = change;
    let verb = match effect {
        Some(OperatorRuleEffect::Block) => "block",
        Some(OperatorRuleEffect::Allow) => "allow",
        None => "unblock",
    };
    let group = group.iter().map(|group| format!(" --group {group:?}"));
    let told = [format!("policy {verb} {name:?}")].into_iter().chain(group).collect();
    (!trial).then_some(told)
}

/// A watch in the words of the command line.
fn watch(filter: &WatchFilter) -> String {
    let WatchFilter { client, name, failed, most_a_second: _ } = filter;
    let client = client.iter().map(|client| format!(" --client {client:?}"));
    let name = name.iter().map(|name| format!(" --name {name:?}"));
    let failed = failed.then(|| " --failed".to_owned());
    ["watch".to_owned()].into_iter().chain(client).chain(name).chain(failed).collect()
}

/// A question about latencies in the words of the command line.
fn trend(query: &TrendQuery) -> String {
    let TrendQuery { seconds, provider } = query;
    let since = seconds.iter().map(|seconds| format!(" --since {seconds}"));
    let provider = provider.iter().map(|provider| format!(" --provider {provider:?}"));
    ["trend".to_owned()].into_iter().chain(since).chain(provider).collect()
}

/// A look into the history in the words of the command line.
fn why(query: &WhyQuery) -> String {
    let WhyQuery { name, client, at_s, live_type } = query;
    let client = client.iter().map(|client| format!(" --client {client:?}"));
    let at = at_s.iter().map(|at| format!(" --at {at}"));
    let live = live_type.iter().map(|rtype| format!(" {rtype:?} --live"));
    [format!("why {name:?}")].into_iter().chain(client).chain(at).chain(live).collect()
}
