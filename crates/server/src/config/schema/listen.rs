//! `[[listen]]`, and the addresses of listeners as texts.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use zoners_dns::endpoint::TLS_PORT;
use zoners_dns::{Prefix, Transport};

use super::super::listen::{HTTPS_PORT, PORT};
use super::super::uri_path::{QUERY_PATH, is_path};
use super::super::values;
use super::Clients;
use super::readers::{TextValue, list, text};

/// The transports of an address without a scheme.
const PLAIN: &[Transport] = &[Transport::Udp, Transport::Tcp];
/// The schemes, each with transports and a port.
const SCHEMES: [(&str, &[Transport], u16); 6] = [
    ("udp+tcp", PLAIN, PORT),
    ("udp", &[Transport::Udp], PORT),
    ("tcp", &[Transport::Tcp], PORT),
    ("tls", &[Transport::Tls], TLS_PORT),
    ("https", &[Transport::Https], HTTPS_PORT),
    // The port of QUIC is that of TLS, over UDP (RFC 9250 section 8.1).
    ("quic", &[Transport::Quic], TLS_PORT),
];

/// `[[listen]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ListenConfig {
    /// Where and how clients are served.
    #[serde(deserialize_with = "text")]
    pub address: ListenAddress,
    /// Clients with service here, instead of those of `server.allow`.
    pub allow: Option<Clients>,
    /// Load balancers that name the client in front of each connection (PROXY protocol, version 2).
    #[serde(default, deserialize_with = "list")]
    pub proxies: Vec<Prefix>,
    /// The file of the authority that signs certificates of clients, in PEM form. A certificate tells the identity.
    pub client_authority: Option<PathBuf>,
    /// Whether a client needs a certificate.
    #[serde(default)]
    pub require_client_certificate: bool,
}

/// An address at which clients are served, with the transports there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// Address and port; port 0 is any free port.
    pub address: SocketAddr,
    /// The transports, in the order of [`Transport::ALL`].
    pub transports: &'static [Transport],
    /// The path of DNS over HTTPS, which begins with a slash; none for other transports.
    pub path: Option<String>,
}

impl ListenAddress {
    /// An address over UDP and TCP.
    #[must_use]
    pub fn plain(address: SocketAddr) -> Self {
        ListenAddress { address, transports: PLAIN, path: None }
    }

    /// Whether clients are served over this transport.
    #[must_use]
    pub fn is_over(&self, transport: Transport) -> bool {
        self.transports.contains(&transport)
    }

    /// Whether clients need a certificate of the server.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.transports.iter().any(|transport| transport.is_encrypted())
    }

    /// Whether a socket of one is a socket of the other kind too: for datagrams, or for streams.
    pub(crate) fn shares_sockets_with(&self, other: &ListenAddress) -> bool {
        let has = |address: &ListenAddress, datagrams: bool| {
            address.transports.iter().any(|transport| transport.has_datagrams() == datagrams)
        };
        [false, true].into_iter().any(|kind| has(self, kind) && has(other, kind))
    }
}

impl TextValue for ListenAddress {
    const ALLOWED: &'static str = "an address, with a port other than 53 if it has one, such as \"127.0.0.1\", \
                                   \"127.0.0.1:5300\" or \"[::1]:5300\", or with udp://, tcp://, udp+tcp://, tls://, \
                                   https:// or quic:// in front, such as \"tls://0.0.0.0\" or \
                                   \"https://[::]/dns-query\"";

    fn read(text: &str) -> Option<Self> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return values::address(text, PORT).map(ListenAddress::plain);
        };
        let (_, transports, port) = SCHEMES.into_iter().find(|(known, ..)| *known == scheme)?;
        let (address, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let path = match transports {
            [Transport::Https] if path.is_empty() => Some(QUERY_PATH.to_owned()),
            [Transport::Https] if is_path(path) => Some(path.to_owned()),
            _ if path.is_empty() => None,
            _ => return None,
        };
        Some(ListenAddress { address: values::address(address, port)?, transports, path })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SCHEMES.iter().find(|(_, transports, _)| *transports == self.transports) {
            Some((scheme, ..)) if self.transports != PLAIN => write!(f, "{scheme}://")?,
            _ => {}
        }
        write!(f, "{}{}", self.address, self.path.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::uri_path::MAX_PATH;
    use super::*;

    #[test]
    fn an_address_has_transports_a_port_and_perhaps_a_path() {
        for (text, shown) in [
            ("127.0.0.1", "127.0.0.1:53"),
            ("udp+tcp://[::1]:5300", "[::1]:5300"),
            ("udp://127.0.0.1", "udp://127.0.0.1:53"),
            ("tcp://::1", "tcp://[::1]:53"),
            ("tls://0.0.0.0", "tls://0.0.0.0:853"),
            ("tls://[::]:8853", "tls://[::]:8853"),
            ("https://192.0.2.1", "https://192.0.2.1:443/dns-query"),
            ("https://[::]:8443/of/home", "https://[::]:8443/of/home"),
            ("quic://0.0.0.0", "quic://0.0.0.0:853"),
        ] {
            let address = ListenAddress::read(text).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(ListenAddress::read(shown), Some(address));
        }
        for wrong in [
            "localhost",
            "tls://dns.example",
            "tls://127.0.0.1/dns-query",
            "udp://127.0.0.1/",
            "https://127.0.0.1/",
            "https://127.0.0.1/{?dns}",
            "https:///dns-query",
            "http://127.0.0.1",
            "quic:127.0.0.1",
            "quic://127.0.0.1/dns-query",
            "://127.0.0.1",
        ] {
            assert_eq!(ListenAddress::read(wrong), None, "{wrong}");
        }
        let long = |octets: usize| format!("https://127.0.0.1/{}", "a".repeat(octets - 1));
        assert!(ListenAddress::read(&long(MAX_PATH)).is_some());
        assert_eq!(ListenAddress::read(&long(MAX_PATH + 1)), None);
    }

    #[test]
    fn streams_and_datagrams_have_sockets_of_their_own() {
        let at = |scheme: &str| ListenAddress::read(&format!("{scheme}://127.0.0.1:853")).unwrap();
        assert!(at("tls").shares_sockets_with(&at("tcp")));
        assert!(at("udp+tcp").shares_sockets_with(&at("https")));
        assert!(!at("udp").shares_sockets_with(&at("tls")));
        assert!(at("udp").shares_sockets_with(&at("quic")));
        assert!(!at("tls").shares_sockets_with(&at("quic")));
    }
}
