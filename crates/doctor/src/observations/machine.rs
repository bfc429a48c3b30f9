//! The machine: links, port 53, the daemon and the files.

use serde::{Deserialize, Serialize};
use zoners_api::{CrashReport, DaemonStatus};

use super::line::{IpFamily, ProbeTransport};

/// The system, as far as the lines to type differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostSystem {
    /// Linux with systemd.
    #[default]
    Systemd,
    /// Linux with OpenRC.
    OpenRc,
    /// Linux with runit.
    Runit,
    /// macOS.
    Macos,
    /// FreeBSD and its kin.
    Bsd,
}

/// A link in use.
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
    /// Canary names with an answer of the daemon. Browsers and systems then may ask a resolver of their own:
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
    /// Parts without an effect at a start.
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
    /// Refused queries, most often since `server.allow` has no prefix of the client.
    pub refused: u64,
}

/// Ends of the daemon without order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CrashObservation {
    /// The last crash, and the number of crashes among the last starts, as the daemon noticed.
    pub last: Option<CrashReport>,
    /// Restarts by the service manager after failures.
    pub manager_restarts: u64,
}

/// The name of the user, looked up by a resolver of the doctor's own.
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
