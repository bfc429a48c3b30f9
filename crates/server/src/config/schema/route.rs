//! `[[forward]]` and `[[stub]]`: zones asked of given servers.

use std::net::SocketAddr;

use serde::{Deserialize, Deserializer, de};
use zoners_dns::{Name, Transport};

use super::super::listen::PORT;
use super::super::values;
use super::readers::{TextValue, list, text};

/// `[[forward]]` and `[[stub]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouteConfig {
    /// The zone, with every name below.
    #[serde(deserialize_with = "text")]
    pub zone: Name,
    /// The servers, each an address or address and port.
    #[serde(deserialize_with = "servers")]
    pub servers: Vec<SocketAddr>,
    /// The transport of the first try.
    #[serde(default)]
    pub transport: Transport,
    /// Hold the answers against the chain of trust from above; most private zones have none. The
    /// root zone's always are.
    #[serde(default)]
    pub validate: bool,
}

pub(super) fn servers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<SocketAddr>, D::Error> {
    let servers: Vec<UpstreamAddress> = list(deserializer)?;
    match servers.is_empty() {
        true => Err(de::Error::custom("must have at least one server")),
        false => Ok(servers.into_iter().map(|server| server.0).collect()),
    }
}

/// The address of a server.
struct UpstreamAddress(SocketAddr);

impl TextValue for UpstreamAddress {
    const ALLOWED: &'static str = "the address of a server, with a port or without, such as \"192.0.2.1\", \
                                   \"192.0.2.1:5353\" or \"[2001:db8::1]:5353\"";

    fn read(text: &str) -> Option<Self> {
        values::address(text, PORT).map(UpstreamAddress)
    }
}
