//! The administration of a running Zoners: requests, replies and events as types, and the trait [`Admin`] of
//! the daemon that answers.
//!
//! Three doors lead into this hall: the control socket, the command line, and later the web. Each is an
//! adapter: it reads an [`AdminRequest`], lets [`answer`] ask the [`Admin`], and writes the [`AdminReply`]. So
//! this crate does no I/O and knows no DNS: names and record types are texts, which the daemon parses.
//!
//! # JSON
//!
//! A request and a reply are one JSON object and one line each. `--json` of the commands prints the same
//! replies.
//!
//! | object | tag | other fields |
//! |---|---|---|
//! | request | `do`: one of [`AdminRequest::KINDS`] | those of its variant; any other field is an error |
//! | reply | `reply`: as the variants of [`AdminReply`] | those of its type |
//! | event | `event`: as the variants of [`AdminEvent`] | those of its type |
//!
//! The names of fields end in their unit: `_ms` milliseconds (a fraction is possible), `_s` whole seconds,
//! `_bytes` octets. A field without a unit is a count, a text or true or false. `null` stands for "not known"
//! or "none". Names of domains end with a dot, and are written as in zone files (RFC 1035 section 5.1).
//!
//! # Versions
//!
//! Each object has a `version`, which is [`VERSION`]; a request without one is of version 1. Within a version,
//! fields and kinds of requests, replies, events and values may be added: a reader passes over what it does
//! not know. A field that is there keeps its name, type, unit and meaning. Any other change makes a new
//! version, and CHANGELOG.md says so. Texts for people (`message`, `text`, `trouble`, `advice` …) are no part
//! of this promise.

mod admin;
mod cache;
mod error;
mod event;
mod health;
mod lookup;
mod negative_anchors;
mod network;
mod problems;
mod reload;
mod reply;
mod request;
mod servers;
mod stats;
mod status;
mod wire;

pub use admin::{Admin, answer};
pub use cache::{CacheDump, CacheEntries, CacheEntry, CacheFill, CacheFlush, CacheLoad};
pub use error::{AdminError, AdminErrorKind};
pub use event::{AdminEvent, FinishedQuery};
pub use health::HealthReport;
pub use lookup::{
    AnswerSource, DnssecStatus, EdeReport, LookupReport, StepOutcome, TraceEvent, TraceStep,
};
pub use negative_anchors::{
    NegativeAnchorAdded, NegativeAnchorRemoved, NegativeAnchors, UnvalidatedZone,
};
pub use network::{NetworkReport, PassageReport, PassageState, Reachability};
pub use problems::{Problem, Severity};
pub use reload::ReloadReport;
pub use reply::AdminReply;
pub use request::AdminRequest;
pub use servers::{KnownServer, ServerList, SilentZoneReport};
pub use stats::CounterStats;
pub use status::{DaemonStatus, LayerReport, SecondLevelState, ValidationReport};
pub use wire::{VERSION, to_line};
