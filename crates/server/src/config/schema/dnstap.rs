//! `[dnstap]`: a copy of each message for another program.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::super::values;
use super::readers::{TextValue, some_text};

/// The port of a reader over TCP, unless the address has one.
const DNSTAP_PORT: u16 = 6000;

/// `[dnstap]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DnstapConfig {
    /// Where the reader listens; nothing is copied by default.
    #[serde(deserialize_with = "some_text")]
    pub to: Option<DnstapTarget>,
    /// The messages that are copied.
    pub messages: Vec<TappedMessages>,
    /// The name of this server in the copies.
    pub identity: Option<String>,
}

impl Default for DnstapConfig {
    fn default() -> Self {
        let messages = vec![TappedMessages::Client, TappedMessages::Resolver];
        DnstapConfig { to: None, messages, identity: None }
    }
}

/// `dnstap.to`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnstapTarget {
    /// A Unix socket.
    Unix(PathBuf),
    /// An address, over TCP.
    Tcp(SocketAddr),
}

/// `dnstap.messages`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TappedMessages {
    /// Queries of clients, and the responses.
    Client,
    /// Queries to servers, and the replies.
    Resolver,
}

impl fmt::Display for DnstapTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DnstapTarget::Unix(path) => path.display().fmt(f),
            DnstapTarget::Tcp(address) => address.fmt(f),
        }
    }
}

impl TextValue for DnstapTarget {
    const ALLOWED: &'static str = "the path of a Unix socket, or an address with a port other than 6000 if it has one, \
                                   such as \"/run/dnstap.sock\" or \"127.0.0.1:6000\"";

    fn read(text: &str) -> Option<Self> {
        if text.starts_with('/') {
            return Some(DnstapTarget::Unix(PathBuf::from(text)));
        }
        values::address(text, DNSTAP_PORT).map(DnstapTarget::Tcp)
    }
}
