//! A server of a route, as the configuration writes it: an address; or `tls://`, `https://` or `quic://` with an address,
//! a name, or both.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use zoners_dns::endpoint::TLS_PORT;
use zoners_dns::{Encryption, IdentityId, Name, NameServer, ServerIdentity, Transport, name};

use super::listen::{HTTPS_PORT, PORT};
use super::uri_path::{QUERY_PATH, is_path};
use super::values;

/// The encrypted transports, each with the beginning of a server and a port. The port of QUIC is that of TLS, over UDP
/// (RFC 9250 section 4.1.1).
const SCHEMES: [(&str, Transport, u16); 3] = [
    ("tls://", Transport::Tls, TLS_PORT),
    ("https://", Transport::Https, HTTPS_PORT),
    ("quic://", Transport::Quic, TLS_PORT),
];
/// The end of a URI template for queries by GET (RFC 8484 section 3), as providers publish the template; queries go by
/// POST, to the URI without the end.
const GET_VARIABLE: &str = "{?dns}";

/// A server of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamServer {
    /// The address; `None` if the address is looked up.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
    /// The encrypted transport; `None` for a server that is asked in clear, over the transport of the route.
    pub encrypted: Option<Transport>,
    /// The name or address that the certificate must have; `None` for a server that is asked in clear.
    pub identity: Option<String>,
    /// The path of DNS over HTTPS, which begins with a slash; `None` for other protocols.
    pub path: Option<String>,
}

impl UpstreamServer {
    /// What may be written.
    pub(super) const ALLOWED: &'static str = "the address of a server, with a port or without, such as \"192.0.2.1\", \
                                              \"192.0.2.1:5353\" or \"[2001:db8::1]:5353\"; or a server over TLS, such \
                                              as \"tls://192.0.2.1#dns.example\", \"tls://192.0.2.1\" or \
                                              \"tls://dns.example\", or over HTTPS, such as \
                                              \"https://192.0.2.1/dns-query#dns.example\" or \
                                              \"https://dns.example/dns-query\", or over QUIC, such as \
                                              \"quic://192.0.2.1#dns.example\" or \"quic://dns.example\"";

    /// Reads a server.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (server, name) = match text.split_once('#') {
            Some((server, name)) => (server, Some(server_name(name)?)),
            None => (text, None),
        };
        let over =
            |(scheme, transport, port)| Some((server.strip_prefix(scheme)?, transport, port));
        let Some((rest, transport, port)) = SCHEMES.into_iter().find_map(over) else {
            return values::address(text, PORT).map(UpstreamServer::plain);
        };
        let (host, path) = match transport {
            Transport::Https => read_uri(rest)?,
            _ => (rest, None),
        };
        let (address, port, identity) = read_host(host, name, port)?;
        let (encrypted, identity) = (Some(transport), Some(identity));
        Some(UpstreamServer { address, port, encrypted, identity, path })
    }

    /// A server that is asked in clear.
    pub(super) const fn plain(address: SocketAddr) -> Self {
        UpstreamServer {
            address: Some(address.ip()),
            port: address.port(),
            encrypted: None,
            identity: None,
            path: None,
        }
    }

    /// Whether the server is asked over an encrypted transport.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.encrypted.is_some()
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
        let (Some(transport), Some(name)) = (self.encrypted, self.identity.clone()) else {
            return Some(plain);
        };
        let identity = ServerIdentity { name, pins: pins.to_vec(), path: self.path.clone() };
        let identity = IdentityId::intern(identity)?;
        let encryption = Encryption { transport, port: self.port, identity };
        Some(NameServer { encryption: Some(encryption), ..plain })
    }
}

/// Host and path of a URI or a URI template.
fn read_uri(uri: &str) -> Option<(&str, Option<String>)> {
    let (host, path) = uri.find('/').map_or((uri, QUERY_PATH), |at| uri.split_at(at));
    let path = path.strip_suffix(GET_VARIABLE).unwrap_or(path);
    is_path(path).then(|| (host, Some(path.to_owned())))
}

/// The address of a host, the port, and the name or address in the certificate, which is `name` if there is one.
fn read_host(host: &str, name: Option<String>, port: u16) -> Option<(Option<IpAddr>, u16, String)> {
    if let Some(address) = values::address(host, port) {
        let identity = name.unwrap_or_else(|| address.ip().to_string());
        return Some((Some(address.ip()), address.port(), identity));
    }
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)?),
        None => (host, port),
    };
    let host = server_name(host)?;
    // A second name would say that the first is another server's.
    name.is_none_or(|name| name == host).then_some((None, port, host))
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
        let UpstreamServer { address, port, encrypted, identity, path } = self;
        let Some(identity) = identity else {
            return address.map_or(Ok(()), |ip| SocketAddr::new(ip, *port).fmt(f));
        };
        let scheme = SCHEMES.iter().find(|(_, transport, _)| Some(*transport) == *encrypted);
        f.write_str(scheme.map_or("", |(scheme, ..)| scheme))?;
        match address {
            Some(ip) => SocketAddr::new(*ip, *port).fmt(f)?,
            None => write!(f, "{identity}:{port}")?,
        }
        f.write_str(path.as_deref().unwrap_or_default())?;
        match address {
            Some(ip) if ip.to_string() != *identity => write!(f, "#{identity}"),
            _ => Ok(()),
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
            ("quic://192.0.2.1#dns.example", "quic://192.0.2.1:853#dns.example"),
            ("quic://Dns.Example:8853", "quic://dns.example:8853"),
            ("https://192.0.2.1", "https://192.0.2.1:443/dns-query"),
            ("https://192.0.2.1/q#Dns.Example.", "https://192.0.2.1:443/q#dns.example"),
            ("https://[2001:db8::1]:8443/q/id", "https://[2001:db8::1]:8443/q/id"),
            ("https://Dns.Example", "https://dns.example:443/dns-query"),
            ("https://dns.example:8443/dns-query{?dns}", "https://dns.example:8443/dns-query"),
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
            "https://",
            "https:///dns-query",
            "https://dns.example/",
            "https://dns.example/dns query",
            "https://dns.example/dns-query?dns=AA",
            "https://dns.example/dns-query{?x}",
            "https://dns.example/dns-query#other.example",
            "https://user@dns.example/dns-query",
            "http://dns.example/dns-query",
            "quic://dns.example/dns-query",
            "quic://",
            "192.0.2.1#dns.example",
        ] {
            assert_eq!(UpstreamServer::read(text), None, "{text}");
        }
    }

    #[test]
    fn the_path_of_a_server_over_https_belongs_to_its_identity() {
        for (text, address) in
            [("https://192.0.2.1/q#dns.example", "192.0.2.1:443"), ("https://dns.example/q", "")]
        {
            let server = UpstreamServer::read(text).unwrap().name_server(&[[7; 32]]).unwrap();
            let addresses: Vec<_> = server.addresses.iter().map(ToString::to_string).collect();
            assert_eq!(addresses.concat(), address);
            let endpoint = server.endpoint(([192, 0, 2, 1], 53).into(), Transport::Udp);
            assert_eq!((endpoint.transport, endpoint.address.port()), (Transport::Https, 443));
            let identity = endpoint.identity.unwrap().identity().unwrap();
            assert_eq!((identity.name.as_str(), identity.pins.len()), ("dns.example", 1));
            assert_eq!(identity.path.as_deref(), Some("/q"));
        }
    }

    #[test]
    fn a_server_over_quic_is_never_asked_otherwise() {
        let server = UpstreamServer::read("quic://192.0.2.1#dns.example").unwrap();
        let named = server.name_server(&[]).unwrap();
        let endpoint = named.endpoint(named.addresses[0], Transport::Udp);
        assert_eq!((endpoint.transport, endpoint.address.port()), (Transport::Quic, 853));
        assert_eq!(endpoint.identity.unwrap().identity().unwrap().path, None);
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
