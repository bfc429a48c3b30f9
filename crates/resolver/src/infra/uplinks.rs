//! The uplinks of this machine: one to the Internet, and one for each LAN or VPN with configured
//! servers.
//!
//! A reply of a router says nothing about the Internet behind the router, and neither does a server
//! behind a tunnel. So routes to inside addresses (of a LAN, a VPN or this machine) have uplinks of
//! their own. The servers of one zone share an uplink, as alternatives for the same questions, and
//! so do servers of one network. Every other server belongs to the Internet, whatever the address.

use std::net::IpAddr;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use zoners_dns::{Delegation, Moment, name};

use crate::infra::reachability::network;
use crate::infra::uplink::Uplink;
use crate::model::settings::Settings;

/// Inside uplinks; further ones share the last.
const MOST: usize = 8;

/// The state of the uplinks.
#[derive(Debug, Default)]
pub(crate) struct Uplinks {
    internet: Uplink,
    inside: [Uplink; MOST],
    /// Whether there are inside uplinks: without, no look-up takes the lock.
    any_inside: AtomicBool,
    layout: RwLock<UplinkLayout>,
}

/// The networks of each inside uplink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct UplinkLayout {
    networks: Vec<Vec<IpAddr>>,
    /// The forwarders of the root zone.
    root_forwarders: Vec<IpAddr>,
}

impl Uplinks {
    /// The uplink to an address.
    pub(crate) fn to(&self, address: IpAddr) -> &Uplink {
        if !self.any_inside.load(Ordering::Relaxed) || !is_inside(address) {
            return &self.internet;
        }
        let at = self.layout.read().uplink_of(address);
        at.and_then(|at| self.inside.get(at)).unwrap_or(&self.internet)
    }

    /// The uplink to the servers of a zone, of the first server if there are several.
    pub(crate) fn of(&self, cut: &Delegation) -> &Uplink {
        if !self.any_inside.load(Ordering::Relaxed) {
            return &self.internet;
        }
        let first = cut.servers.iter().flat_map(|server| &server.addresses).next();
        first.map_or(&self.internet, |address| self.to(address.ip()))
    }

    /// Whether an uplink leads to the Internet.
    pub(crate) fn is_internet(&self, uplink: &Uplink) -> bool {
        ptr::eq(uplink, &raw const self.internet)
    }

    /// The uplink to the Internet.
    pub(crate) fn internet(&self) -> &Uplink {
        &self.internet
    }

    /// Whether the default uplinks are down: the Internet, or the forwarders of the root zone.
    pub(crate) fn is_down(&self, now: Moment) -> bool {
        if !self.any_inside.load(Ordering::Relaxed) {
            return self.internet.is_down(now);
        }
        let root_forwarders = self.layout.read().root_forwarders.clone();
        match root_forwarders.is_empty() {
            true => self.internet.is_down(now),
            false => root_forwarders.iter().all(|address| self.to(*address).is_down(now)),
        }
    }

    /// The networks behind inside uplinks without replies.
    pub(crate) fn down_inside(&self, now: Moment) -> Vec<IpAddr> {
        let layout = self.layout.read();
        let is_down =
            |at: usize| self.inside.get(at.min(MOST - 1)).is_some_and(|uplink| uplink.is_down(now));
        let networks = layout.networks.iter().enumerate();
        networks.filter(|(at, _)| is_down(*at)).flat_map(|(_, networks)| networks.clone()).collect()
    }

    /// Whether a server behind an inside uplink has replied, and the uplink is not down since.
    pub(crate) fn has_replies_inside(&self, now: Moment) -> bool {
        let replies =
            |uplink: &Uplink| uplink.last_reply_at().as_millis() > 0 && !uplink.is_down(now);
        self.inside.iter().any(replies)
    }

    /// Ignores timeouts of servers up to now.
    pub(crate) fn forgive(&self, now: Moment) {
        for uplink in self.inside.iter().chain([&self.internet]) {
            uplink.forgive(now);
            uplink.interruptions().forget();
        }
    }

    /// Creates the uplinks of a configuration.
    pub(crate) fn configure(&self, settings: &Settings) {
        let layout = UplinkLayout::of(settings);
        let mut known = self.layout.write();
        if *known != layout {
            self.any_inside.store(!layout.networks.is_empty(), Ordering::Relaxed);
            self.inside.iter().for_each(Uplink::forget);
            *known = layout;
        }
    }
}

impl UplinkLayout {
    fn of(settings: &Settings) -> Self {
        let mut layout = UplinkLayout::default();
        for route in &settings.routes {
            let addresses = route.servers.iter().flat_map(|server| &server.addresses);
            let inside: Vec<IpAddr> = addresses
                .map(|address| address.ip())
                .filter(|address| is_inside(*address))
                .map(network)
                .collect();
            if !inside.is_empty() {
                layout.add(inside);
            }
        }
        if let Some(route) = settings.route(&name::root()) {
            let servers = route.servers.iter().flat_map(|server| &server.addresses);
            layout.root_forwarders = servers.map(|address| address.ip()).collect();
        }
        layout
    }

    /// Adds the networks of one zone's servers, merged with an uplink to any of the networks.
    fn add(&mut self, inside: Vec<IpAddr>) {
        let shares = |uplink: &Vec<IpAddr>| uplink.iter().any(|network| inside.contains(network));
        let uplinks = std::mem::take(&mut self.networks).into_iter();
        let (mut same, others): (Vec<_>, Vec<_>) = uplinks.partition(shares);
        same.push(inside);
        let mut joined = same.concat();
        joined.sort_unstable();
        joined.dedup();
        self.networks = others;
        self.networks.push(joined);
    }

    fn uplink_of(&self, address: IpAddr) -> Option<usize> {
        let network = network(address);
        let at = self.networks.iter().position(|networks| networks.contains(&network))?;
        Some(at.min(MOST - 1))
    }
}

/// Whether an address is inside: no server in the Internet has such an address (RFC 6890).
fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            // 100.64.0.0/10, which carriers and tunnels have (RFC 6598).
            let shared = a == 100 && b & 0xC0 == 64;
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::{QueryMode, zonefile};

    fn route(zone: &str, addresses: &[&str]) -> Delegation {
        let mut text = String::from(". NS inside.\n");
        for address in addresses {
            let rtype = if address.contains(':') { "AAAA" } else { "A" };
            text += &format!("inside. {rtype} {address}\n");
        }
        let hints = zonefile::root_hints(&text).unwrap();
        let servers = Delegation::from_hints(&hints).unwrap();
        Delegation { zone: name::parse(zone).unwrap(), mode: QueryMode::Forward, ..servers }
    }

    fn configured(routes: Vec<Delegation>) -> Uplinks {
        let uplinks = Uplinks::default();
        uplinks.configure(&Settings { routes, ..Settings::new(route(".", &["198.51.100.1"])) });
        uplinks
    }

    fn number(uplinks: &Uplinks, address: &str) -> Option<usize> {
        let uplink = uplinks.to(address.parse().unwrap());
        uplinks.inside.iter().position(|inside| ptr::eq(inside, uplink))
    }

    #[test]
    fn configured_inside_servers_have_an_uplink_and_all_else_is_the_internet() {
        let uplinks = configured(vec![
            route("lan", &["192.168.1.1", "fd00:1::1"]),
            route("corp", &["10.8.0.1"]),
            route("public", &["198.51.100.7"]),
        ]);
        assert_eq!(number(&uplinks, "192.168.1.1"), Some(0));
        assert_eq!(number(&uplinks, "192.168.1.9"), Some(0), "the same network");
        assert_eq!(number(&uplinks, "fd00:1::1"), Some(0), "the same zone");
        assert_eq!(number(&uplinks, "10.8.0.1"), Some(1));
        for elsewhere in ["198.51.100.7", "192.0.2.1", "2001:db8::1", "10.9.0.1", "192.168.2.1"] {
            assert_eq!(number(&uplinks, elsewhere), None, "{elsewhere}");
        }
        assert_eq!(number(&configured(vec![]), "192.168.1.1"), None);
    }

    #[test]
    fn zones_that_share_a_network_share_an_uplink() {
        let uplinks = configured(vec![
            route("a", &["10.1.0.1"]),
            route("b", &["10.2.0.1"]),
            route("c", &["10.3.0.1"]),
            route("d", &["10.1.0.2", "10.3.0.2"]),
        ]);
        assert_eq!(number(&uplinks, "10.1.0.1"), number(&uplinks, "10.3.0.1"));
        assert_ne!(number(&uplinks, "10.1.0.1"), number(&uplinks, "10.2.0.1"));
    }

    #[test]
    fn uplinks_beyond_the_limit_share_the_last() {
        let zones = (0..MOST + 2).map(|at| route(&format!("z{at}"), &[&format!("10.{at}.0.1")]));
        let uplinks = configured(zones.collect());
        let numbers = (0..MOST + 2).map(|at| number(&uplinks, &format!("10.{at}.0.1")));
        let own = (0..MOST).chain([MOST - 1, MOST - 1]).map(Some);
        assert!(numbers.eq(own));
    }

    #[test]
    fn the_default_uplink_is_that_of_the_forwarders_of_the_root() {
        let (uplinks, at) = (configured(vec![route(".", &["192.168.1.1"])]), Moment::from_millis);
        (0..9).for_each(|_| uplinks.internet().asked(at(5)));
        assert!(uplinks.internet().is_down(at(90_000)) && !uplinks.is_down(at(90_000)));
        (0..9).for_each(|_| uplinks.to("192.168.1.1".parse().unwrap()).asked(at(5)));
        assert!(uplinks.is_down(at(90_000)));
        assert_eq!(uplinks.down_inside(at(90_000)), ["192.168.1.0".parse::<IpAddr>().unwrap()]);
        assert!(!uplinks.has_replies_inside(at(90_000)));
        uplinks.to("192.168.1.1".parse().unwrap()).replied(at(90_001));
        assert!(uplinks.has_replies_inside(at(90_002)) && !uplinks.is_down(at(90_002)));
        uplinks.configure(&Settings::new(route(".", &["198.51.100.1"])));
        assert!(uplinks.is_down(at(90_000)), "it is the Internet again");
        assert!(uplinks.down_inside(at(90_000)).is_empty());
    }
}
