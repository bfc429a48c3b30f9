//! What counts as a denial, and of what.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod common;

use common::Lab;
use zoners_dns::{OptRcode, Question, Rtype, name};
use zoners_sim::{Said, SimNetwork, world};

const SERVERS: [&str; 2] = ["203.0.114.1", "203.0.114.2"];

/// The small Internet, in which the servers of `example.com.` say something else.
fn altered(altered: fn(&Question, Said) -> Option<Said>) -> SimNetwork {
    let net = world::small(1);
    for server in SERVERS {
        net.alter(server, altered);
    }
    net
}

async fn rcode(lab: &Lab, text: &str, rtype: Rtype) -> OptRcode {
    lab.resolve(text, rtype).await.unwrap_or_else(|error| panic!("{text}: {error}")).rcode
}

/// Denies the name to all types but addresses, as servers do that do not know the type.
fn denies_other_types(question: &Question, mut said: Said) -> Option<Said> {
    if !matches!(question.rtype, Rtype::A | Rtype::AAAA | Rtype::NS) {
        said.answer.clear();
        said.rcode = OptRcode::NXDOMAIN;
    }
    Some(said)
}

#[tokio::test(start_paused = true)]
async fn an_unproven_nxdomain_denies_nothing_below_its_name() {
    let lab = Lab::new(altered(denies_other_types));
    for denied in ["example.com", "ent.example.com", "b.ent.example.com"] {
        assert_eq!(rcode(&lab, denied, Rtype::HTTPS).await, OptRcode::NXDOMAIN);
    }
    assert!(lab.ask("www.example.com", Rtype::A).await.contains("203.0.115.2"));
    assert!(lab.ask("a.b.ent.example.com", Rtype::A).await.contains("203.0.115.5"));
}

#[tokio::test(start_paused = true)]
async fn an_nxdomain_is_told_by_the_type_that_was_asked_for() {
    let lab = Lab::new(altered(denies_other_types));
    assert_eq!(rcode(&lab, "www.example.com", Rtype::HTTPS).await, OptRcode::NXDOMAIN);
    assert!(lab.ask("www.example.com", Rtype::A).await.contains("203.0.115.2"));
    assert!(lab.ask("www.example.com", Rtype::AAAA).await.contains("2001:db8:1::1"));
    lab.net.forget_sent();
    assert_eq!(rcode(&lab, "www.example.com", Rtype::HTTPS).await, OptRcode::NXDOMAIN);
    assert!(lab.net.sent().is_empty(), "it is remembered of its type");
    assert_eq!(rcode(&lab, "gone.example.com", Rtype::A).await, OptRcode::NXDOMAIN);
    lab.net.forget_sent();
    assert_eq!(rcode(&lab, "gone.example.com", Rtype::MX).await, OptRcode::NXDOMAIN);
    assert!(lab.net.sent().is_empty(), "what has no address has nothing");
}

#[tokio::test(start_paused = true)]
async fn a_cached_delegation_below_a_denied_name_still_leads_on() {
    let net = altered(denies_other_types);
    net.zone(
        "example.com",
        &[],
        "@ NS ns1\nns1 A 203.0.114.1\nsub NS ns.sub\nns.sub A 203.0.114.7",
    );
    net.zone("sub.example.com", &["203.0.114.7"], "www A 203.0.115.70\nmail A 203.0.115.71");
    let lab = Lab::new(net);
    assert!(lab.ask("www.sub.example.com", Rtype::A).await.contains("203.0.115.70"));
    assert_eq!(rcode(&lab, "example.com", Rtype::HTTPS).await, OptRcode::NXDOMAIN);
    assert!(lab.ask("mail.sub.example.com", Rtype::A).await.contains("203.0.115.71"));
}

#[tokio::test(start_paused = true)]
async fn a_denial_without_an_soa_is_not_asked_for_again_at_once() {
    let lab = Lab::new(altered(|_, mut said| {
        said.authority.clear();
        Some(said)
    }));
    let asked = [("www.example.com", Rtype::MX), ("gone.example.com", Rtype::A)];
    for (text, rtype) in asked {
        lab.resolve(text, rtype).await.unwrap();
    }
    lab.net.forget_sent();
    for (text, rtype) in asked {
        lab.resolve(text, rtype).await.unwrap();
    }
    assert!(lab.net.sent().is_empty());
    lab.clock.jump(std::time::Duration::from_secs(31));
    lab.resolve("www.example.com", Rtype::MX).await.unwrap();
    assert!(!lab.net.sent().is_empty(), "but soon");
    assert_eq!(lab.net.sent()[0].question.name, name::parse("www.example.com").unwrap());
}
