//! What can be asked of a running daemon.

use serde::{Deserialize, Serialize};

/// A request. [`crate::AdminReply`] has the variant that answers each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AdminRequest {
    /// How the daemon is doing.
    Status {},
    /// Every counter.
    Stats {},
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
    /// The zones that are not validated.
    NtaList {},
    /// What the infra cache knows of servers.
    Servers {
        /// A zone whose servers are wanted, or a name in it; without one, all servers are.
        zone: Option<String>,
    },
    /// How full the cache is, and how many answers came out of it.
    Cache {},
    /// The cache entries of exactly one name.
    CacheLookup {
        /// The name.
        name: String,
    },
    /// Write the cache to the file that comes with the request.
    CacheDump {},
    /// Take the entries of the file that comes with the request.
    CacheLoad {},
    /// Remove the cache entries of a name.
    Flush {
        /// The name.
        name: String,
        /// And those of all names below it.
        #[serde(default)]
        subtree: bool,
    },
    /// Read the configuration again, and bring it into force.
    Reload {},
}

impl AdminRequest {
    /// Every value of `do`.
    pub const KINDS: &[&str] = &[
        "status",
        "stats",
        "lookup",
        "nta-add",
        "nta-remove",
        "nta-list",
        "servers",
        "cache",
        "cache-lookup",
        "cache-dump",
        "cache-load",
        "flush",
        "reload",
    ];

    /// What the request changes or gives away, if anything, in the words of the command line.
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
            AdminRequest::Reload {} => Some("reload".to_owned()),
            AdminRequest::Status {}
            | AdminRequest::Stats {}
            | AdminRequest::Lookup { .. }
            | AdminRequest::NtaList {}
            | AdminRequest::Servers { .. }
            | AdminRequest::Cache {}
            | AdminRequest::CacheLookup { .. } => None,
        }
    }
}
