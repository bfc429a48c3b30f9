//! What is known of the networks of this machine: plain data.

use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::settings::{DnsSettings, ResolverAddress};
use crate::interfaces::LinkKind;

/// What is known of the networks of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkFacts {
    /// The links that are up, by number.
    pub links: Vec<LinkFacts>,
    /// The default routes, preferred first.
    pub default_routes: Vec<DefaultRoute>,
    /// Settings that no source assigns to a link, best source first.
    pub unassigned: Vec<DnsSettings>,
}

/// A route to everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRoute {
    /// The name of the link.
    pub link: String,
    /// The router; `None` on a line to one machine.
    pub gateway: Option<IpAddr>,
    /// The metric: the system prefers the lowest, within a family.
    pub metric: u32,
    /// The hardware address of the router, if known. The address tells where a machine is, so no file has it.
    #[serde(skip)]
    pub hardware_address: Option<[u8; 6]>,
}

/// What is known of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkFacts {
    /// The name of the interface.
    pub name: String,
    /// The number of the interface.
    pub index: u32,
    /// The kind of the link.
    pub kind: LinkKind,
    /// The addresses of this machine, each with the bits of its prefix.
    pub addresses: Vec<(IpAddr, u8)>,
    /// Prefixes reached without a router: an address and the leading bits.
    pub prefixes: Vec<(IpAddr, u8)>,
    /// Routers of default routes over this link.
    pub gateways: Vec<IpAddr>,
    /// DNS settings, best source first.
    pub settings: Vec<DnsSettings>,
}

impl NetworkFacts {
    /// The link of this name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&LinkFacts> {
        self.links.iter().find(|link| link.name == name)
    }

    /// The default route of the network itself: the preferred one, a VPN's left out if there is another.
    #[must_use]
    pub fn default_route(&self) -> Option<&DefaultRoute> {
        let is_tunnel = |route: &&DefaultRoute| {
            self.link(&route.link).is_some_and(|link| link.kind == LinkKind::Tunnel)
        };
        let direct = self.default_routes.iter().find(|route| !is_tunnel(route));
        direct.or(self.default_routes.first())
    }

    /// The addresses of this machine.
    #[must_use]
    pub fn own_addresses(&self) -> Vec<IpAddr> {
        let all = self.links.iter().flat_map(|link| &link.addresses);
        all.map(|(address, _)| *address).collect()
    }

    /// Whether an address is one of this machine.
    #[must_use]
    pub fn is_own(&self, address: IpAddr) -> bool {
        let mut all = self.links.iter().flat_map(|link| &link.addresses);
        address.is_loopback() || address.is_unspecified() || all.any(|(own, _)| *own == address)
    }
}

impl LinkFacts {
    /// The settings in use: those of the best source with a resolver. scutil(8) has several for a link, each for a
    /// domain; other sources have one.
    pub fn in_use(&self) -> impl Iterator<Item = &DnsSettings> {
        let has_resolver = |settings: &&DnsSettings| !settings.resolvers.is_empty();
        let best = self.settings.iter().find(has_resolver).map(|settings| settings.source);
        let all = self.settings.iter().filter(has_resolver);
        all.filter(move |settings| Some(settings.source) == best)
    }

    /// The resolvers in use.
    #[must_use]
    pub fn resolvers(&self) -> Vec<&ResolverAddress> {
        let mut all: Vec<&ResolverAddress> = Vec::new();
        for resolver in self.in_use().flat_map(|settings| &settings.resolvers) {
            if !all.contains(&resolver) {
                all.push(resolver);
            }
        }
        all
    }

    /// The domain that DHCP gives this machine.
    #[must_use]
    pub fn dhcp_domain(&self) -> Option<&str> {
        self.settings.iter().find_map(|settings| settings.dhcp_domain.as_deref())
    }

    /// The DHCP server.
    #[must_use]
    pub fn dhcp_server(&self) -> Option<IpAddr> {
        self.settings.iter().find_map(|settings| settings.dhcp_server)
    }

    /// The address of the captive portal's API (RFC 8910).
    #[must_use]
    pub fn portal_api(&self) -> Option<&str> {
        self.settings.iter().find_map(|settings| settings.portal_api.as_deref())
    }

    /// Prefixes of a NAT64 (RFC 8781), of every source.
    #[must_use]
    pub fn nat64_prefixes(&self) -> Vec<(Ipv6Addr, u8)> {
        let mut all: Vec<(Ipv6Addr, u8)> = Vec::new();
        for prefix in self.settings.iter().flat_map(|settings| &settings.nat64_prefixes) {
            if !all.contains(prefix) {
                all.push(*prefix);
            }
        }
        all
    }

    /// Whether names without a domain of their own are for resolvers of this link.
    #[must_use]
    pub fn takes_other_names(&self) -> bool {
        self.in_use().any(DnsSettings::serves_other_names)
    }
}
