//! `[server]`: addresses, clients, and limits for each client.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de};
use zoners_host::paths::runtime;

use super::readers::{some_list, whole};
use super::{Clients, ListenAddress, http};
use crate::control;

/// `[server]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ServerConfig {
    /// Addresses, beside those of `[[listen]]`. By default port 53 of this machine alone, over UDP and TCP.
    #[serde(deserialize_with = "some_list")]
    pub listen: Option<Vec<ListenAddress>>,
    /// Whether clients of DNS over HTTPS are served over HTTP/3 too, at the same port of UDP.
    pub http3: bool,
    /// The certificate for listeners over encrypted transports, with the authorities above, in PEM form.
    pub certificate: Option<PathBuf>,
    /// The private key of the certificate, in PEM form.
    pub certificate_key: Option<PathBuf>,
    /// Addresses of the HTTP service, each with a port or without (8053); none by default.
    #[serde(deserialize_with = "http::addresses")]
    pub http: Vec<SocketAddr>,
    /// Names and addresses by which clients call the HTTP service, beside `localhost` and `http`.
    #[serde(deserialize_with = "http::names")]
    pub http_names: Vec<String>,
    /// Whether the HTTP service has metrics.
    pub http_metrics: bool,
    /// The address of the dashboard, on this machine; `None` for no dashboard.
    #[serde(deserialize_with = "http::dashboard")]
    pub dashboard: Option<SocketAddr>,
    /// The address of the dashboard for browsers of other machines, with a password and TLS.
    #[serde(deserialize_with = "http::dashboard_https")]
    pub dashboard_https: Option<SocketAddr>,
    /// The certificate of `dashboard_https` and the authorities above, in PEM form.
    pub dashboard_certificate: Option<PathBuf>,
    /// The private key of that certificate, in PEM form.
    pub dashboard_key: Option<PathBuf>,
    /// The file of the control socket; empty for none. By default a file in the runtime folder of the service.
    #[serde(deserialize_with = "control")]
    pub control: Option<PathBuf>,
    /// The folder for data across restarts. By default the state folder of the service manager.
    pub state: Option<PathBuf>,
    /// The user to become once the addresses are had, if started as root.
    pub user: Option<String>,
    /// The rights given up by the daemon after the sockets are bound.
    pub sandbox: SandboxMode,
    /// Worker threads.
    #[serde(deserialize_with = "threads")]
    pub threads: usize,
    /// Clients with service.
    pub allow: Clients,
    /// The reply to all remaining clients.
    pub refuse: Refuse,
    /// Queries that may wait for a result at a time, in all.
    pub max_waiting: usize,
    /// The same for one client (an IPv4 address, an IPv6 /64); ten times as many for a proven
    /// address.
    pub max_waiting_per_client: usize,
    /// Queries a second of one client over UDP without a cookie; 0 for no limit.
    pub queries_per_second: u32,
    /// Clients without this limit.
    pub unlimited: Clients,
    /// The answer to the type ANY.
    pub any: Any,
    /// In which order the records of an RRset are given out.
    pub rrset_order: RRsetOrder,
    /// The answer to `version.bind` and `version.server`.
    pub version: Option<String>,
    /// The answer to `id.server` and `hostname.bind`.
    pub identity: Option<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            listen: None,
            http3: true,
            certificate: None,
            certificate_key: None,
            http: Vec::new(),
            http_names: Vec::new(),
            http_metrics: false,
            dashboard: Some(http::DASHBOARD),
            dashboard_https: None,
            dashboard_certificate: None,
            dashboard_key: None,
            control: None,
            state: None,
            user: None,
            sandbox: SandboxMode::On,
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
pub enum SandboxMode {
    /// Every right without a declared need, as far as the system supports the sandbox.
    On,
    /// The same, or no start.
    Required,
    /// None, besides the change of the user.
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
    /// A short text instead of the records (RFC 8482).
    Minimal,
    /// Whatever the zone's server gives.
    Full,
}

/// `server.rrset-order`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RRsetOrder {
    /// A different record first in each answer.
    Rotate,
    /// As received.
    Fixed,
}

/// A misspelt folder would be created, were it not checked here.
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
