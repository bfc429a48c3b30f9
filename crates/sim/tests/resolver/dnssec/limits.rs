//! The limits of validation, at their edges.

use crate::common::signed::{anchored, ask, broken, code, status};
use crate::common::{Lab, question, settings};
use zoners_dns::{Counter, EdeCode, RRset, Records, Rtype, Security, name, zonefile};
use zoners_resolver::Settings;
use zoners_sim::sign::{Denying, Key, Signing};
use zoners_sim::{Link, Manner, world};

/// A zone with many keys of one tag, and many signatures made by none of the keys (KeyTrap).
#[tokio::test(start_paused = true)]
async fn colliding_keys_do_not_keep_us_busy() {
    let lab = broken(|net| {
        net.change("example.com", |zone| {
            let origin = zone.origin.clone();
            let keys = Key::new(&origin, 15).dnskey();
            let real = keys.records.first().unwrap();
            // Exchanging two pairs of octets keeps the key tag.
            let twin = |at: usize| {
                let mut rdata = real.to_vec();
                let (a, b) = (4 + 2 * (at / 16), 6 + 2 * (at % 14));
                rdata.swap(a, b);
                rdata.swap(a + 1, b + 1);
                rdata
            };
            let twins: Vec<Vec<u8>> = (0..200).map(twin).chain([real.to_vec()]).collect();
            let mut set = RRset { records: twins.iter().collect(), ..keys };
            Key::new(&origin, 15).sign(&mut set, &Signing::default());
            let signature = set.signatures.first().unwrap();
            let forged = (0..50u8).map(|number| {
                let mut rdata = signature.to_vec();
                *rdata.last_mut().unwrap() ^= number + 1;
                rdata
            });
            let forged: Vec<Vec<u8>> = forged.collect();
            set.signatures = forged.iter().collect();
            zone.add(set);
        })
    });
    assert!(ask(&lab, "www.example.com", Rtype::A).await.is_err());
    let limits = settings().limits;
    assert!(
        lab.count(Counter::DnssecVerificationsFailed) <= u64::from(limits.failed_verifications)
    );
    assert!(lab.count(Counter::BudgetFailedVerifications) > 0);
    // A flood of these questions beside fifty ordinary questions per second: each ordinary question
    // is answered.
    let (attack, worker) = (lab.worker.clone(), lab.worker.clone());
    let attackers = tokio::spawn(async move {
        for number in 0..500 {
            let (worker, asked) =
                (attack.clone(), question(&format!("n{number}.example.com"), Rtype::A));
            tokio::spawn(async move { worker.resolve(&asked, None).await });
            tokio::time::sleep(std::time::Duration::from_millis(4)).await;
        }
    });
    for number in 0..100 {
        let asked = question(&format!("b{number}.plain.com"), Rtype::A);
        worker.resolve(&asked, None).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    attackers.await.unwrap();
    let per_question = lab.count(Counter::DnssecVerificationsFailed) / 501;
    assert!(per_question <= u64::from(limits.failed_verifications), "{per_question}");
}

/// A deep name below a zone with the most NSEC3 iterations allowed.
#[tokio::test(start_paused = true)]
async fn hashing_is_bounded() {
    let net = world::small(1);
    let anchor = net.sign(
        &["example.com", "com", "."],
        &Signing {
            denying: Denying::Nsec3 { iterations: 50, opt_out: false },
            ..Signing::default()
        },
    );
    let mut few = anchored(&anchor);
    few.minimise = false;
    let deep = format!("{}gone.example.com", "a.".repeat(100));
    let lab = Lab::with(net, few);
    let unresolved = ask(&lab, &deep, Rtype::A).await.unwrap_err();
    assert_eq!(unresolved.ede.code, EdeCode::BOGUS, "{unresolved}");
    assert_eq!(lab.count(Counter::BudgetNsec3Hashes), 1);
}

/// More keys than any zone has: the keys are not examined, and no other client waits.
#[tokio::test(start_paused = true)]
async fn five_hundred_malformed_keys_cost_nothing() {
    let lab = broken(|net| {
        net.change("example.com", |zone| {
            let set = Key::new(&zone.origin.clone(), 15).dnskey();
            let torn = |number: u16| [&[1, 1, 3, 15][..], &number.to_be_bytes()].concat();
            let keys: Vec<Vec<u8>> = (0..500).map(torn).collect();
            zone.add(RRset { records: keys.iter().collect(), ..set });
        });
    });
    assert!(ask(&lab, "www.example.com", Rtype::A).await.is_err());
    let limits = settings().limits;
    assert!(
        lab.count(Counter::DnssecVerificationsFailed) <= u64::from(limits.failed_verifications)
    );
    assert_eq!(status(&lab, "www.plain.com", Rtype::A).await, Security::Insecure);
}

/// The smallest `limit` with which `www.example.com` is proven: one less is too little.
async fn least(limit: fn(&mut Settings, u32)) -> u32 {
    for allowed in 0..20 {
        let net = world::small(1);
        let anchor = net.sign(&["example.com", "com", "."], &Signing::default());
        let mut settings = anchored(&anchor);
        limit(&mut settings, allowed);
        let lab = Lab::with(net, settings);
        if ask(&lab, "any.wild.example.com", Rtype::A).await.is_ok() {
            return allowed;
        }
        assert!(lab.count(Counter::BudgetVerifications) > 0);
    }
    panic!("never")
}

#[tokio::test(start_paused = true)]
async fn verifications_are_bounded_for_a_query_and_for_a_reply() {
    // An address, and the NSEC record of its wildcard.
    let reply = least(|settings, allowed| settings.limits.verifications_per_reply = allowed).await;
    assert_eq!(reply, 2);
    // Beside these, three sets of keys and two of DS records.
    let query = least(|settings, allowed| settings.limits.verifications = allowed).await;
    assert_eq!(query, 7);
}

#[tokio::test(start_paused = true)]
async fn a_bogus_answer_costs_three_servers_and_no_more() {
    let addresses = ["203.0.114.1", "203.0.114.2", "203.0.114.3", "203.0.114.4", "203.0.114.5"];
    let net = world::small(1);
    net.change("com", |com| {
        for (number, address) in addresses.iter().enumerate().skip(2) {
            let text = format!("ns{number}.example A {address}\n");
            zonefile::parse(&text, &com.origin).unwrap().into_iter().for_each(|set| com.add(set));
        }
        let ns: String =
            ["ns1", "ns2"].iter().map(|ns| format!("example NS {ns}.example\n")).collect();
        let more: String =
            (2..5).map(|number| format!("example NS ns{number}.example\n")).collect();
        zonefile::parse(&(ns + &more), &com.origin)
            .unwrap()
            .into_iter()
            .for_each(|set| com.add(set));
    });
    net.zone("example.com", &addresses, "@ NS ns1\nwww A 192.0.2.1\n");
    let anchor = net.sign(&["example.com", "com", "."], &Signing::default());
    for address in addresses {
        net.link(address, Link::of(20).with(Manner::Forges));
    }
    let mut frugal = anchored(&anchor);
    frugal.limits.probe_budget = 0;
    let lab = Lab::with(net, frugal);
    assert_eq!(code(&lab, "www.example.com", Rtype::A).await, 6);
    let asked = question("www.example.com", Rtype::A);
    let zone = addresses.map(|address| address.parse::<std::net::IpAddr>().unwrap());
    let sent = lab.net.sent();
    let to_zone =
        sent.iter().filter(|sent| sent.question == asked && zone.contains(&sent.to.address.ip()));
    assert_eq!(to_zone.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn looking_for_an_unsigned_zone_ends_at_a_label() {
    for (labels, limited) in [(4, 0), (5, 1)] {
        let net = world::small(1);
        let anchor = net.sign(&["example.com", "com", "."], &Signing::default());
        let mut few = anchored(&anchor);
        few.limits.ds_labels = 4;
        few.minimise = false;
        let deep = format!("{}example.com", "x.".repeat(labels));
        net.change("example.com", |zone| {
            let records = Records::from_iter([[192, 0, 2, 1]]);
            zone.add(RRset::new(name::parse(&deep).unwrap(), Rtype::A, 60, records));
            zone.sign(&Key::new(&zone.origin.clone(), 15), &Signing::default());
            let bare = RRset::new(
                name::parse(&deep).unwrap(),
                Rtype::A,
                60,
                Records::from_iter([[192, 0, 2, 2]]),
            );
            zone.add(bare);
        });
        let lab = Lab::with(net, few);
        assert_eq!(code(&lab, &deep, Rtype::A).await, 10);
        assert_eq!(lab.count(Counter::LimitDsLabels) > 0, limited == 1, "{labels}");
    }
}
