//! The identifier of a network, which is the same for days and on each visit, and tells no place.

use std::fmt;
use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher24};

use super::facts::{DefaultRoute, LinkFacts, NetworkFacts};
use crate::interfaces::LinkKind;

/// Octets of the secret.
const SECRET_LENGTH: usize = 16;
/// Hardware addresses that many networks share: of VRRP (RFC 9568) for IPv4 and IPv6, and of HSRP.
const SHARED_ADDRESSES: [&[u8]; 4] = [
    &[0x00, 0x00, 0x5e, 0x00, 0x01],
    &[0x00, 0x00, 0x5e, 0x00, 0x02],
    &[0x00, 0x00, 0x0c, 0x07, 0xac],
    &[0x00, 0x05, 0x73, 0xa0],
];

/// An identifier of a network: a keyed hash of the hardware address of the router, so that nobody without the secret
/// learns from a file in which networks this machine was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NetworkId([u8; 16]);

/// The secret of a machine's identifiers.
#[derive(Clone, Copy)]
pub struct NetworkSecret([u8; SECRET_LENGTH]);

impl NetworkId {
    /// The first digits, for people.
    #[must_use]
    pub fn short(self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkId({self})")
    }
}

impl From<[u8; SECRET_LENGTH]> for NetworkSecret {
    fn from(octets: [u8; SECRET_LENGTH]) -> Self {
        NetworkSecret(octets)
    }
}

impl fmt::Debug for NetworkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NetworkSecret")
    }
}

impl NetworkFacts {
    /// The identifier of the network with the default route; none without a default route, and until the hardware
    /// address of the router is known: an identifier by other traits would change with the first packet.
    #[must_use]
    pub fn id(&self, secret: &NetworkSecret) -> Option<NetworkId> {
        let route = self.default_route()?;
        let link = self.link(&route.link)?;
        let mut hasher = SipHasher24::new_with_key(&secret.0);
        match self.hardware_address(route) {
            Some(address) if !is_shared(address) => hasher.write(&address),
            Some(address) => {
                hasher.write(&address);
                hasher.write(traits(route, link).as_bytes());
            }
            None if has_hardware_addresses(link.kind) => return None,
            None => hasher.write(traits(route, link).as_bytes()),
        }
        Some(NetworkId(hasher.finish128().as_bytes()))
    }

    /// The hardware address of the router: of IPv4 or of IPv6, whichever is known. One router has the same in both.
    fn hardware_address(&self, route: &DefaultRoute) -> Option<[u8; 6]> {
        let same_link = self.default_routes.iter().filter(|other| other.link == route.link);
        let mut known = same_link.filter_map(|other| other.hardware_address);
        route.hardware_address.or_else(|| known.next())
    }
}

fn is_shared(address: [u8; 6]) -> bool {
    SHARED_ADDRESSES.iter().any(|start| address.starts_with(start))
}

/// Whether routers on such a link have hardware addresses.
fn has_hardware_addresses(kind: LinkKind) -> bool {
    match kind {
        LinkKind::Ethernet | LinkKind::Wireless | LinkKind::Bridge => true,
        LinkKind::Mobile | LinkKind::Tunnel | LinkKind::Loopback | LinkKind::Unknown => false,
    }
}

/// What tells networks apart without a hardware address: interface, router, DHCP server and domain.
fn traits(route: &DefaultRoute, link: &LinkFacts) -> String {
    format!("{} {:?} {:?} {:?}", link.name, route.gateway, link.dhcp_server(), link.dhcp_domain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::{DnsSettings, FactSource};

    const ROUTER: [u8; 6] = [0x02, 1, 2, 3, 4, 5];

    fn secret(octet: u8) -> NetworkSecret {
        [octet; SECRET_LENGTH].into()
    }

    fn at(kind: LinkKind, routes: &[(&str, Option<[u8; 6]>)]) -> NetworkFacts {
        let route = |(gateway, hardware_address): &(&str, Option<[u8; 6]>)| DefaultRoute {
            link: "wlan0".to_owned(),
            gateway: gateway.parse().ok(),
            metric: 0,
            hardware_address: *hardware_address,
        };
        let link = LinkFacts { name: "wlan0".to_owned(), index: 3, kind, ..LinkFacts::default() };
        NetworkFacts {
            links: vec![link],
            default_routes: routes.iter().map(route).collect(),
            unassigned: Vec::new(),
        }
    }

    #[test]
    fn the_router_makes_the_identifier_whatever_its_address() {
        let wireless = LinkKind::Wireless;
        let id = at(wireless, &[("192.0.2.1", Some(ROUTER))]).id(&secret(1));
        assert!(id.is_some());
        assert_eq!(at(wireless, &[("192.0.2.9", Some(ROUTER))]).id(&secret(1)), id);
        let both = at(wireless, &[("192.0.2.1", None), ("fe80::1", Some(ROUTER))]);
        assert_eq!(both.id(&secret(1)), id, "the router's IPv6 is known first");
        assert_ne!(at(wireless, &[("192.0.2.1", Some([9; 6]))]).id(&secret(1)), id);
        assert_ne!(at(wireless, &[("192.0.2.1", Some(ROUTER))]).id(&secret(2)), id);
        assert_eq!(id.unwrap().short().len(), 8);
    }

    #[test]
    fn there_is_none_without_a_route_or_before_the_router_is_known() {
        assert_eq!(at(LinkKind::Wireless, &[]).id(&secret(1)), None);
        assert_eq!(at(LinkKind::Ethernet, &[("192.0.2.1", None)]).id(&secret(1)), None);
        assert!(at(LinkKind::Mobile, &[("", None)]).id(&secret(1)).is_some());
    }

    #[test]
    fn networks_with_a_shared_hardware_address_differ_by_their_domains() {
        let vrrp = [0, 0, 0x5e, 0, 1, 7];
        let office = |domain: &str| {
            let mut facts = at(LinkKind::Ethernet, &[("192.0.2.1", Some(vrrp))]);
            facts.links[0].settings = vec![DnsSettings {
                dhcp_domain: Some(domain.to_owned()),
                ..DnsSettings::of(FactSource::Dhclient)
            }];
            facts.id(&secret(1)).unwrap()
        };
        assert_ne!(office("a.example"), office("b.example"));
        assert_eq!(office("a.example"), office("a.example"));
    }
}
