//! Special-use names: answered here, since asking the Internet for them leaks and cannot succeed.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_dns::{Delegation, Name, NameSlice, OptRcode, RRset, Records, Rtype, name};
use zoners_resolver::Answer;

use super::{answer_of, soa};
use crate::config::SpecialUse;

/// Seconds for which clients may keep the addresses of localhost, and the names of these addresses.
const TTL: u32 = 10_800;

/// The addresses that `localhost` has, and that have it as their name.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Reverse zones of addresses that nobody owns (RFC 6303 section 4; RFC 7793 for 100.64/10 is left
/// to those who use it).
const PRIVATE_REVERSE: &[&str] = &[
    "0.in-addr.arpa",
    "127.in-addr.arpa",
    "10.in-addr.arpa",
    "168.192.in-addr.arpa",
    "254.169.in-addr.arpa",
    "2.0.192.in-addr.arpa",
    "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa",
    "255.255.255.255.in-addr.arpa",
    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
    "c.f.ip6.arpa",
    "d.f.ip6.arpa",
    "8.e.f.ip6.arpa",
    "9.e.f.ip6.arpa",
    "a.e.f.ip6.arpa",
    "b.e.f.ip6.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa",
];

/// The zones that are answered here.
#[derive(Debug)]
pub(super) struct SpecialZones {
    zones: HashSet<Name>,
    /// The last label of each, so that most names cost a glance.
    tops: Vec<Name>,
    localhost: Name,
    /// The reverse names of [`LOOPBACK`].
    loopback: [Name; 2],
    /// Where clients look for encrypted resolvers.
    resolver: Name,
}

impl SpecialZones {
    /// The zones that are switched on, those left out that a configured route leads into.
    pub(super) fn new(on: &SpecialUse, routes: &[Delegation]) -> Self {
        let single = [
            (on.localhost, "localhost"),
            (on.invalid, "invalid"),
            (on.test, "test"),
            (on.onion, "onion"),
            (on.local, "local"),
            (on.home_arpa, "home.arpa"),
            (on.resolver_arpa, "resolver.arpa"),
        ];
        let reverse: &[&str] = if on.private_reverse { PRIVATE_REVERSE } else { &[] };
        // 172.16/12 is sixteen zones.
        let sixteen: Vec<String> = match on.private_reverse {
            true => (16..32).map(|octet| format!("{octet}.172.in-addr.arpa")).collect(),
            false => vec![],
        };
        let single = single.iter().filter(|(on, _)| *on).map(|(_, zone)| *zone);
        let texts = single.chain(reverse.iter().copied()).chain(sixteen.iter().map(String::as_str));
        let routed = |zone: &Name| {
            routes.iter().any(|route| !route.zone.is_root() && name::is_within(&route.zone, zone))
        };
        let zones = texts.filter_map(|text| name::parse(text).ok()).filter(|zone| !routed(zone));
        let zones: HashSet<Name> = zones.collect();
        let mut tops: Vec<Name> = Vec::new();
        for top in zones.iter().filter_map(|zone| zone.iter_suffixes().nth(name::depth(zone) - 1)) {
            if !tops.contains(&top) {
                tops.push(top);
            }
        }
        // The root stands for a name that is none, and is no zone of ours either.
        let parsed = |text| name::parse(text).unwrap_or_else(|_| name::root());
        let (localhost, resolver) = (parsed("localhost"), parsed("resolver.arpa"));
        SpecialZones { zones, tops, localhost, loopback: LOOPBACK.map(name::reverse), resolver }
    }

    /// The answer, if the name is one of ours.
    pub(super) fn answer(&self, asked: &NameSlice, rtype: Rtype) -> Option<Answer> {
        if !self.tops.iter().any(|top| ends_with(asked, top)) {
            return None;
        }
        let zone = asked.iter_suffixes().find_map(|suffix| self.zones.get(suffix.for_slice()))?;
        let asked = &name::owned(asked);
        if rtype == Rtype::SOA && asked == zone {
            return Some(answer_of(OptRcode::NOERROR, soa(zone), vec![]));
        }
        if let Some(records) = self.records(zone, asked, rtype) {
            let set = RRset::new(asked.clone(), rtype, TTL, records);
            return Some(answer_of(OptRcode::NOERROR, vec![set], vec![]));
        }
        let rcode = match self.exists(zone, asked) {
            true => OptRcode::NOERROR,
            false => OptRcode::NXDOMAIN,
        };
        Some(answer_of(rcode, vec![], soa(zone)))
    }

    /// The records that a name of `zone` has: addresses of `localhost` and all below it (RFC 6761
    /// section 6.3), and the names of these addresses.
    fn records(&self, zone: &Name, asked: &Name, rtype: Rtype) -> Option<Records> {
        let address = |address: &IpAddr| match (address, rtype) {
            (IpAddr::V4(ip), Rtype::A) => Some(Records::from_iter([ip.octets()])),
            (IpAddr::V6(ip), Rtype::AAAA) => Some(Records::from_iter([ip.octets()])),
            _ => None,
        };
        if *zone == self.localhost {
            return LOOPBACK.iter().find_map(address);
        }
        let is_named = rtype == Rtype::PTR && self.loopback.contains(asked);
        is_named.then(|| Records::from_iter([self.localhost.as_slice()]))
    }

    /// Whether a name of `zone` exists, with records or without. All below resolver.arpa do, so that
    /// a client takes "no encrypted resolver" for the answer (RFC 9462 section 4).
    fn exists(&self, zone: &Name, asked: &Name) -> bool {
        let holds_loopback = || self.loopback.iter().any(|name| name::is_within(name, asked));
        asked == zone || *zone == self.localhost || *zone == self.resolver || holds_loopback()
    }
}

/// Whether the octets of a name end like another; true of every name below that one.
fn ends_with(asked: &NameSlice, end: &Name) -> bool {
    let (asked, end) = (asked.as_slice(), end.as_slice());
    let start = asked.len().checked_sub(end.len());
    start.is_some_and(|start| asked[start..].eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(on: &SpecialUse, text: &str, rtype: Rtype) -> Option<Answer> {
        SpecialZones::new(on, &[]).answer(name::parse(text).unwrap().for_slice(), rtype)
    }

    #[test]
    fn special_names_stay_here() {
        let on = SpecialUse::default();
        let localhost = answer(&on, "db.localhost", Rtype::A).unwrap();
        assert_eq!(localhost.answer[0].to_string(), "db.localhost. 10800 IN A 127.0.0.1");
        assert_eq!(answer(&on, "localhost", Rtype::MX).unwrap().rcode, OptRcode::NOERROR);
        for gone in [
            "x.onion",
            "a.b.test",
            "printer.local",
            "1.0.0.10.in-addr.arpa",
            "9.20.172.in-addr.arpa",
        ] {
            let answer = answer(&on, gone, Rtype::A).unwrap();
            assert_eq!((answer.rcode, answer.authority.len()), (OptRcode::NXDOMAIN, 1), "{gone}");
        }
        assert_eq!(answer(&on, "test", Rtype::A).unwrap().rcode, OptRcode::NOERROR);
        assert_eq!(answer(&on, "example.com", Rtype::A), None);
        assert_eq!(answer(&on, "9.32.172.in-addr.arpa", Rtype::PTR), None);
    }

    #[test]
    fn loopback_addresses_have_a_name() {
        let on = SpecialUse::default();
        let v6 = format!("1.{}ip6.arpa", "0.".repeat(31));
        for reverse in ["1.0.0.127.in-addr.arpa", v6.as_str()] {
            let ptr = answer(&on, reverse, Rtype::PTR).unwrap();
            assert_eq!(ptr.answer[0].to_string(), format!("{reverse}. 10800 IN PTR localhost."));
            let other = answer(&on, reverse, Rtype::TXT).unwrap();
            assert_eq!((other.rcode, other.authority.len()), (OptRcode::NOERROR, 1));
        }
        let rcode = |text: &str| answer(&on, text, Rtype::PTR).unwrap().rcode;
        assert_eq!(rcode("2.0.0.127.in-addr.arpa"), OptRcode::NXDOMAIN);
        assert_eq!(rcode("1.1.0.0.127.in-addr.arpa"), OptRcode::NXDOMAIN);
        assert_eq!(rcode("0.127.in-addr.arpa"), OptRcode::NOERROR, "a name lies below it");
        assert_eq!(rcode("1.127.in-addr.arpa"), OptRcode::NXDOMAIN);
        let off = SpecialUse { private_reverse: false, ..on };
        assert_eq!(answer(&off, "1.0.0.127.in-addr.arpa", Rtype::PTR), None);
    }

    #[test]
    fn whoever_looks_for_an_encrypted_resolver_hears_that_there_is_none() {
        let on = SpecialUse::default();
        let svcb = Rtype::SVCB;
        for text in
            ["resolver.arpa", "_dns.resolver.arpa", "_DNS.Resolver.ARPA", "a.b.resolver.arpa"]
        {
            for rtype in [svcb, Rtype::A, Rtype::TXT, Rtype::HTTPS] {
                let nodata = answer(&on, text, rtype).unwrap();
                assert_eq!(nodata.rcode, OptRcode::NOERROR, "{text} {rtype}");
                assert!(nodata.answer.is_empty());
                assert_eq!(nodata.authority[0].owner.to_string(), "resolver.arpa");
            }
        }
        let off = SpecialUse { resolver_arpa: false, ..on };
        assert_eq!(answer(&off, "_dns.resolver.arpa", svcb), None);
    }

    #[test]
    fn each_zone_can_be_switched_off_or_routed() {
        let off = SpecialUse { test: false, ..SpecialUse::default() };
        assert_eq!(answer(&off, "a.test", Rtype::A), None);
        let hints = zoners_dns::zonefile::root_hints(crate::config::ROOT_HINTS).unwrap();
        let mut route = Delegation::from_hints(&hints).unwrap();
        route.zone = name::parse("home.arpa").unwrap();
        let local = SpecialZones::new(&SpecialUse::default(), &[route]);
        let nas = name::parse("nas.home.arpa").unwrap();
        assert_eq!(local.answer(nas.for_slice(), Rtype::A), None);
    }
}
