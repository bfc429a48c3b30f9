//! `[server]`: where clients reach us, who is served, and how much of each.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de};
use zoners_host::paths::runtime;

use super::super::listen::PORT;
use super::super::values;
use super::Clients;
use super::readers::{Text, some_list, whole};
use crate::control;

/// `[server]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Server {
    /// Addresses, each with a port or without one (53), for UDP and TCP. Without it, port 53 of this machine alone.
    #[serde(deserialize_with = "some_list")]
    pub listen: Option<Vec<SocketAddr>>,
    /// The control socket's file; empty for none. Without it, one in the folder that the system
    /// gives a service.
    #[serde(deserialize_with = "control")]
    pub control: Option<PathBuf>,
    /// A folder that the daemon may write to, for what must survive a restart. Without it, the one
    /// that a service manager gives.
    pub state: Option<PathBuf>,
    /// The user to become once the addresses are had, if started as root.
    pub user: Option<String>,
    /// What the daemon gives up once it has its sockets.
    pub sandbox: Sandbox,
    /// Worker threads.
    #[serde(deserialize_with = "threads")]
    pub threads: usize,
    /// Clients that are served.
    pub allow: Clients,
    /// What others get.
    pub refuse: Refuse,
    /// Queries that may wait for others at a time, in all.
    pub max_waiting: usize,
    /// Of these, of one client (an IPv4 address, an IPv6 /64); ten times as many if its address is
    /// certain.
    pub max_waiting_per_client: usize,
    /// Queries that one client may send a second over UDP without a cookie; 0 for no limit.
    pub queries_per_second: u32,
    /// Clients that ask as fast as they like.
    pub unlimited: Clients,
    /// What the type ANY gets.
    pub any: Any,
    /// In which order the records of an RRset are given out.
    pub rrset_order: RRsetOrder,
    /// Told to who asks for `version.bind` or `version.server`.
    pub version: Option<String>,
    /// Told to who asks for `id.server` or `hostname.bind`.
    pub identity: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            listen: None,
            control: None,
            state: None,
            user: None,
            sandbox: Sandbox::On,
            threads: 1,
            allow: Clients::nearby(),
            refuse: Refuse::Refused,
            max_waiting: 16_384,
            max_waiting_per_client: 1000,
            queries_per_second: 100,
            unlimited: Clients::nearby(),
            any: Any::Minimal,
            rrset_order: RRsetOrder::Rotate,
            version: None,
            identity: None,
        }
    }
}

/// `server.sandbox`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sandbox {
    /// All that no part of it declares to need, as far as the system lets it.
    On,
    /// All of it, or it does not serve.
    Required,
    /// Nothing, beside what becoming another user takes.
    Off,
}

/// `server.refuse`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refuse {
    /// REFUSED, bare, and no more than a few times a second.
    Refused,
    /// Nothing.
    Drop,
}

/// `server.any`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Any {
    /// A word instead of all records (RFC 8482).
    Minimal,
    /// Whatever the zone's server gives.
    Full,
}

/// `server.rrset-order`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RRsetOrder {
    /// Another record first in each answer.
    Rotate,
    /// As they came.
    Fixed,
}

/// A misspelt folder would be made, were it not looked for.
fn control<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    let folder = control::folder(&path);
    if path.as_os_str().is_empty() || folder.is_dir() || runtime::may_be_made(folder) {
        return Ok(Some(path));
    }
    Err(de::Error::custom(format!(
        "there is no folder {}: name a file in one that is there, or below $RUNTIME_DIRECTORY, \
         /run/zoners, $XDG_RUNTIME_DIR or $TMPDIR/zoners",
        folder.display()
    )))
}

fn threads<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    whole(deserializer, 1..=256).map(|threads| threads as usize)
}

/// An address of `server.listen`.
impl Text for SocketAddr {
    const ALLOWED: &'static str = "an address, with a port other than 53 if it has one, such as \"127.0.0.1\", \
                                   \"127.0.0.1:5300\" or \"[::1]:5300\"";

    fn read(text: &str) -> Option<Self> {
        values::address(text, PORT)
    }
}
