//! DNS64 (RFC 6147): addresses for clients without IPv4.

use std::time::Duration;

use zoners_dns::{Checking, OptRcode, Prefix, Rtype, Security, name};
use zoners_resolver::{Dns64, Lack, Settings};
use zoners_sim::sign::Signing;
use zoners_sim::{Link, Manner, world};

use crate::common::signed::signed_net;
use crate::common::{Lab, question, settings};

const PREFIX: &str = "64:ff9b::/96";
/// The answer for a name with one IPv4 address.
const MAIL: &str = "mail.example.com. 300 IN AAAA 64:ff9b::cb00:7304";
const ADDRESS: &str = "64:ff9b::cb00:7304";

fn with_dns64(settings: Settings, exclude: &[&str]) -> Settings {
    let exclude: Vec<Prefix> = exclude.iter().map(|text| text.parse().unwrap()).collect();
    Settings { dns64: Some(Dns64::new(PREFIX.parse().unwrap(), &exclude, &[])), ..settings }
}

/// The small Internet, whose denials last for 300 s, seen by clients without IPv4.
fn lab(exclude: &[&str]) -> Lab {
    let net = world::small(1);
    net.change("example.com", |zone| {
        let text = "@ 300 SOA ns1 admin 1 3600 600 86400 300\nmixed A 203.0.115.8\nmixed AAAA ::ffff:203.0.115.8\n\
                    to-mail CNAME mail\n";
        for set in zoners_dns::zonefile::parse(text, &zone.origin).unwrap() {
            zone.add(set);
        }
    });
    Lab::with(net, with_dns64(settings(), exclude))
}

#[tokio::test(start_paused = true)]
async fn an_address_is_made_where_the_zone_has_none() {
    let lab = lab(&[]);
    assert_eq!(lab.ask("mail.example.com", Rtype::AAAA).await, MAIL);
    let own = lab.ask("www.example.com", Rtype::AAAA).await;
    assert!(own.ends_with("2001:db8:1::1"), "the zone's own address stays: {own}");
    assert_eq!(lab.ask("missing.example.com", Rtype::AAAA).await, "NXDOMAIN");
    assert_eq!(lab.ask("_443._tcp.example.com", Rtype::AAAA).await, "NOERROR");
    let alias = lab.resolve("to-mail.example.com", Rtype::AAAA).await.unwrap();
    let types: Vec<Rtype> = alias.answer.iter().map(|set| set.rtype).collect();
    assert_eq!(types, [Rtype::CNAME, Rtype::AAAA]);
    assert!(alias.security < Security::Secure && alias.authority.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_made_address_comes_from_the_cache_as_well() {
    let lab = lab(&[]);
    let asked = question("mail.example.com", Rtype::AAAA);
    let cached = || {
        let now = lab.worker.shared().now();
        lab.worker.cached(&asked, Checking::Enabled, now)
    };
    assert_eq!(cached().unwrap_err(), Lack::Everything);
    lab.ask("mail.example.com", Rtype::AAAA).await;
    assert!(cached().unwrap().answer[0].to_string().ends_with(ADDRESS));
    lab.net.forget_sent();
    assert!(lab.ask("mail.example.com", Rtype::AAAA).await.ends_with(ADDRESS));
    assert!(lab.net.sent().is_empty());
    // The denial alone is left.
    lab.worker.shared().cache.remove_rrset(&asked.name, Rtype::A);
    assert_eq!(cached().unwrap_err(), Lack::Something);
}

#[tokio::test(start_paused = true)]
async fn mapped_and_excluded_addresses_are_replaced() {
    let lab = lab(&["2001:db8:1::/48"]);
    let made = "mixed.example.com. 300 IN AAAA 64:ff9b::cb00:7308";
    assert_eq!(lab.ask("mixed.example.com", Rtype::AAAA).await, made);
    let replaced = lab.ask("www.example.com", Rtype::AAAA).await;
    assert!(replaced.contains("64:ff9b::cb00:7302") && replaced.contains("64:ff9b::cb00:7303"));
}

#[tokio::test(start_paused = true)]
async fn excluded_ipv4_addresses_are_not_translated() {
    let lab = lab(&["203.0.115.4/32"]);
    assert_eq!(lab.ask("mail.example.com", Rtype::AAAA).await, "NOERROR");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_validates_by_itself_gets_the_denial() {
    let (net, settings) = signed_net(&Signing::default());
    let lab = Lab::with(net, with_dns64(settings, &[]));
    let asked = question("mail.example.com", Rtype::AAAA);
    let made = lab.resolve("mail.example.com", Rtype::AAAA).await.unwrap();
    assert_eq!(made.answer[0].rtype, Rtype::AAAA);
    assert_eq!(made.security, Security::Insecure, "a made address is not proven");
    let disabled = Checking::Disabled;
    let denial = lab.worker.resolve_for(None, &asked, disabled, Lack::Everything, None).await;
    assert!(denial.unwrap().answer.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_zone_whose_servers_fail_on_aaaa_has_made_addresses() {
    let lab = lab(&[]);
    for address in world::EXAMPLE_SERVERS {
        lab.net.alter(address, |query, reply| match query.rtype {
            Rtype::AAAA => None,
            _ => Some(reply),
        });
    }
    assert_eq!(lab.ask("mail.example.com", Rtype::AAAA).await, MAIL);
}

#[tokio::test(start_paused = true)]
async fn a_made_address_outlives_its_servers() {
    let lab = lab(&[]);
    lab.ask("mail.example.com", Rtype::AAAA).await;
    lab.clock.jump(Duration::from_secs(4000));
    for address in world::EXAMPLE_SERVERS {
        lab.net.link(address, Link::of(20).with(Manner::Dead));
    }
    let asked = question("mail.example.com", Rtype::AAAA);
    let enabled = Checking::Enabled;
    let answer = lab.worker.resolve_for(None, &asked, enabled, Lack::Everything, None).await;
    let answer = answer.unwrap();
    assert!(answer.stale);
    assert_eq!(answer.answer[0].to_string(), MAIL.replace(" 300 ", " 30 "));
}

#[tokio::test(start_paused = true)]
async fn a_reverse_name_leads_to_the_ipv4_address() {
    let lab = lab(&[]);
    lab.net.zone(".", &world::ROOT_SERVERS, &format!(
        "{}com. 172800 NS a.nic.com.\na.nic.com. A 192.5.6.1\n4.115.0.203.in-addr.arpa. 60 PTR mail.example.com.\n",
        world::HINTS
    ));
    let reverse = name::reverse("64:ff9b::203.0.115.4".parse().unwrap()).to_string();
    let answer = lab.resolve(&reverse, Rtype::PTR).await.unwrap();
    let types: Vec<Rtype> = answer.answer.iter().map(|set| set.rtype).collect();
    assert_eq!(types, [Rtype::CNAME, Rtype::PTR]);
    assert_eq!(answer.answer[0].target(), name::parse("4.115.0.203.in-addr.arpa").ok());
    let foreign = name::reverse("2001:db8::1".parse().unwrap()).to_string();
    let answer = lab.resolve(&foreign, Rtype::PTR).await.unwrap();
    assert_eq!(answer.rcode, OptRcode::NXDOMAIN);
}
