//! The machine: links, settings, port 53, the daemon and the files.

use serde::{Deserialize, Serialize};
use zoners_api::DaemonStatus;

use super::line::{IpFamily, ProbeTransport};

/// A link that is up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkSummary {
    /// The name of the interface.
    pub name: String,
    /// The addresses.
    pub addresses: Vec<String>,
}

/// Whether the network asks for a log-in, by a page of the Internet fetched over HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum PortalObservation {
    /// The page was not fetched, or not within the time.
    #[default]
    Unknown,
    /// The page is the expected one: no portal.
    Open,
    /// A different page came: the network wants a log-in.
    Portal {
        /// The address of the page, as far as told.
        location: String,
    },
}

/// The clock of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClockObservation {
    /// Seconds since 1970 by this machine.
    pub now_s: i64,
    /// Inception and expiration of signatures of the root zone, in seconds since 1970.
    pub windows: Vec<(i64, i64)>,
    /// Seconds by which this machine is ahead of the `Date` of an HTTP server.
    pub ahead_of_http_s: Option<i64>,
}

/// The DNS settings of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsObservation {
    /// Whether programs ask Zoners first.
    pub asks_zoners: bool,
    /// Whether the settings name an address of this machine (127.0.0.0/8 or `::1`) first.
    pub names_this_machine: bool,
    /// The servers of the settings, in the order in which the system asks.
    pub servers: Vec<String>,
    /// Servers beside Zoners: asked as well, in turn or when Zoners is late.
    pub foreign: Vec<String>,
    /// The sources of host names in `/etc/nsswitch.conf`; `None` without a line for hosts.
    pub nss_hosts: Option<Vec<String>>,
    /// The author of foreign settings, in words.
    pub author: Option<String>,
}

/// A socket at port 53.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortSocketUse {
    /// The family.
    pub family: IpFamily,
    /// The transport.
    pub transport: ProbeTransport,
    /// The address of the socket.
    pub address: String,
    /// The program, if the system tells this user.
    pub owner: Option<String>,
    /// Whether the program is the running daemon.
    pub is_daemon: bool,
    /// Whether a query to 127.0.0.1 or `::1` reaches the socket.
    pub serves_loopback: bool,
}

/// The sockets at port 53.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortObservation {
    /// The sockets.
    pub sockets: Vec<PortSocketUse>,
}

/// The end of a question to the daemon, asked by DNS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum OwnAnswer {
    /// The daemon was not asked.
    #[default]
    NotAsked,
    /// The daemon answered.
    Answered {
        /// The RCODE.
        rcode: String,
        /// Milliseconds.
        took_ms: f64,
        /// The reason of a failure (RFC 8914), as a sentence.
        reason: Option<String>,
    },
    /// Nothing came in time.
    Silent,
    /// The port is closed.
    Refused,
}

/// The daemon.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DaemonObservation {
    /// The status; `None` if no daemon replied.
    pub status: Option<Box<DaemonStatus>>,
    /// Why there is no status.
    pub unreachable: Option<String>,
    /// Whether a control socket accepted the connection, so that a daemon runs.
    pub is_running: bool,
    /// Whether a service for Zoners is installed.
    pub is_installed: bool,
    /// Canary names that the daemon resolves, by which browsers and systems decide to ask a resolver of their own:
    /// `use-application-dns.net` (Firefox) and `mask.icloud.com` (iCloud Private Relay).
    pub resolved_canaries: Vec<String>,
    /// A question for the nameservers of the root, over UDP.
    pub udp: OwnAnswer,
    /// The same over TCP.
    pub tcp: OwnAnswer,
}

/// The configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigurationObservation {
    /// The file; `None` with defaults alone.
    pub file: Option<String>,
    /// The faults; a start or a reload fails.
    pub error: Option<String>,
    /// What a start would pass over.
    pub remarks: Vec<String>,
}

/// The folder with the daemon's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StateObservation {
    /// The folder.
    pub folder: String,
    /// Whether the file system takes no writes.
    pub is_read_only: bool,
    /// Free octets of the file system; `None` if unknown.
    pub free_octets: Option<u64>,
    /// Whether the owner of the folder may not write there.
    pub is_locked: bool,
}

/// The descriptors of the daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DescriptorObservation {
    /// The limit.
    pub limit: u64,
    /// Open descriptors; `None` if the system does not tell.
    pub open: Option<u64>,
}

/// The clients of the daemon since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientObservation {
    /// Queries.
    pub queries: u64,
    /// Queries that were refused, most of them since `server.allow` has no prefix of the client.
    pub refused: u64,
}

/// The name that the user asked about, looked up by a resolver of the doctor's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NameObservation {
    /// The name.
    pub name: String,
    /// The RCODE; `None` without an answer in time.
    pub rcode: Option<String>,
    /// The reason of a failure (RFC 8914), as a sentence.
    pub reason: Option<String>,
}
