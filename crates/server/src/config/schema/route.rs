//! `[[forward]]` and `[[stub]]`: zones asked of given servers.

use std::net::SocketAddr;

use serde::{Deserialize, Deserializer, de};
use zoners_dns::{Name, Transport, base64};

use super::super::listen::PORT;
use super::super::upstream_server::UpstreamServer;
use super::super::values;
use super::readers::{TextValue, list, text};

/// `[[forward]]` and `[[stub]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouteConfig {
    /// The zone, with every name below.
    #[serde(deserialize_with = "text")]
    pub zone: Name,
    /// The servers, each an address or address and port, or a server over TLS, HTTPS or QUIC.
    #[serde(deserialize_with = "upstream_servers")]
    pub servers: Vec<UpstreamServer>,
    /// SHA-256 digests of the keys of the servers over encrypted transports, one of which the server must have;
    /// without any, a certificate proves the server.
    #[serde(default, deserialize_with = "list")]
    pub pins: Vec<KeyPin>,
    /// The transport of the first try of servers in clear.
    #[serde(default)]
    pub transport: Transport,
    /// Hold the answers against the chain of trust from above; most private zones have none. The
    /// root zone's always are.
    #[serde(default)]
    pub validate: bool,
}

fn upstream_servers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<UpstreamServer>, D::Error> {
    let servers: Vec<UpstreamServer> = list(deserializer)?;
    match servers.is_empty() {
        true => Err(de::Error::custom("must have at least one server")),
        false => Ok(servers),
    }
}

impl TextValue for UpstreamServer {
    const ALLOWED: &'static str = UpstreamServer::ALLOWED;

    fn read(text: &str) -> Option<Self> {
        UpstreamServer::read(text)
    }
}

/// The SHA-256 digest of a public key (SubjectPublicKeyInfo).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPin(pub [u8; 32]);

impl TextValue for KeyPin {
    const ALLOWED: &'static str = "the SHA-256 digest of a public key in base64, such as \
                                   \"sha256/MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\"";

    fn read(text: &str) -> Option<Self> {
        let digest = base64::decode(text.strip_prefix("sha256/").unwrap_or(text))?;
        digest.try_into().ok().map(KeyPin)
    }
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
