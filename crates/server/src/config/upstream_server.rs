//! A server of a route, as the configuration writes it: an address, or `tls://` with an address, a name, or both.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use zoners_dns::endpoint::TLS_PORT;
use zoners_dns::{Encryption, IdentityId, Name, NameServer, ServerIdentity, Transport, name};

use super::listen::PORT;
use super::values;

/// The beginning of a server that is asked over TLS.
const OVER_TLS: &str = "tls://";

/// A server of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamServer {
    /// The address; `None` if the address is looked up.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
    /// The name or address that the certificate must have; `None` for a server that is asked in clear.
    pub identity: Option<String>,
}

impl UpstreamServer {
    /// What may be written.
    pub(super) const ALLOWED: &'static str = "the address of a server, with a port or without, such as \"192.0.2.1\", \
                                              \"192.0.2.1:5353\" or \"[2001:db8::1]:5353\"; or a server over TLS, such \
                                              as \"tls://192.0.2.1#dns.example\", \"tls://192.0.2.1\" or \
                                              \"tls://dns.example\"";

    /// Reads a server.
    pub(super) fn read(text: &str) -> Option<Self> {
        let Some(server) = text.strip_prefix(OVER_TLS) else {
            let address = values::address(text, PORT)?;
            return Some(UpstreamServer::plain(address));
        };
        let (host, name) = match server.split_once('#') {
            Some((host, name)) => (host, Some(server_name(name)?)),
            None => (server, None),
        };
        if let Some(address) = values::address(host, TLS_PORT) {
            let identity = name.unwrap_or_else(|| address.ip().to_string());
            let (address, port) = (Some(address.ip()), address.port());
            return Some(UpstreamServer { address, port, identity: Some(identity) });
        }
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)?),
            None => (host, TLS_PORT),
        };
        let host = server_name(host)?;
        // A second name would be the name of another server.
        let identity = Some(host.clone()).filter(|host| name.is_none_or(|name| name == *host))?;
        Some(UpstreamServer { address: None, port, identity: Some(identity) })
    }

    /// A server that is asked in clear.
    pub(super) const fn plain(address: SocketAddr) -> Self {
        UpstreamServer { address: Some(address.ip()), port: address.port(), identity: None }
    }

    /// Whether the server is asked over TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.identity.is_some()
    }

    /// The name, if the certificate must have one that is no address.
    pub(crate) fn name(&self) -> Option<Name> {
        let name = self.identity.as_deref().filter(|name| name.parse::<IpAddr>().is_err())?;
        name::parse(name).ok()
    }

    /// The server for the resolver, with the keys that are pinned; `None` after 65,535 identities in the life of the
    /// process.
    pub(super) fn name_server(&self, pins: &[[u8; 32]]) -> Option<NameServer> {
        let addresses = self.address.map(|ip| SocketAddr::new(ip, self.port)).into_iter().collect();
        let plain = NameServer::plain(self.name().unwrap_or_else(name::root), addresses);
        let Some(name) = self.identity.clone() else { return Some(plain) };
        let identity = ServerIdentity { name, pins: pins.to_vec(), path: None };
        let identity = IdentityId::intern(identity)?;
        let encryption = Encryption { transport: Transport::Tls, port: self.port, identity };
        Some(NameServer { encryption: Some(encryption), ..plain })
    }
}

/// A host name in lower case, without the last dot.
fn server_name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_host = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
    let is_address = text.parse::<IpAddr>().is_ok();
    let is_name = !text.is_empty() && text.bytes().all(is_host) && name::parse(&text).is_ok();
    (is_name && !is_address).then_some(text)
}

/// As the configuration writes it, with the port.
impl fmt::Display for UpstreamServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UpstreamServer { address, port, identity } = self;
        match (address, identity) {
            (Some(ip), None) => SocketAddr::new(*ip, *port).fmt(f),
            (Some(ip), Some(identity)) => {
                write!(f, "{OVER_TLS}{}", SocketAddr::new(*ip, *port))?;
                if ip.to_string() == *identity { Ok(()) } else { write!(f, "#{identity}") }
            }
            (None, identity) => write!(f, "{OVER_TLS}{}:{port}", identity.as_deref().unwrap_or("")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_or_over_tls_a_name_too() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
            ("tls://192.0.2.1", "tls://192.0.2.1:853"),
            ("tls://192.0.2.1:8853", "tls://192.0.2.1:8853"),
            ("tls://192.0.2.1#Dns.Example.", "tls://192.0.2.1:853#dns.example"),
            ("tls://[2001:db8::1]:8853#dns.example", "tls://[2001:db8::1]:8853#dns.example"),
            ("tls://2001:db8::1", "tls://[2001:db8::1]:853"),
            ("tls://dns.example", "tls://dns.example:853"),
            ("tls://dns.example:8853#dns.example", "tls://dns.example:8853"),
        ] {
            let server = UpstreamServer::read(text).unwrap();
            assert_eq!(server.to_string(), shown);
            assert_eq!(UpstreamServer::read(shown), Some(server));
        }
        for text in [
            "dns.example",
            "tls://",
            "tls://#dns.example",
            "tls://192.0.2.1#",
            "tls://192.0.2.1#192.0.2.2",
            "tls://dns.example#other.example",
            "tls://dns.example:0",
            "tls://dns example",
            "https://dns.example/dns-query",
        ] {
            assert_eq!(UpstreamServer::read(text), None, "{text}");
        }
    }

    #[test]
    fn the_resolver_gets_the_identity_and_no_way_in_clear() {
        let server = UpstreamServer::read("tls://192.0.2.1#dns.example").unwrap();
        let named = server.name_server(&[[7; 32]]).unwrap();
        let endpoint = named.endpoint(named.addresses[0], Transport::Udp);
        assert_eq!((endpoint.transport, endpoint.address.port()), (Transport::Tls, 853));
        let identity = endpoint.identity.unwrap().identity().unwrap();
        assert_eq!((identity.name.as_str(), identity.pins.len()), ("dns.example", 1));
        let alone = UpstreamServer::read("tls://dns.example").unwrap().name_server(&[]).unwrap();
        assert!(alone.is_named_alone() && alone.name == name::parse("dns.example").unwrap());
        let plain = UpstreamServer::read("192.0.2.1").unwrap().name_server(&[]).unwrap();
        assert_eq!(plain.encryption, None);
    }
}
