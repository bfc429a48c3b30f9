//! Special-use names: answered here, since a query to the Internet for these names leaks and cannot
//! succeed.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use zoners_dns::{Delegation, Name, NameSlice, OptRcode, RRset, Records, Rtype, name};
use zoners_resolver::Answer;

use super::{TTL, answer_of, ns, soa};
use crate::config::SpecialUse;

/// The addresses of `localhost`, which have `localhost` as their name.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Where clients look for the encrypted service of a resolver: never a question for a different resolver, which would
/// name its own (RFC 9462 section 6.2).
const DISCOVERY: &str = "_dns.resolver.arpa";

/// Reverse zones of private addresses (RFC 6303 section 4, RFC 9637 section 4), beside those of
/// [`SERIES`].
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
    "0.f.f.f.3.ip6.arpa",
];

/// Reverse zones for each of a range of octets: 172.16/12 (RFC 6303 section 4.1) and 100.64/10 (RFC
/// 7793).
const SERIES: [(RangeInclusive<u8>, &str); 2] =
    [(16..=31, "172.in-addr.arpa"), (64..=127, "100.in-addr.arpa")];

/// The special-use zones in force.
#[derive(Debug)]
pub(super) struct SpecialZones {
    zones: HashSet<Name>,
    /// The zones of the configured routes, which win over all but `firm`.
    routes: Vec<Name>,
    /// Zones that no route answers.
    firm: Vec<Name>,
    /// The top-level label of each zone, so that most names cost one comparison.
    tops: Vec<Name>,
    localhost: Name,
    /// The reverse names of [`LOOPBACK`].
    loopback: [Name; 2],
    /// Where clients look for encrypted resolvers.
    resolver: Name,
}

impl SpecialZones {
    /// The enabled zones, and `canaries`, by whose absence programs learn to use the system's resolver. Names below one of
    /// `routes` are left to the route, except canaries. A route of the root zone does not count: it is for the Internet,
    /// which has no special-use names.
    pub(super) fn new(on: &SpecialUse, canaries: &[&str], routes: &[Delegation]) -> Self {
        let firm: Vec<&str> = canaries.iter().copied().chain([DISCOVERY]).collect();
        let firm = firm.into_iter().filter_map(|zone| name::parse(zone).ok()).collect::<Vec<_>>();
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
        let series = SERIES.iter().filter(|_| on.private_reverse);
        let series: Vec<String> = series
            .flat_map(|(octets, zone)| octets.clone().map(move |octet| format!("{octet}.{zone}")))
            .collect();
        let single = single.iter().filter(|(on, _)| *on).map(|(_, zone)| *zone);
        let texts = single.chain(reverse.iter().copied()).chain(series.iter().map(String::as_str));
        let mut zones: HashSet<Name> = texts.filter_map(|text| name::parse(text).ok()).collect();
        let is_new = |zone: &&Name| !name::with_ancestors(zone).any(|above| zones.contains(&above));
        let new: Vec<Name> = firm.iter().filter(is_new).cloned().collect();
        zones.extend(new);
        let routes = routes.iter().map(|route| &route.zone).filter(|zone| !zone.is_root());
        let routes = routes.cloned().collect();
        let mut tops: Vec<Name> = Vec::new();
        for top in zones.iter().filter_map(|zone| zone.iter_suffixes().nth(name::depth(zone) - 1)) {
            if !tops.contains(&top) {
                tops.push(top);
            }
        }
        // The root stands for an invalid name, and is no special-use zone.
        let parsed = |text| name::parse(text).unwrap_or_else(|_| name::root());
        let (localhost, resolver) = (parsed("localhost"), parsed("resolver.arpa"));
        SpecialZones {
            zones,
            routes,
            firm,
            tops,
            localhost,
            loopback: LOOPBACK.map(name::reverse),
            resolver,
        }
    }

    /// Adds the domain of leases; without a lease, a name of the domain does not exist. Leases have names in reverse too.
    pub(super) fn add_leases(&mut self, domain: &Name) {
        let top = domain.iter_suffixes().nth(name::depth(domain).saturating_sub(1));
        let arpa = name::parse("arpa").ok();
        for top in top.into_iter().chain(arpa) {
            if !self.tops.contains(&top) {
                self.tops.push(top);
            }
        }
        self.zones.insert(domain.clone());
    }

    /// The answer, if the name is special-use; `holds` says whether there are local records below a
    /// name.
    pub(super) fn answer(
        &self,
        asked: &NameSlice,
        rtype: Rtype,
        holds: impl Fn(&Name) -> bool,
    ) -> Option<Answer> {
        let zone = self.zone_of(asked)?;
        let asked = &name::owned(asked);
        let is_within_one = |zones: &[Name]| zones.iter().any(|zone| name::is_within(asked, zone));
        if is_within_one(&self.routes) && !is_within_one(&self.firm) {
            return None;
        }
        if asked == zone && rtype == Rtype::SOA {
            return Some(answer_of(OptRcode::NOERROR, soa(zone), vec![]));
        }
        if asked == zone && rtype == Rtype::NS {
            return Some(answer_of(OptRcode::NOERROR, ns(zone), vec![]));
        }
        if let Some(records) = self.records(zone, asked, rtype) {
            let set = RRset::new(asked.clone(), rtype, TTL, records);
            return Some(answer_of(OptRcode::NOERROR, vec![set], vec![]));
        }
        let rcode = match self.exists(zone, asked) || holds(asked) {
            true => OptRcode::NOERROR,
            false => OptRcode::NXDOMAIN,
        };
        Some(answer_of(rcode, vec![], soa(zone)))
    }

    /// Whether a name may be in one of the zones, or of a lease; true for few names, and soon said.
    #[inline]
    pub(super) fn may_cover(&self, name: &NameSlice) -> bool {
        self.tops.iter().any(|top| ends_with(name, top))
    }

    /// Whether a name is in one of the zones.
    pub(super) fn covers(&self, name: &NameSlice) -> bool {
        self.may_cover(name) && self.zone_of(name).is_some()
    }

    fn zone_of(&self, name: &NameSlice) -> Option<&Name> {
        name.iter_suffixes().find_map(|suffix| self.zones.get(suffix.for_slice()))
    }

    /// The records of a name in `zone`: addresses of `localhost` and names below it (RFC 6761
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

    /// Whether a name of `zone` exists, with or without records, or has names below it elsewhere.
    /// Every name below resolver.arpa exists, so that a client takes "no encrypted resolver" for
    /// the answer (RFC 9462 section 4).
    fn exists(&self, zone: &Name, asked: &Name) -> bool {
        let mut below = self.loopback.iter().chain(&self.routes);
        let whole = asked == zone || *zone == self.localhost || *zone == self.resolver;
        whole || below.any(|name| name::is_within(name, asked))
    }
}

/// Whether the octets of a name end like those of a second name; true for every name below it.
fn ends_with(asked: &NameSlice, end: &Name) -> bool {
    let (asked, end) = (asked.as_slice(), end.as_slice());
    let start = asked.len().checked_sub(end.len());
    start.is_some_and(|start| asked[start..].eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests;
