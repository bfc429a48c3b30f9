use super::*;
use zoners_dns::{DsStatus, Moment, QueryMode, Transport};

fn routed(on: &SpecialUse, routes: &[&str], text: &str, rtype: Rtype) -> Option<Answer> {
    let route = |zone: &&str| Delegation {
        zone: name::parse(zone).unwrap(),
        mode: QueryMode::Forward,
        transport: Transport::Udp,
        servers: vec![],
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    };
    let routes: Vec<Delegation> = routes.iter().map(route).collect();
    let special = SpecialZones::new(on, &["mask.icloud.com"], &routes);
    special.answer(name::parse(text).unwrap().for_slice(), rtype, |_| false)
}

fn answer(on: &SpecialUse, text: &str, rtype: Rtype) -> Option<Answer> {
    routed(on, &[], text, rtype)
}

#[test]
fn special_names_stay_here() {
    let on = SpecialUse::default();
    let localhost = answer(&on, "db.localhost", Rtype::A).unwrap();
    assert_eq!(localhost.answer[0].to_string(), "db.localhost. 10800 IN A 127.0.0.1");
    assert_eq!(answer(&on, "localhost", Rtype::MX).unwrap().rcode, OptRcode::NOERROR);
    for gone in
        ["x.onion", "a.b.test", "printer.local", "1.0.0.10.in-addr.arpa", "9.20.172.in-addr.arpa"]
    {
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
    for text in ["resolver.arpa", "_dns.resolver.arpa", "_DNS.Resolver.ARPA", "a.b.resolver.arpa"] {
        for rtype in [svcb, Rtype::A, Rtype::TXT, Rtype::HTTPS] {
            let nodata = answer(&on, text, rtype).unwrap();
            assert_eq!(nodata.rcode, OptRcode::NOERROR, "{text} {rtype}");
            assert!(nodata.answer.is_empty());
            assert_eq!(nodata.authority[0].owner.to_string(), "resolver.arpa");
        }
    }
    let off = SpecialUse { resolver_arpa: false, ..on };
    assert_eq!(answer(&off, "x.resolver.arpa", svcb), None);
}

#[test]
fn no_resolver_elsewhere_is_asked_for_its_encrypted_service() {
    let on = SpecialUse::default();
    let off = SpecialUse { resolver_arpa: false, ..on.clone() };
    for special in [&on, &off] {
        for route in ["arpa", "resolver.arpa", "_dns.resolver.arpa"] {
            let nodata = routed(special, &[route], "_dns.resolver.arpa", Rtype::SVCB).unwrap();
            assert_eq!((nodata.rcode, nodata.answer.len()), (OptRcode::NOERROR, 0), "{route}");
            assert_eq!(nodata.authority[0].rtype, Rtype::SOA);
        }
        assert_eq!(routed(special, &["resolver.arpa"], "x.resolver.arpa", Rtype::SVCB), None);
    }
}

#[test]
fn canaries_have_no_address_whatever_route_there_is() {
    let on = SpecialUse::default();
    for routes in [&[][..], &["com"], &["icloud.com"]] {
        for rtype in [Rtype::A, Rtype::AAAA, Rtype::HTTPS] {
            let answer = routed(&on, routes, "Mask.iCloud.com", rtype).unwrap();
            assert_eq!((answer.rcode, answer.answer.len()), (OptRcode::NOERROR, 0));
            let below = routed(&on, routes, "a.mask.icloud.com", rtype).unwrap();
            assert_eq!(below.rcode, OptRcode::NXDOMAIN);
        }
        assert_eq!(routed(&on, routes, "www.icloud.com", Rtype::A), None);
        assert_eq!(routed(&on, routes, "mask-h2.icloud.com", Rtype::A), None);
    }
}

#[test]
fn each_zone_can_be_switched_off() {
    let off = SpecialUse { test: false, ..SpecialUse::default() };
    assert_eq!(answer(&off, "a.test", Rtype::A), None);
    assert!(answer(&off, "a.invalid", Rtype::A).is_some());
}

/// The reverse zones answered locally: RFC 6303 section 4, RFC 7793 section 3, RFC 9637.
#[test]
fn reverse_names_of_addresses_that_nobody_owns_stay_here() {
    let on = SpecialUse::default();
    let rcode = |address: &str| {
        let name = name::reverse(address.parse().unwrap()).to_string();
        answer(&on, &name, Rtype::PTR).map(|answer| {
            assert_eq!(answer.authority[0].rtype, Rtype::SOA, "{address}");
            answer.rcode
        })
    };
    for address in [
        "0.0.0.1",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.0",
        "100.100.100.100",
        "100.127.255.255",
        "127.0.0.2",
        "169.254.1.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.2.1",
        "192.168.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "::2:1",
        "2001:db8::1",
        "3fff::1",
        "3fff:fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "febf::1",
    ] {
        let expected = if address == "::2:1" { None } else { Some(OptRcode::NXDOMAIN) };
        assert_eq!(rcode(address), expected, "{address}");
    }
    for address in ["255.255.255.255", "::"] {
        assert_eq!(rcode(address), Some(OptRcode::NOERROR), "{address}: the apex of its zone");
    }
    for address in [
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.3.1",
        "192.169.0.1",
        "198.51.101.1",
        "203.0.114.1",
        "255.255.255.254",
        "2001:db9::1",
        "3fff:1000::1",
        "fec0::1",
        "2001:4860::1",
    ] {
        assert_eq!(rcode(address), None, "{address}");
    }
}

#[test]
fn the_apex_of_an_empty_zone_has_what_it_must() {
    let on = SpecialUse::default();
    for zone in ["64.100.in-addr.arpa", "10.in-addr.arpa", "d.f.ip6.arpa", "onion"] {
        let soa = answer(&on, zone, Rtype::SOA).unwrap();
        let right =
            format!("{zone}. 10800 IN SOA {zone}. nobody.invalid. 1 3600 1200 604800 10800");
        assert_eq!(soa.answer[0].to_string(), right);
        let ns = answer(&on, zone, Rtype::NS).unwrap();
        assert_eq!(ns.answer[0].to_string(), format!("{zone}. 10800 IN NS {zone}."));
        let nodata = answer(&on, zone, Rtype::PTR).unwrap();
        assert_eq!((nodata.rcode, nodata.answer.len()), (OptRcode::NOERROR, 0));
        assert_eq!(nodata.authority[0].to_string(), right);
    }
}

/// An answer beside a route for a zone; none where the route has the name.
fn beside(route: &str, asked: &str) -> Option<OptRcode> {
    let answer = routed(&SpecialUse::default(), &[route], asked, Rtype::PTR);
    answer.map(|answer| answer.rcode)
}

#[test]
fn a_configured_route_wins_for_all_names_that_it_has_and_no_others() {
    // The zone itself, a zone above, a zone below.
    assert_eq!(beside("10.in-addr.arpa", "1.0.0.10.in-addr.arpa"), None);
    assert_eq!(beside("100.in-addr.arpa", "1.0.64.100.in-addr.arpa"), None);
    assert_eq!(beside("in-addr.arpa", "1.0.16.172.in-addr.arpa"), None);
    assert_eq!(beside("1.168.192.in-addr.arpa", "7.1.168.192.in-addr.arpa"), None);
    assert_eq!(beside("1.168.192.in-addr.arpa", "1.168.192.in-addr.arpa"), None);
    assert_eq!(beside("lan.home.arpa", "nas.lan.home.arpa"), None);
    assert_eq!(beside("home.arpa", "nas.home.arpa"), None);
    // Missing names are denied locally.
    let (there, gone) = (Some(OptRcode::NOERROR), Some(OptRcode::NXDOMAIN));
    assert_eq!(beside("1.168.192.in-addr.arpa", "7.2.168.192.in-addr.arpa"), gone);
    assert_eq!(beside("in-addr.arpa", "1.f.ip6.arpa"), None, "not special at all");
    assert_eq!(beside("in-addr.arpa", "1.d.f.ip6.arpa"), gone);
    assert_eq!(beside("lan.home.arpa", "nas.home.arpa"), gone);
    assert_eq!(beside(".", "1.0.0.10.in-addr.arpa"), gone, "the Internet's forwarder");
    // A name above a route exists: its denial would deny the route (RFC 8020).
    assert_eq!(beside("2.1.10.in-addr.arpa", "1.10.in-addr.arpa"), there);
    assert_eq!(beside("2.1.10.in-addr.arpa", "2.10.in-addr.arpa"), gone);
}

#[test]
fn a_name_above_local_records_exists() {
    let special = SpecialZones::new(&SpecialUse::default(), &[], &[]);
    let asked = name::parse("1.10.in-addr.arpa").unwrap();
    let answer = |holds: bool| special.answer(asked.for_slice(), Rtype::PTR, |_| holds).unwrap();
    assert_eq!(answer(false).rcode, OptRcode::NXDOMAIN);
    assert_eq!(answer(true).rcode, OptRcode::NOERROR);
}
