//! The resolvers of the system.
//!
//! Linux and the BSDs name resolvers in `/etc/resolv.conf`; a resolver of the system (systemd-resolved) may stand
//! there for the servers of the network. macOS has several resolvers, for all names or below a domain (of a VPN, or of
//! a file in `/etc/resolver`), and writes the primary resolver alone to the file: there `scutil --dns` tells.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use crate::interfaces::index;
use crate::system;

/// Where the system names its resolvers, for messages.
pub const SOURCE: &str = system::resolvers::SOURCE;
/// The file with the resolvers.
pub(crate) const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The port, unless a resolver names one.
const PORT: u16 = 53;

/// A resolver of the system: servers for all names, or for the names below a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemResolver {
    /// The names at and below this domain are for this resolver; empty for the names without a separate resolver.
    pub domain: String,
    /// The servers in the order in which the system asks.
    pub servers: Vec<SocketAddr>,
    /// The domains appended to short names.
    pub search: Vec<String>,
    /// The interface behind which the servers were named, if told.
    pub interface: Option<String>,
    /// The names are asked for by multicast (RFC 6762), without a server.
    pub is_multicast: bool,
}

/// All resolvers, most preferred first.
///
/// # Errors
/// The system does not tell, or tells something malformed.
pub fn all() -> io::Result<Vec<SystemResolver>> {
    system::resolvers::all()
}

/// The servers for names without a resolver of their own, in the order in which the system asks.
///
/// # Errors
/// As [`all`].
pub fn nameservers() -> io::Result<Vec<SocketAddr>> {
    Ok(all()?.into_iter().filter(is_for_all_names).flat_map(|resolver| resolver.servers).collect())
}

fn is_for_all_names(resolver: &SystemResolver) -> bool {
    resolver.domain.is_empty() && !resolver.is_multicast
}

/// The resolver in the text of [`RESOLV_CONF`].
pub(crate) fn parse(text: &[u8]) -> io::Result<Vec<SystemResolver>> {
    let config = resolv_conf::Config::parse(text)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    let server = |address: &resolv_conf::ScopedIp| match address {
        resolv_conf::ScopedIp::V4(ip) => (*ip, PORT).into(),
        resolv_conf::ScopedIp::V6(ip, zone) => scoped(*ip, zone.as_deref(), PORT),
    };
    let servers = config.nameservers.iter().map(server).collect();
    let search = config.get_last_search_or_domain().cloned().collect();
    Ok(vec![SystemResolver { servers, search, ..SystemResolver::default() }])
}

/// A server in a text like `192.0.2.53`, `2001:db8::53` or `fe80::1%en0`.
#[cfg(any(target_os = "macos", test))]
pub(crate) fn server(text: &str, port: u16) -> Option<SocketAddr> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    Some(match address.parse().ok()? {
        std::net::IpAddr::V4(ip) => (ip, port).into(),
        std::net::IpAddr::V6(ip) => scoped(ip, zone, port),
    })
}

/// A link-local address (`fe80::1%en0`) means nothing without the zone: the name or the number of an interface.
fn scoped(ip: Ipv6Addr, zone: Option<&str>, port: u16) -> SocketAddr {
    let number = |zone: &str| zone.parse().ok().or_else(|| index(zone)).unwrap_or(0);
    SocketAddrV6::new(ip, port, 0, zone.map_or(0, number)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interfaces::interfaces;

    #[test]
    fn resolvers_keep_their_order() {
        let text = b"# comment\nsearch lan\nnameserver 192.0.2.53\nnameserver 192.0.2.54\n";
        let expected: Vec<SocketAddr> =
            [[192, 0, 2, 53], [192, 0, 2, 54]].map(|ip| (ip, PORT).into()).into();
        let resolvers = parse(text).unwrap();
        assert_eq!(resolvers.len(), 1);
        assert_eq!(resolvers[0].servers, expected);
        assert_eq!(resolvers[0].search, ["lan"]);
        assert!(parse(b"search lan\n").unwrap()[0].servers.is_empty());
        assert!(parse(b"nameserver nonsense\n").is_err());
    }

    #[test]
    fn a_link_local_server_keeps_its_zone() {
        let loopback = interfaces().unwrap().into_iter().find(|interface| interface.loopback);
        let name = loopback.unwrap().name;
        let number = index(&name).unwrap();
        let scope = |text: &str| match parse(text.as_bytes()).unwrap()[0].servers[..] {
            [SocketAddr::V6(server)] => server.scope_id(),
            _ => panic!("{text}"),
        };
        assert_eq!(scope(&format!("nameserver fe80::1%{name}\n")), number);
        assert_eq!(scope("nameserver fe80::1%7\noptions edns0\n"), 7);
        assert_eq!(scope("nameserver fe80::1%nosuchlink\n"), 0);
        assert_eq!(scope("nameserver 2001:db8::53\n"), 0);
        let expected = SocketAddrV6::new("fe80::1".parse().unwrap(), 5353, 0, number);
        assert_eq!(server(&format!("fe80::1%{name}"), 5353), Some(expected.into()));
        assert_eq!(server("192.0.2.53", PORT), Some(([192, 0, 2, 53], PORT).into()));
        assert_eq!(server("nonsense", PORT), None);
    }
}
