//! The administration of a running Zoners: requests, replies and events as types, and the trait [`Admin`] of the
//! answering daemon.
//!
//! Three doors lead into this hall: the control socket, the command line, and the web. A door is an adapter: an
//! [`AdminRequest`] is read, [`answer`] asks the [`Admin`], and the [`AdminReply`] is written. So this crate does no
//! I/O and knows no DNS: names and record types are texts, to be parsed by the daemon.
//!
//! # JSON
//!
//! A request is a JSON object in a line, and so is a reply. `--json` of the commands prints the same replies.
//!
//! | object | tag | further fields |
//! |---|---|---|
//! | request | `do`: a value of [`AdminRequest::KINDS`] | of the variant; an unknown field is an error |
//! | reply | `reply`: as the variants of [`AdminReply`] | of the type |
//! | event | `event`: as the variants of [`AdminEvent`] | of the type |
//!
//! Descriptors follow the reply to the request `hand-over` (`SCM_RIGHTS`), in portions with an octet each; the caller,
//! a new daemon, confirms with the line `confirmed`, and gets `ends` or `too late`.
//!
//! Events follow the reply to the request `watch`, a line each, until the caller leaves or sends anything.
//!
//! The names of fields end in their unit: `_ms` milliseconds (a fraction is possible), `_s` whole seconds,
//! `_bytes` octets. A field without a unit is a count, a text or true or false. `null` stands for "not known"
//! or "none". Names of domains end with a dot, and are written as in zone files (RFC 1035 section 5.1).
//!
//! # Versions
//!
//! Each object has a `version`, which is [`VERSION`]; a request without a version is of version 1. Within a version,
//! fields and kinds of requests, replies, events and values may be added: a reader passes over unknown fields. An
//! existing field keeps name, type, unit and meaning. Every further change makes a new version, named in
//! CHANGELOG.md. Texts for people (`message`, `text`, `trouble`, `advice` …) are no part
//! of this promise.

mod admin;
mod cache;
mod dashboard;
mod day;
mod error;
mod event;
mod hand_over;
mod health;
mod history;
mod local_networks;
mod lookup;
mod metrics;
mod negative_anchors;
mod network;
#[cfg(test)]
mod openapi;
mod operator_rule_change;
mod operator_rules;
mod origin;
mod policy;
mod policy_sources;
mod problems;
mod queries;
mod reload;
mod reply;
mod request;
mod servers;
mod settings;
mod stats;
mod status;
mod tokens;
mod trend;
mod wire;
pub mod words;

pub use admin::{Admin, AdminAnswer, answer};
pub use cache::{CacheDump, CacheEntries, CacheEntry, CacheFill, CacheFlush, CacheLoad};
pub use dashboard::DashboardLink;
pub use day::{DayPeriod, DayReport};
pub use error::{AdminError, AdminErrorKind};
pub use event::{
    AdminEvent, EventStream, FinishedQuery, LostEvents, QueryOutcome, WatchFilter, WatchStarted,
};
pub use hand_over::{DescriptorKind, HandOver, HandOverReport};
pub use health::{DaemonHealth, HealthReport};
pub use history::{
    HistoryErased, HistoryFill, HopEventReport, HopReport, ResolutionReport, TroubleCause,
    TroubleEntry, TroubleReport, VerdictCause, VerdictReport, WhyQuery, WhyReport,
};
pub use local_networks::{
    DefaultRouteReport, DnsSettingsReport, LinkReport, LocalNetworks, NetworkRouteReport,
};
pub use lookup::{
    AnswerSource, AnsweringServer, DnssecStatus, EdeReport, LookupReport, StepOutcome, TraceEvent,
    TraceStep,
};
pub use metrics::MetricsText;
pub use negative_anchors::{
    NegativeAnchorAdded, NegativeAnchorList, NegativeAnchorRemoved, UnvalidatedZone,
};
pub use network::{
    FirstRecursionReport, FirstRecursionState, NetworkReport, OutageReport, PassageReport,
    PassageState, PortalReport, Reachability, StrategyReport,
};
pub use operator_rule_change::{OperatorRuleChange, OperatorRuleReport};
pub use operator_rules::{OperatorRuleEffect, OperatorRuleState};
pub use origin::DaemonOrigin;
pub use policy::{
    IdleRuleReport, IdleRulesReport, MatchingRuleReport, PolicyExplanation, PolicyGroupState,
    PolicyListReport, PolicyListState, PolicyPauseReport, RebindingReport, RuleSourceReport,
    SkippedLineReport,
};
pub use policy_sources::{HeldListReport, PolicySourceReport};
pub use queries::{PastQueries, PastQueryFilter, PastQuerySource};
pub use reload::ReloadReport;
pub use reply::AdminReply;
pub use request::AdminRequest;
pub use servers::{EncryptionReport, KnownServer, ServerList, SilentZoneReport};
pub use settings::{DefaultSettingReport, SettingsReport, WrittenSettingReport};
pub use stats::CounterStats;
pub use status::{
    AcmeReport, CertificateState, CrashReport, DaemonStatus, LayerReport, Problem, RefusedClient,
    SecondLevelState, Severity, ValidationReport, ZoneCopyState,
};
pub use tokens::{
    AdminSecret, DashboardPasswordSet, MAX_TOKEN_SECONDS, TokenCreated, TokenList, TokenReport,
    TokenRevoked, TokenScope,
};
pub use trend::{
    BaselineFill, TrendChange, TrendPart, TrendQuery, TrendReport, TrendStatus, UsualLatency,
};
pub use wire::to_line;

/// The description of the HTTP API (OpenAPI 3.1), made of the types of this crate by a test.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// The version of every object; the documentation of this crate has the promises of a version.
pub const VERSION: u32 = 1;
