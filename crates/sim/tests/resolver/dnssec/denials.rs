//! Denials: which replies count as a denial, and of which names and types.

use crate::common::signed::{signed, status};
use crate::common::{Lab, settings};
use zoners_dns::{
    Counter, Delegation, EdeCode, OptRcode, QueryMode, Question, Rtype, Security, name, zonefile,
};
use zoners_sim::sign::Signing;
use zoners_sim::{Link, Manner, Said, SimNetwork, world};

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

/// Denies the name for every type but A, as servers do that do not know the type.
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

/// Returns an alias alone, with the SOA of the zone, and does not follow the alias.
fn does_not_follow(_: &Question, mut said: Said) -> Option<Said> {
    if said.answer.first().is_some_and(|set| set.rtype == Rtype::CNAME) {
        said.answer.truncate(1);
        let soa = "example.com. 3600 SOA ns.example.com. host.example.com. 1 3600 600 604800 60";
        said.authority = zonefile::parse(soa, &name::root()).unwrap();
    }
    Some(said)
}

#[tokio::test(start_paused = true)]
async fn a_denial_beside_an_alias_says_nothing_of_where_it_leads() {
    for rcode_beside in [OptRcode::NOERROR, OptRcode::NXDOMAIN] {
        let net = world::small(1);
        for server in SERVERS {
            net.alter(server, move |question, said| {
                let alias = question.name == name::parse("alias.example.com").unwrap();
                let mut said = does_not_follow(question, said)?;
                said.rcode = if alias { rcode_beside } else { said.rcode };
                Some(said)
            });
        }
        let lab = Lab::new(net);
        assert!(lab.ask("alias.example.com", Rtype::A).await.contains("203.0.115.2"));
        assert!(lab.ask("www.example.com", Rtype::A).await.contains("203.0.115.2"));
        let other = lab.resolve("alias.example.com", Rtype::MX).await.unwrap();
        assert_eq!((other.rcode, other.answer.len()), (OptRcode::NOERROR, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_signed_alias_is_followed_past_an_unproven_denial() {
    let lab = signed(&Signing::default());
    for server in SERVERS {
        lab.net.alter(server, |_, mut said| {
            if said.answer.first().is_some_and(|set| set.rtype == Rtype::CNAME) {
                said.answer.truncate(1);
                said.authority.clear();
            }
            Some(said)
        });
    }
    assert_eq!(status(&lab, "alias.example.com", Rtype::A).await, Security::Secure);
    assert!(lab.ask("alias.example.com", Rtype::A).await.contains("203.0.115.2"));
}

#[tokio::test(start_paused = true)]
async fn a_proven_denial_beside_an_alias_costs_no_further_query() {
    let lab = signed(&Signing::default());
    assert_eq!(status(&lab, "www.example.com", Rtype::A).await, Security::Secure);
    lab.net.forget_sent();
    let denied = lab.resolve("alias.example.com", Rtype::MX).await.unwrap();
    assert_eq!((denied.security, denied.answer.len()), (Security::Secure, 1));
    assert!(denied.authority.iter().any(|set| set.rtype == Rtype::NSEC));
    let asked: Vec<_> = lab.net.sent().into_iter().map(|sent| sent.question.name).collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
}

/// Gives no denial for missing types: no AA, no SOA, perhaps the NS set of the zone.
fn speechless(with_ns: bool) -> impl Fn(&Question, Said) -> Option<Said> {
    move |_, mut said| {
        if said.answer.is_empty() && said.rcode == OptRcode::NOERROR {
            said.aa = false;
            said.authority.clear();
            let ns = "example.com. 300 NS ns1.example.com.";
            let sets = zonefile::parse(ns, &name::root()).unwrap();
            said.authority.extend(sets.into_iter().filter(|_| with_ns));
        }
        Some(said)
    }
}

#[tokio::test(start_paused = true)]
async fn where_all_servers_say_nothing_there_is_nothing() {
    for with_ns in [false, true] {
        let net = world::small(1);
        for server in SERVERS {
            net.alter(server, speechless(with_ns));
        }
        let lab = Lab::frugal(net);
        for (text, rtype) in [
            ("www.example.com", Rtype::MX),
            ("b.ent.example.com", Rtype::A),
            ("mail.example.com", Rtype::HTTPS),
        ] {
            let denied = lab.resolve(text, rtype).await.unwrap();
            assert_eq!((denied.rcode, denied.answer.len()), (OptRcode::NOERROR, 0), "{text}");
        }
        let sent = lab.net.sent().len();
        lab.resolve("www.example.com", Rtype::MX).await.unwrap();
        assert_eq!(lab.net.sent().len(), sent, "it is remembered for a while");
        assert!(lab.ask("www.example.com", Rtype::A).await.contains("203.0.115.2"));
        assert_eq!(lab.count(Counter::UpstreamLame), 0, "nobody is blamed for it");
        assert_eq!(lab.count(Counter::UpstreamServfail), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_outvoted_by_one_that_knows() {
    for with_ns in [false, true] {
        let net = world::small(1);
        net.alter(SERVERS[0], move |question, said| {
            speechless(with_ns)(question, Said { answer: vec![], authority: vec![], ..said })
        });
        let lab = Lab::new(net);
        for text in ["www.example.com", "mail.example.com", "a.b.ent.example.com"] {
            assert!(lab.ask(text, Rtype::A).await.contains("203.0.115."), "{text}");
        }
        let denied = lab.resolve("www.example.com", Rtype::MX).await.unwrap();
        assert_eq!(denied.authority.len(), 1, "the SOA of the one that knows");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_other_types_alone_has_none_of_the_type() {
    let lab = Lab::new(altered(|question, mut said| {
        if question.rtype == Rtype::AAAA {
            let text = format!("{}. 300 A 203.0.115.99", question.name);
            said = Said { answer: zonefile::parse(&text, &name::root()).unwrap(), ..said };
            (said.aa, said.authority) = (false, vec![]);
        }
        Some(said)
    }));
    assert_eq!(rcode(&lab, "mail.example.com", Rtype::AAAA).await, OptRcode::NOERROR);
    assert!(lab.ask("mail.example.com", Rtype::A).await.contains("203.0.115.4"));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_broken_is_no_denial() {
    for manner in [Manner::BreaksRecords, Manner::AlwaysTruncates, Manner::Garbage] {
        let net = world::small(1);
        net.link(SERVERS[0], Link::of(10).with(manner));
        net.link(SERVERS[1], Link::of(60));
        let lab = Lab::new(net);
        assert!(lab.ask("www.example.com", Rtype::A).await.contains("203.0.115.2"), "{manner:?}");
        lab.net.link(SERVERS[1], Link::of(60).with(manner));
        let failed = lab.resolve("mail.example.com", Rtype::A).await.unwrap_err();
        assert_eq!(failed.ede.code, EdeCode::INVALID_DATA, "{manner:?}: {failed}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_reply_of_one_forwarder_is_not_taken_while_there_is_another() {
    let net = world::small(1);
    for (address, link) in [("192.0.2.53", Link::of(10)), ("192.0.2.54", Link::of(60))] {
        net.link(address, link);
    }
    net.zone("corp.example", &["192.0.2.54"], "www A 203.0.113.1\n");
    net.alter("192.0.2.53", |_, _| Some(Said::error(OptRcode::NOERROR)));
    let mut settings = settings();
    let text = ". NS a.\n. NS b.\na. A 192.0.2.53\nb. A 192.0.2.54\n";
    let servers = Delegation::from_hints(&zonefile::root_hints(text).unwrap()).unwrap();
    let zone = name::parse("corp.example").unwrap();
    settings.routes = vec![Delegation { zone, mode: QueryMode::Forward, ..servers }];
    let lab = Lab::with(net, settings);
    assert!(lab.ask("www.corp.example", Rtype::A).await.contains("203.0.113.1"));
    lab.net.alter("192.0.2.54", |_, _| Some(Said::error(OptRcode::NOERROR)));
    assert_eq!(rcode(&lab, "mail.corp.example", Rtype::A).await, OptRcode::NOERROR);
}

#[tokio::test(start_paused = true)]
async fn types_that_stand_beside_all_others_are_never_called_unproven() {
    let lab = signed(&Signing::default());
    for server in SERVERS {
        lab.net.alter(server, |question, mut said| {
            if question.rtype == Rtype::RRSIG {
                said.answer.clear();
            }
            Some(said)
        });
    }
    for rtype in [Rtype::RRSIG, Rtype::NSEC, Rtype::ANY] {
        assert_eq!(rcode(&lab, "www.example.com", rtype).await, OptRcode::NOERROR, "{rtype}");
        assert_eq!(rcode(&lab, "alias.example.com", rtype).await, OptRcode::NOERROR, "{rtype}");
        let gone = lab.resolve("gone.example.com", rtype).await.unwrap();
        assert_eq!((gone.rcode, gone.security), (OptRcode::NXDOMAIN, Security::Secure), "{rtype}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bare_nxdomain_counts_only_where_all_servers_say_it() {
    let bare = |_: &Question, _: Said| Some(Said::error(OptRcode::NXDOMAIN));
    let net = world::small(1);
    net.alter(SERVERS[0], bare);
    net.link(SERVERS[1], Link::of(90));
    let lab = Lab::new(net);
    for text in ["www.example.com", "mail.example.com", "a.b.ent.example.com"] {
        assert!(lab.ask(text, Rtype::A).await.contains("203.0.115."), "{text}");
    }
    let lab = Lab::new(altered(bare));
    assert_eq!(rcode(&lab, "www.example.com", Rtype::A).await, OptRcode::NXDOMAIN);
    let mixed = world::small(1);
    mixed.alter(SERVERS[0], bare);
    mixed.alter(SERVERS[1], |_, _| Some(Said::error(OptRcode::NOERROR)));
    assert!(Lab::new(mixed).resolve("www.example.com", Rtype::A).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_proof_counts_for_more_than_the_rcode() {
    let lab = signed(&Signing::default());
    for server in SERVERS {
        lab.net.alter(server, |_, mut said| {
            if said.answer.is_empty() && said.aa {
                said.rcode = OptRcode::NXDOMAIN;
            }
            Some(said)
        });
    }
    for (text, rtype) in [("ent.example.com", Rtype::A), ("www.example.com", Rtype::MX)] {
        let denied = lab.resolve(text, rtype).await.unwrap();
        assert_eq!((denied.rcode, denied.security), (OptRcode::NOERROR, Security::Secure));
    }
    assert!(lab.ask("a.b.ent.example.com", Rtype::A).await.contains("203.0.115.5"));
    assert_eq!(rcode(&lab, "gone.example.com", Rtype::A).await, OptRcode::NXDOMAIN);
}

#[tokio::test(start_paused = true)]
async fn signatures_below_a_dname_are_given_with_a_proven_alias() {
    let lab = signed(&Signing::default());
    assert_eq!(rcode(&lab, "x.old.example.com", Rtype::RRSIG).await, OptRcode::NOERROR);
    assert_eq!(status(&lab, "x.old.example.com", Rtype::A).await, Security::Secure);
}
