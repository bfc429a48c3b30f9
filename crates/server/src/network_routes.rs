//! The zones that resolvers of a network answer, from the facts of the networks: a pure function.
//!
//! - Domains of a VPN, and of every link with routing domains, are for the resolvers of that link, and so are the
//!   reverse zones of the prefixes behind a VPN.
//! - The domain of DHCP, search domains and the domains of homes are for the resolver of the network, and so are the
//!   reverse zones of the private prefixes of the link.
//!
//! A zone of the file wins over a network, and so does everything that has a special meaning (`local` belongs to
//! multicast DNS). Only a resolver *of the network* gets such questions: an address on the link, or a private one. A
//! resolver that is this machine would ask itself, and is left out.
//!
//! A network may give any domain to its clients. So a domain outside `network.home-domains` is validated: a network
//! can answer for an unsigned zone, as everyone on the way could anyway, and not for a signed one. The domains of a VPN
//! are not validated, since the person at this machine has joined the VPN.

use std::net::{IpAddr, SocketAddr};

use zoners_dns::{Name, Prefix, name};
use zoners_host::networks::{DnsSettings, LinkFacts, LinkKind, NetworkFacts};

use crate::config::{Config, NetworkRoute, RouteReason};

/// Routes in all; the question of every miss is compared with each.
const MAX_ROUTES: usize = 128;
/// Reverse zones of a prefix whose length is no multiple of a label.
const MAX_REVERSE_ZONES: u32 = 16;
/// Names that belong to no network (RFC 6761, RFC 6762, RFC 7686, RFC 9462); the root stands for all names.
const NEVER: [&str; 9] = [
    "local",
    "localhost",
    "invalid",
    "test",
    "onion",
    "resolver.arpa",
    "arpa",
    "in-addr.arpa",
    "ip6.arpa",
];

/// The routes of these networks under this configuration, in a stable order.
#[must_use]
pub fn network_routes(facts: &NetworkFacts, config: &Config) -> Vec<NetworkRoute> {
    if !config.network.use_domains {
        return Vec::new();
    }
    let mut routes = Routes { facts, config, all: Vec::new() };
    let is_vpn = |link: &&LinkFacts| link.kind == LinkKind::Tunnel;
    facts.links.iter().filter(is_vpn).for_each(|link| routes.add_vpn(link));
    // The preferred link first, then the others by number.
    let preferred = facts.default_route().map(|route| route.link.as_str());
    let mut links: Vec<&LinkFacts> = facts.links.iter().filter(|link| !is_vpn(link)).collect();
    links.sort_by_key(|link| (Some(link.name.as_str()) != preferred, link.index));
    links.iter().for_each(|link| routes.add_routing_domains(link));
    links.iter().for_each(|link| routes.add_home(link));
    routes.all
}

struct Routes<'a> {
    facts: &'a NetworkFacts,
    config: &'a Config,
    all: Vec<NetworkRoute>,
}

impl Routes<'_> {
    /// The domains and the addresses of a VPN.
    fn add_vpn(&mut self, link: &LinkFacts) {
        for settings in self.settings(link) {
            let servers = self.servers(&settings);
            let domains = settings.routing_domains.iter().chain(&settings.search_domains);
            for domain in domains.filter_map(|domain| name::parse(domain).ok()) {
                self.add(domain, &servers, link, RouteReason::Vpn);
            }
            // Resolvers of a domain alone, as scutil(8) tells them, do not answer for addresses.
            // Routes to single machines, as a VPN may have to each peer, would be zones without number.
            let prefixes = link.prefixes.iter().filter(|(ip, bits)| *bits < full_length(*ip));
            let prefixes = prefixes.chain(&link.addresses);
            for zone in prefixes.flat_map(|prefix| reverse_zones(*prefix)) {
                self.add(zone, &servers, link, RouteReason::VpnReverse);
            }
        }
    }

    /// Domains that a manager sends to this link alone.
    fn add_routing_domains(&mut self, link: &LinkFacts) {
        for settings in self.settings(link) {
            let servers = self.servers(&settings);
            for domain in settings.routing_domains.iter().filter_map(|it| name::parse(it).ok()) {
                self.add(domain, &servers, link, RouteReason::Vpn);
            }
        }
    }

    /// The domain of DHCP, search domains, domains of homes, and private addresses.
    fn add_home(&mut self, link: &LinkFacts) {
        if matches!(link.kind, LinkKind::Loopback | LinkKind::Mobile) {
            return;
        }
        for settings in self.settings(link).into_iter().filter(DnsSettings::serves_other_names) {
            let mut servers = self.servers(&settings);
            servers.retain(|server| is_of_network(server.ip(), link));
            let told = link.dhcp_domain().into_iter().map(str::to_owned);
            let told = told.chain(settings.search_domains.iter().cloned());
            for domain in told.filter_map(|domain| name::parse(&domain).ok()) {
                self.add(domain, &servers, link, RouteReason::DhcpDomain);
            }
            for domain in &self.config.network.home_domains {
                self.add(domain.clone(), &servers, link, RouteReason::HomeDomain);
            }
            let is_private = |(address, _): &&(IpAddr, u8)| is_private(*address);
            let private = link.addresses.iter().filter(is_private);
            for zone in private.flat_map(|prefix| reverse_zones(*prefix)) {
                self.add(zone, &servers, link, RouteReason::Reverse);
            }
        }
    }

    /// The settings of a link; where no source names a link, those of the machine whose resolvers are on this link.
    fn settings(&self, link: &LinkFacts) -> Vec<DnsSettings> {
        let own: Vec<DnsSettings> = link.in_use().cloned().collect();
        if !own.is_empty() {
            return own;
        }
        let is_on_link = |settings: &&DnsSettings| {
            let mut resolvers = settings.resolvers.iter();
            resolvers.any(|resolver| is_on_link(resolver.address.ip(), link))
        };
        let machine = self.facts.unassigned.iter().find(is_on_link);
        machine.map(|settings| self.part_of(settings, link)).into_iter().collect()
    }

    /// The settings of the machine as far as they are of a link. Where they have resolvers of several links, as
    /// systemd-resolved merges them into a file, nothing tells of which link a domain is: a name of a VPN would go to the
    /// home, or the other way round.
    fn part_of(&self, settings: &DnsSettings, link: &LinkFacts) -> DnsSettings {
        let is_of_other = |address: IpAddr| {
            let mut others = self.facts.links.iter().filter(|other| other.index != link.index);
            !is_on_link(address, link) && others.any(|other| is_on_link(address, other))
        };
        let mut part = settings.clone();
        part.resolvers.retain(|resolver| !is_of_other(resolver.address.ip()));
        if part.resolvers.len() < settings.resolvers.len() {
            part.search_domains.clear();
            part.routing_domains.clear();
        }
        part
    }

    /// The resolvers that are not this machine.
    fn servers(&self, settings: &DnsSettings) -> Vec<SocketAddr> {
        let all = settings.resolvers.iter().map(|resolver| resolver.address);
        let mut servers: Vec<SocketAddr> = Vec::new();
        for server in all.filter(|server| !self.facts.is_own(server.ip())) {
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        servers
    }

    fn add(&mut self, zone: Name, servers: &[SocketAddr], link: &LinkFacts, reason: RouteReason) {
        let is_known = self.all.iter().any(|route| route.zone == zone);
        let full = self.all.len() >= MAX_ROUTES;
        if servers.is_empty() || is_known || full || is_never(&zone) || self.is_own(&zone) {
            return;
        }
        let homes = &self.config.network.home_domains;
        let is_home = homes.iter().any(|home| name::is_within(&zone, home));
        self.all.push(NetworkRoute {
            zone,
            servers: servers.to_vec(),
            link: (link.name.clone(), link.index),
            reason,
            validate: reason == RouteReason::DhcpDomain && !is_home,
        });
    }

    /// Whether the file has a route for the zone, or for a zone above other than the root, or the zone has names of
    /// leases.
    fn is_own(&self, zone: &Name) -> bool {
        let leases = self.config.lease_domain();
        if leases.is_some_and(|leases| name::is_within(zone, leases)) {
            return true;
        }
        let mut routes = self.config.forward.iter().chain(&self.config.stub);
        routes.any(|route| !route.zone.is_root() && name::is_within(zone, &route.zone))
    }
}

fn is_never(zone: &Name) -> bool {
    let text = zone.to_string();
    let text = text.trim_end_matches('.');
    let is_local = text == "local" || text.ends_with(".local");
    text.is_empty() || is_local || NEVER.contains(&text)
}

/// Whether a resolver belongs to the network of the link and not to the Internet.
fn is_of_network(address: IpAddr, link: &LinkFacts) -> bool {
    is_private(address) || is_link_local(address) || is_on_link(address, link)
}

fn is_on_link(address: IpAddr, link: &LinkFacts) -> bool {
    let mut prefixes = link.addresses.iter().chain(&link.prefixes);
    prefixes.any(|(prefix, bits)| Prefix::of(*prefix, *bits).contains(address))
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// The bits of a prefix with a single address.
fn full_length(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The zones with the PTR records of a prefix. A prefix that ends within a label has several; a short prefix with too
/// many of them, and link-local or multicast prefixes, have none.
fn reverse_zones((address, bits): (IpAddr, u8)) -> Vec<Name> {
    let special = address.is_multicast() || address.is_loopback() || is_link_local(address);
    let (octets, label) = match address {
        IpAddr::V4(ip) => (ip.octets().to_vec(), 8_u32),
        IpAddr::V6(ip) => (ip.octets().to_vec(), 4),
    };
    let (bits, per_octet) = (u32::from(bits), 8 / label);
    let labels = bits.div_ceil(label);
    let spare = labels * label - bits;
    if special || bits < 8 || 1 << spare > MAX_REVERSE_ZONES {
        return Vec::new();
    }
    let digit = |number: u32| {
        let octet = u32::from(octets.get((number / per_octet) as usize).copied().unwrap_or(0));
        if label == 8 { octet } else { (octet >> (4 * (1 - number % 2))) & 0xf }
    };
    let zone = |last: u32| {
        let upper = (0..labels - 1).rev().map(digit);
        let digits = std::iter::once(last).chain(upper);
        let text: String = match label {
            8 => digits.map(|digit| format!("{digit}.")).collect(),
            _ => digits.map(|digit| format!("{digit:x}.")).collect(),
        };
        let top = if label == 8 { "in-addr.arpa" } else { "ip6.arpa" };
        name::parse(&format!("{text}{top}")).ok()
    };
    let first = digit(labels - 1) >> spare << spare;
    (first..first + (1 << spare)).filter_map(zone).collect()
}

#[cfg(test)]
mod tests;
