//! The address of a resolver as managers write it.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use super::ResolverAddress;
use crate::interfaces::index;

/// The port, unless a text names one.
const PORT: u16 = 53;

/// A text like `192.0.2.53`, `[2001:db8::53]:5353%eth0#dns.example`: address, port, interface and the name for TLS
/// (resolved.conf(5)).
pub(crate) fn resolver(text: &str) -> Option<ResolverAddress> {
    let (text, tls_name) = match text.split_once('#') {
        Some((text, name)) => (text, Some(name.to_owned()).filter(|name| !name.is_empty())),
        None => (text, None),
    };
    let (text, zone) = match text.split_once('%') {
        Some((text, zone)) => (text, Some(zone)),
        None => (text, None),
    };
    let address = match text.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, PORT),
        Err(_) => text.parse::<SocketAddr>().ok()?,
    };
    let number = zone.map_or(0, |zone| zone.parse().ok().or_else(|| index(zone)).unwrap_or(0));
    let address = match address {
        SocketAddr::V6(at) => SocketAddrV6::new(*at.ip(), at.port(), 0, number).into(),
        SocketAddr::V4(_) => address,
    };
    Some(ResolverAddress { address, tls_name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_port_interface_and_name() {
        for (text, address, name) in [
            ("192.0.2.53", "192.0.2.53:53", None),
            ("192.0.2.53:5353", "192.0.2.53:5353", None),
            ("192.0.2.53#dns.example", "192.0.2.53:53", Some("dns.example")),
            ("2001:db8::53", "[2001:db8::53]:53", None),
            ("[2001:db8::53]:853#dns.example", "[2001:db8::53]:853", Some("dns.example")),
            ("fe80::1%7", "[fe80::1%7]:53", None),
            ("[fe80::1]:53%7#", "[fe80::1%7]:53", None),
        ] {
            let expected = ResolverAddress {
                address: address.parse().unwrap(),
                tls_name: name.map(Into::into),
            };
            assert_eq!(resolver(text), Some(expected), "{text}");
        }
        for text in ["", "dns.example", "192.0.2.300", "192.0.2.1:port"] {
            assert_eq!(resolver(text), None, "{text}");
        }
    }
}
