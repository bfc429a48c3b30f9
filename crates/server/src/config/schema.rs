//! The configuration file as it is written: one module a table, one field a key.

mod cache;
mod clients;
mod dnssec;
mod local;
mod readers;
mod redis;
mod resolver;
mod route;
mod server;
mod timeouts;

use serde::Deserialize;
use zoners_resolver::Limits;

use super::source::Source;

pub use cache::{Cache, Size};
pub use clients::Clients;
pub use dnssec::Dnssec;
pub use local::{Local, SpecialUse};
pub use redis::{Redis, Secret};
pub use resolver::{Answers, MinimisedType, Resolver};
pub use route::Route;
pub use server::{Any, RRsetOrder, Refuse, Sandbox, Server};
pub use timeouts::Timeouts;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Where clients reach us.
    pub server: Server,
    /// How questions are resolved.
    pub resolver: Resolver,
    /// What is remembered, and for how long.
    pub cache: Cache,
    /// Where work stops.
    pub limits: Limits,
    /// How long we wait.
    pub timeouts: Timeouts,
    /// Signatures.
    pub dnssec: Dnssec,
    /// Names answered without asking anyone.
    pub local: Local,
    /// Zones asked of given resolvers.
    pub forward: Vec<Route>,
    /// Zones asked of given authoritative servers.
    pub stub: Vec<Route>,
    /// Where all that is written.
    #[serde(skip)]
    pub source: Source,
}
