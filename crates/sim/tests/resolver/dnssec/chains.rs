//! Chains of trust, whole and broken.

use crate::common::signed::{anchored, ask, broken, code, signed, status};
use crate::common::{Lab, question};
use zoners_dns::{Checking, Counter, EdeCode, RRset, Records, Rtype, Security, name};
use zoners_resolver::Lack;
use zoners_sim::sign::{Denying, Key, Signing};
use zoners_sim::{Link, Manner, world};

const NSEC3: Denying = Denying::Nsec3 { iterations: 1, opt_out: false };
const OPT_OUT: Denying = Denying::Nsec3 { iterations: 0, opt_out: true };

#[tokio::test(start_paused = true)]
async fn every_kind_of_answer_is_proven_by_every_algorithm() {
    for algorithm in [8, 10, 13, 14, 15] {
        for denying in [Denying::Nsec, NSEC3, OPT_OUT] {
            let lab = signed(&Signing { algorithm, denying, ..Signing::default() });
            for round in ["asked", "cached"] {
                for (name, rtype) in [
                    ("www.example.com", Rtype::A),
                    ("www.example.com", Rtype::HTTPS),
                    ("alias.example.com", Rtype::A),
                    ("x.old.example.com", Rtype::A),
                    ("odd.example.com", Rtype::from_int(65280)),
                    ("example.com", Rtype::DNSKEY),
                    ("example.com", Rtype::DS),
                    ("www.example.com", Rtype::MX),
                    ("b.ent.example.com", Rtype::A),
                ] {
                    let status = status(&lab, name, rtype).await;
                    assert_eq!(status, Security::Secure, "{round}: {name} {rtype} {denying:?}");
                }
                // Where opt-out leaves room for an unsigned delegation, nothing is proven.
                let expected =
                    if denying == OPT_OUT { Security::Insecure } else { Security::Secure };
                for name in ["gone.example.com", "any.wild.example.com"] {
                    let status = status(&lab, name, Rtype::A).await;
                    assert_eq!(status, expected, "{round}: {name} {denying:?}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsigned_delegation_is_proven_to_be_one() {
    for denying in [Denying::Nsec, NSEC3, OPT_OUT] {
        let lab = signed(&Signing { denying, ..Signing::default() });
        assert_eq!(status(&lab, "www.plain.com", Rtype::A).await, Security::Insecure);
        assert_eq!(status(&lab, "gone.plain.com", Rtype::A).await, Security::Insecure);
        let verified = lab.count(Counter::DnssecVerifications);
        assert_eq!(status(&lab, "more.plain.com", Rtype::A).await, Security::Insecure);
        assert_eq!(lab.count(Counter::DnssecVerifications), verified, "it is known by now");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_proven_to_be_unsigned_is_kept_as_that() {
    let lab = signed(&Signing::default());
    for (text, rtype) in [
        ("www.plain.com", Rtype::A),
        ("www.plain.com", Rtype::AAAA),
        ("gone.plain.com", Rtype::A),
        // The zone is known to be unsigned before the query, not after.
        ("plain.com", Rtype::NS),
        ("plain.com", Rtype::TXT),
        ("lost.plain.com", Rtype::A),
    ] {
        let insecure = lab.count(Counter::DnssecInsecure);
        assert_eq!(status(&lab, text, rtype).await, Security::Insecure);
        assert_eq!(lab.count(Counter::DnssecInsecure), insecure + 1, "{text} {rtype}");
        let now = lab.worker.shared().now();
        let cached = lab.worker.cached(&question(text, rtype), Checking::Enabled, now);
        assert_eq!(cached.unwrap().security, Security::Insecure, "{text} {rtype}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_forged_is_refused_and_another_server_asked() {
    let lab = signed(&Signing::default());
    lab.net.link("203.0.114.1", Link::of(10).with(Manner::Forges));
    lab.net.link("203.0.114.2", Link::of(90));
    for number in 0..4 {
        let name = ["www.example.com", "mail.example.com", "a.b.ent.example.com", "example.com"];
        let answer = ask(&lab, name[number], Rtype::A).await.unwrap();
        assert_eq!(answer.security, Security::Secure);
    }
    assert!(lab.count(Counter::DnssecBogus) > 0);
    lab.net.link("203.0.114.2", Link::of(20).with(Manner::Forges));
    assert_eq!(code(&lab, "x.wild.example.com", Rtype::A).await, 6);
    let unchecked = lab
        .worker
        .resolve_for(
            None,
            &question("x.wild.example.com", Rtype::A),
            Checking::Disabled,
            Lack::Something,
            None,
        )
        .await;
    assert_eq!(unchecked.unwrap().security, Security::Unchecked, "who wants it gets it");
    assert!(ask(&lab, "x.wild.example.com", Rtype::A).await.is_err(), "and nobody else does");
}

#[tokio::test(start_paused = true)]
async fn a_server_without_signatures_is_passed_over() {
    let lab = signed(&Signing::default());
    lab.net.link("203.0.114.1", Link::of(10).with(Manner::OmitsSignatures));
    lab.net.link("203.0.114.2", Link::of(90));
    assert_eq!(status(&lab, "www.example.com", Rtype::A).await, Security::Secure);
    assert_eq!(status(&lab, "gone.example.com", Rtype::A).await, Security::Secure);
    lab.net.link("203.0.114.2", Link::of(20).with(Manner::OmitsSignatures));
    assert_eq!(code(&lab, "mail.example.com", Rtype::A).await, 10);
    assert_eq!(code(&lab, "absent.example.com", Rtype::A).await, 12);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_told() {
    let resign = |signing: Signing| {
        broken(move |net| {
            net.change("example.com", |zone| {
                let key = Key::new(&zone.origin.clone(), 15);
                zone.sign(&key, &signing);
            })
        })
    };
    let expired = resign(Signing { expiration: 1_600_000_000, ..Signing::default() });
    assert_eq!(code(&expired, "www.example.com", Rtype::A).await, 7);
    let ahead = resign(Signing { inception: 2_000_000_000, ..Signing::default() });
    assert_eq!(code(&ahead, "www.example.com", Rtype::A).await, 8);
    let other_key = broken(|net| {
        net.change("example.com", |zone| {
            let key = Key::new(&zone.origin.clone(), 13);
            zone.sign(&key, &Signing::default());
        })
    });
    assert_eq!(code(&other_key, "www.example.com", Rtype::A).await, 9);
    let no_keys = broken(|net| {
        net.change("example.com", |zone| {
            zone.remove(&zone.origin.clone(), Rtype::DNSKEY);
        })
    });
    assert_eq!(code(&no_keys, "www.example.com", Rtype::A).await, 9);
    let told = ask(&other_key, "mail.example.com", Rtype::A).await.unwrap_err();
    assert!(told.ede.text.contains("example.com. DNSKEY"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_expired_is_given_if_it_was_proven_but_never_instead_of_what_is_bogus() {
    for breaks in [false, true] {
        let lab = signed(&Signing::default());
        let www = question("www.example.com", Rtype::A);
        let ask = async |checking| {
            lab.worker.resolve_for(None, &www, checking, Lack::Everything, None).await.map(
                |answer| {
                    assert!(!answer.stale || answer.security < Security::Secure);
                    answer.stale
                },
            )
        };
        // An answer fetched with CD is not kept as proven.
        assert_eq!(ask(Checking::Disabled).await, Ok(false));
        lab.clock.jump(std::time::Duration::from_secs(600));
        let all_are = |manner: Manner| {
            for server in ["203.0.114.1", "203.0.114.2"] {
                lab.net.link(server, Link::of(20).with(manner));
            }
        };
        all_are(Manner::Dead);
        assert!(ask(Checking::Enabled).await.is_err());
        assert_eq!(ask(Checking::Disabled).await, Ok(true));
        all_are(Manner::Good);
        lab.clock.jump(std::time::Duration::from_secs(600));
        assert_eq!(ask(Checking::Enabled).await, Ok(false));
        lab.clock.jump(std::time::Duration::from_secs(600));
        if breaks {
            lab.net.change("example.com", |zone| {
                let key = Key::new(&zone.origin.clone(), 15);
                zone.sign(&key, &Signing { expiration: 1_600_000_000, ..Signing::default() });
            });
            for _ in 0..3 {
                assert_eq!(ask(Checking::Enabled).await.unwrap_err().ede.code.0, 7);
            }
        }
        all_are(Manner::Dead);
        assert_eq!(ask(Checking::Enabled).await.is_err(), breaks);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_checked_is_as_good_as_unsigned() {
    let unknown = |digest_type: u8, algorithm: u8| {
        let net = world::small(1);
        let key = Key::new(&name::parse("example.com").unwrap(), 15);
        net.change("example.com", |zone| zone.sign(&key, &Signing::default()));
        net.change("com", |com| {
            let ds = key.ds();
            let mut rdata = ds.records.first().unwrap().to_vec();
            (rdata[2], rdata[3]) = (algorithm, digest_type);
            com.add(RRset { records: Records::from_iter([rdata]), ..ds });
        });
        let anchor = net.sign(&["com", "."], &Signing::default());
        Lab::with(net, anchored(&anchor))
    };
    for (digest_type, algorithm) in [(2, 16), (2, 3), (3, 15), (5, 15)] {
        let lab = unknown(digest_type, algorithm);
        let status = status(&lab, "www.example.com", Rtype::A).await;
        assert_eq!(status, Security::Insecure, "{digest_type} {algorithm}");
        let asked = question("www.example.com", Rtype::A);
        let why = lab.worker.why_unsigned(&asked, status).unwrap();
        assert_eq!(why.code.0, if algorithm == 15 { 2 } else { 1 });
    }
}

/// Regardless of the number of iterations (RFC 9276 section 3.2).
#[tokio::test(start_paused = true)]
async fn a_zone_that_hashes_too_often_is_as_good_as_unsigned() {
    for iterations in [51, 500, 501, 2_500] {
        let denying = Denying::Nsec3 { iterations, opt_out: false };
        let lab = signed(&Signing { denying, ..Signing::default() });
        for text in ["www.example.com", "mail.example.com"] {
            assert_eq!(status(&lab, text, Rtype::A).await, Security::Secure, "{iterations}");
        }
        // A missing name, a missing type, and a name below a delegation without DS records.
        for (text, rtype) in [
            ("gone.example.com", Rtype::A),
            ("www.example.com", Rtype::MX),
            ("www.plain.com", Rtype::A),
        ] {
            let status = status(&lab, text, rtype).await;
            assert_eq!(status, Security::Insecure, "{text} {rtype}, {iterations}");
            let why = lab.worker.why_unsigned(&question(text, rtype), status).unwrap();
            assert_eq!(why.code, EdeCode(27), "{text} {rtype}, {iterations}");
        }
        // A wildcard expansion needs a proof as well.
        let status = status(&lab, "any.wild.example.com", Rtype::A).await;
        assert_eq!(status, Security::Insecure, "{iterations}");
    }
}

/// The time of a question with a cold cache.
async fn takes(lab: &Lab, text: &str) -> std::time::Duration {
    let start = tokio::time::Instant::now();
    ask(lab, text, Rtype::A).await.unwrap();
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn proofs_cost_no_round_trip() {
    let plain = takes(&Lab::new(world::small(1)), "www.example.com").await;
    let proven = takes(&signed(&Signing::default()), "www.example.com").await;
    assert_eq!(proven, plain);
}

#[tokio::test(start_paused = true)]
async fn an_rrset_of_thousands_is_proven() {
    for records in [300u32, 3_000] {
        let net = world::small(1);
        net.change("example.com", |zone| {
            let owner = name::parse("many.example.com").unwrap();
            // Neither in canonical order nor in numerical order.
            let numbers = (0..records).map(|i| i * 7_919 % records);
            let addresses = numbers.map(|i| [203, 0, i as u8, (i >> 8) as u8]).collect();
            zone.add(RRset::new(owner, Rtype::A, 300, addresses));
        });
        let anchor = net.sign(&["example.com", "com", "."], &Signing::default());
        let lab = Lab::with(net, anchored(&anchor));
        for _ in 0..2 {
            let answer = ask(&lab, "many.example.com", Rtype::A).await.unwrap();
            assert_eq!(answer.security, Security::Secure);
            assert_eq!(answer.answer[0].records.len(), records as usize);
        }
        assert_eq!(lab.count(Counter::CacheEntriesTooLarge), 0, "kept");
    }
}

/// An unprovable denial of one name's types says nothing about the signatures of the zone (RFC
/// 9276).
#[tokio::test(start_paused = true)]
async fn a_denial_with_too_many_iterations_makes_no_zone_unsigned() {
    let denying = Denying::Nsec3 { iterations: 100, opt_out: false };
    let lab = signed(&Signing { denying, ..Signing::default() });
    assert_eq!(status(&lab, "example.com", Rtype::TXT).await, Security::Insecure);
    let unsigned = "www A 203.0.113.66\n";
    lab.net.zone("example.com", &["203.0.114.1", "203.0.114.2"], unsigned);
    assert!(ask(&lab, "www.example.com", Rtype::A).await.is_err(), "it must be signed");
}

#[tokio::test(start_paused = true)]
async fn an_unsigned_answer_fetched_with_cd_is_cached_once_it_is_judged() {
    let lab = signed(&Signing::default());
    let asked = question("www.plain.com", Rtype::A);
    let ask = async |checking| {
        lab.worker.resolve_for(None, &asked, checking, Lack::Something, None).await.unwrap()
    };
    assert_eq!(ask(Checking::Disabled).await.security, Security::Unchecked);
    assert_eq!(ask(Checking::Enabled).await.security, Security::Insecure);
    let cached = lab.worker.cached(&asked, Checking::Enabled, lab.worker.shared().now());
    assert!(cached.is_ok(), "{cached:?}");
}
