//! Special-use names: answered here, since asking the Internet for them leaks and cannot succeed.

use std::collections::HashSet;

use zoners_dns::{Delegation, Name, NameSlice, OptRcode, RRset, Records, Rtype, name};
use zoners_resolver::Answer;

use super::{answer_of, soa};
use crate::config::SpecialUse;

/// Seconds for which clients may keep the addresses of localhost.
const TTL: u32 = 10_800;

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
        SpecialZones { zones, tops }
    }

    /// The answer, if the name is one of ours.
    pub(super) fn answer(&self, asked: &NameSlice, rtype: Rtype) -> Option<Answer> {
        if !self.tops.iter().any(|top| ends_with(asked, top)) {
            return None;
        }
        let zone = asked.iter_suffixes().find_map(|suffix| self.zones.get(suffix.for_slice()))?;
        let localhost = zone.as_slice() == b"\x09localhost\x00";
        let address: Option<&[u8]> = match rtype {
            Rtype::A if localhost => Some(&[127, 0, 0, 1]),
            Rtype::AAAA if localhost => Some(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            _ => None,
        };
        if let Some(address) = address {
            let records = Records::from_iter([address]);
            let set = RRset::new(name::owned(asked), rtype, TTL, records);
            return Some(answer_of(OptRcode::NOERROR, vec![set], vec![]));
        }
        let is_apex = asked == zone.for_slice();
        if rtype == Rtype::SOA && is_apex {
            return Some(answer_of(OptRcode::NOERROR, soa(zone), vec![]));
        }
        let exists = localhost || is_apex;
        let rcode = if exists { OptRcode::NOERROR } else { OptRcode::NXDOMAIN };
        Some(answer_of(rcode, vec![], soa(zone)))
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
