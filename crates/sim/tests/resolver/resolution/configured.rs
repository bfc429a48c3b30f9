//! The configuration of a zone prevails over proofs of the zones above.

use std::sync::Arc;

use crate::common::signed::signed_net;
use crate::common::{Lab, question};
use zoners_dns::{
    Checking, Counters, Delegation, OptRcode, QueryMode, Rtype, Security, name, zonefile,
};
use zoners_dnssec::chain::Ds;
use zoners_resolver::Anchor;
use zoners_resolver::{Resolver, Settings};
use zoners_sim::sign::{Denying, Signing};
use zoners_sim::{Said, SimNetwork};

const PROOFS: [Denying; 2] = [Denying::Nsec, Denying::Nsec3 { iterations: 0, opt_out: false }];
/// A server of zones without a delegation.
const INSIDE: &str = "192.0.2.53";

fn route(zone: &str, mode: QueryMode) -> Delegation {
    let text = format!(". NS inside.\ninside. A {INSIDE}\n");
    let servers = Delegation::from_hints(&zonefile::root_hints(&text).unwrap()).unwrap();
    Delegation { zone: name::parse(zone).unwrap(), mode, ..servers }
}

/// A signed Internet, and `lan.` beside it with `corp.lan.` below.
fn inside(denying: Denying) -> (SimNetwork, Settings) {
    let (net, settings) = signed_net(&Signing { denying, ..Signing::default() });
    net.zone("lan", &[INSIDE], "nas A 10.0.0.1\nnas AAAA fd00::1\nlana A 10.0.0.3\n");
    net.zone("corp.lan", &[INSIDE], "www A 10.0.0.2\n");
    (net, settings)
}

fn routed(settings: &Settings, routes: Vec<Delegation>) -> Settings {
    let negative_anchors = routes.iter().map(|route| route.zone.clone()).collect();
    Settings { routes, negative_anchors, ..settings.clone() }
}

/// Fills the cache with the denials of `lan.` in the public tree.
async fn ask_around(lab: &Lab) {
    for (text, rtype) in
        [("lan", Rtype::DS), ("lanb", Rtype::A), ("kan", Rtype::A), ("lanc", Rtype::NS)]
    {
        let denied = lab.resolve(text, rtype).await.unwrap();
        assert_eq!(denied.rcode, OptRcode::NXDOMAIN, "{text}");
    }
    let now = lab.worker.shared().now();
    let denied = lab.worker.synthesised(&question("lanbb", Rtype::A), now);
    assert!(denied.is_some(), "the range is known that `lan.` lies in");
}

async fn answers_come_from_inside(lab: &Lab) {
    let now = lab.worker.shared().now();
    for (text, address) in [("nas.lan", "10.0.0.1"), ("www.corp.lan", "10.0.0.2")] {
        assert_eq!(lab.worker.synthesised(&question(text, Rtype::A), now), None, "{text}");
        let stale = lab.worker.stale(&question(text, Rtype::A), Checking::Enabled, now);
        assert!(stale.is_none_or(|stale| stale.rcode == OptRcode::NOERROR), "{text}");
        assert!(lab.ask(text, Rtype::A).await.contains(address), "{text}");
    }
    assert_eq!(lab.ask("lan", Rtype::A).await, "NOERROR");
    let lacks = lab.resolve("nas.lan", Rtype::MX).await.unwrap();
    assert_eq!(lacks.rcode, OptRcode::NOERROR);
    assert!(lab.ask("nas.lan", Rtype::AAAA).await.contains("fd00::1"));
}

#[tokio::test(start_paused = true)]
async fn a_route_wins_over_what_the_public_tree_denies() {
    for denying in PROOFS {
        for mode in [QueryMode::Forward, QueryMode::Stub] {
            for zones in [&["lan"][..], &["lan", "corp.lan"]] {
                let (net, settings) = inside(denying);
                let routes = zones.iter().map(|zone| route(zone, mode)).collect();
                let lab = Lab::with(net, routed(&settings, routes));
                ask_around(&lab).await;
                answers_come_from_inside(&lab).await;
                ask_around(&lab).await;
                answers_come_from_inside(&lab).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_that_comes_with_a_reload_wins_over_what_is_known() {
    for denying in PROOFS {
        let (net, settings) = inside(denying);
        let mut lab = Lab::with(net, settings.clone());
        ask_around(&lab).await;
        for text in ["nas.lan", "www.corp.lan", "lan"] {
            let denied = lab.resolve(text, Rtype::A).await.unwrap();
            assert_eq!(denied.rcode, OptRcode::NXDOMAIN);
        }
        let settings = Arc::new(routed(&settings, vec![route("lan", QueryMode::Forward)]));
        let (shared, counters) = (lab.worker.shared().clone(), Arc::<Counters>::default());
        lab.worker = Resolver::new(shared, lab.net.clone(), settings, counters);
        answers_come_from_inside(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_nxdomain_of_a_route_does_not_reach_a_route_inside_it() {
    let (net, settings) = inside(Denying::Nsec);
    net.zone("deep.lan", &["192.0.2.54"], "www A 10.0.0.4\n");
    let mut deep = route("deep.lan", QueryMode::Stub);
    deep.servers[0].addresses = vec!["192.0.2.54:53".parse().unwrap()];
    let lab = Lab::with(net, routed(&settings, vec![route("lan", QueryMode::Forward), deep]));
    // The outer zone denies every other name, the name of the inner zone too.
    for rtype in [Rtype::DS, Rtype::A] {
        assert!(lab.resolve("deep.lan", rtype).await.is_ok());
    }
    assert!(lab.ask("www.deep.lan", Rtype::A).await.contains("10.0.0.4"));
}

#[tokio::test(start_paused = true)]
async fn below_a_negative_anchor_nothing_is_made_of_proofs_from_above() {
    for denying in PROOFS {
        let (net, settings) = inside(denying);
        let lab = Lab::with(net, settings);
        ask_around(&lab).await;
        let (shared, zone) = (lab.worker.shared(), name::parse("lanc").unwrap());
        assert!(shared.negative_anchors.add(&zone, 60, shared.now()));
        let below = question("www.lanc", Rtype::A);
        assert_eq!(lab.worker.synthesised(&below, shared.now()), None);
        assert!(lab.worker.synthesised(&question("www.lanb", Rtype::A), shared.now()).is_some());
    }
}

/// `island.net.` is signed and has a trust anchor; the zones above are unsigned.
fn island(with_root_anchor: bool) -> (SimNetwork, Settings) {
    let (net, mut settings) = signed_net(&Signing::default());
    net.change("net", |zone| {
        let text = "island 3600 NS ns.island\nns.island A 203.0.114.20\n";
        for set in zonefile::parse(text, &zone.origin).unwrap() {
            zone.add(set);
        }
    });
    net.zone("island.net", &["203.0.114.20"], "@ NS ns\nns A 203.0.114.20\nwww A 203.0.115.20\n");
    let ds = net.sign(&["island.net"], &Signing::default());
    let ds = ds.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
    let anchor = Anchor { zone: name::parse("island.net").unwrap(), ds, keys: vec![] };
    if !with_root_anchor {
        settings.anchors.clear();
    }
    settings.anchors.push(anchor);
    (net, settings)
}

async fn forgeries_are_bogus(lab: &Lab, servers: &[&str]) {
    for server in servers {
        lab.net.alter(server, |question, mut said| {
            let forged = name::parse("forged.island.net").unwrap();
            if question.name == forged && question.rtype == Rtype::A {
                said = Said::authoritative();
                let text = "forged.island.net. 300 A 203.0.113.66";
                said.answer = zonefile::parse(text, &name::root()).unwrap();
            }
            let gone = name::parse("www.island.net").unwrap();
            if question.name == gone && question.rtype == Rtype::MX {
                said = Said::authoritative();
                let text = "island.net. 300 SOA ns. h. 1 2 3 4 300";
                said.authority = zonefile::parse(text, &name::root()).unwrap();
            }
            Some(said)
        });
    }
    for (text, rtype) in [("forged.island.net", Rtype::A), ("www.island.net", Rtype::MX)] {
        let failed = lab.resolve(text, rtype).await.unwrap_err();
        assert!(failed.ede.code.is_bogus(), "{text}: {failed}");
    }
    let proven = lab.resolve("www.island.net", Rtype::A).await.unwrap();
    assert_eq!(proven.security, Security::Secure);
}

#[tokio::test(start_paused = true)]
async fn the_closest_anchor_decides_below_an_unsigned_zone() {
    for with_root_anchor in [true, false] {
        let (net, settings) = island(with_root_anchor);
        let lab = Lab::with(net, settings);
        // The zone above is known to be unsigned.
        let above = lab.resolve("net", Rtype::NS).await.unwrap();
        assert_eq!(above.security, Security::Insecure);
        forgeries_are_bogus(&lab, &["203.0.114.20"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_closest_anchor_decides_where_all_is_forwarded() {
    // Without an anchor of the root, since the forwarder has no proofs of the zones in between.
    let (net, settings) = island(false);
    net.zone("net", &[INSIDE], "island NS ns.island\n");
    net.zone("plain.net", &[INSIDE], "www A 203.0.115.21\n");
    net.zone("island.net", &[INSIDE], "@ NS ns\nns A 203.0.114.20\nwww A 203.0.115.20\n");
    net.sign(&["island.net"], &Signing::default());
    let lab = Lab::with(net, Settings { routes: vec![route(".", QueryMode::Forward)], ..settings });
    let plain = lab.resolve("www.plain.net", Rtype::A).await.unwrap();
    assert_eq!(plain.security, Security::Insecure);
    forgeries_are_bogus(&lab, &[INSIDE]).await;
}

#[tokio::test(start_paused = true)]
async fn the_closest_anchor_decides_where_parent_and_child_share_a_server() {
    let (net, settings) = island(true);
    net.zone("island.net", &["192.5.7.1"], "@ NS ns\nns A 203.0.114.20\nwww A 203.0.115.20\n");
    net.sign(&["island.net"], &Signing::default());
    let lab = Lab::with(net, settings);
    assert_eq!(lab.resolve("net", Rtype::NS).await.unwrap().security, Security::Insecure);
    forgeries_are_bogus(&lab, &["192.5.7.1", "203.0.114.20"]).await;
}

/// Zones with an alias and a DNAME into a routed zone, and with data of their own for names there.
fn outside_data(zone: &str) -> Lab {
    let (net, settings) = signed_net(&Signing::default());
    let text = "plain.com. 300 NS ns.plain.com.\nns.plain.com. 300 A 203.0.114.33\n\
                dn.com. 300 NS ns.dn.com.\nns.dn.com. 300 A 203.0.114.34\n";
    net.change("com", |com| {
        for set in zonefile::parse(text, &name::root()).unwrap() {
            com.add(set);
        }
    });
    net.zone("plain.com", &["203.0.114.33"], "www CNAME app.corp\napp.corp A 203.0.113.66\n");
    net.zone("dn.com", &["203.0.114.34"], "@ DNAME plain.com.\n");
    net.zone(zone, &[INSIDE], "app A 10.0.0.1\n");
    net.sign(&["com", "."], &Signing::default());
    Lab::with(net, routed(&settings, vec![route(zone, QueryMode::Stub)]))
}

#[tokio::test(start_paused = true)]
async fn an_alias_into_a_route_is_answered_by_the_route() {
    let lab = outside_data("corp.plain.com");
    assert!(lab.ask("www.plain.com", Rtype::A).await.contains("10.0.0.1"));
    assert!(lab.ask("app.corp.plain.com", Rtype::A).await.contains("10.0.0.1"));
}

#[tokio::test(start_paused = true)]
async fn a_dname_above_a_route_does_not_rename_what_is_in_it() {
    let lab = outside_data("corp.dn.com");
    assert!(lab.resolve("x.dn.com", Rtype::A).await.is_ok());
    assert!(lab.ask("app.corp.dn.com", Rtype::A).await.contains("10.0.0.1"));
}
