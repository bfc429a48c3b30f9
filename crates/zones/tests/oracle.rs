//! Random zones and questions: the answers are those of the slow reference in `zoners_sim`, and the proofs of signed zones
//! satisfy the validator.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

use std::collections::BTreeSet;

use zoners_dns::{Name, OptRcode, Question, RRset, Random, Rtype, ZoneRecord, name, zonefile};
use zoners_dnssec::denial::{self, Proof};
use zoners_dnssec::rrsig::Rrsig;
use zoners_sim::Zone;
use zoners_sim::sign::{Denying, Key, Signing};
use zoners_zones::{AuthoritativeZone, ReplyKind, ZoneBuilder};

const APEX: &str = "example.test";
const LABELS: [&str; 6] = ["a", "b", "c", "*", "a-b", "sub"];
const TYPES: [Rtype; 8] =
    [Rtype::A, Rtype::TXT, Rtype::CNAME, Rtype::NS, Rtype::DS, Rtype::MX, Rtype::SOA, Rtype::DNAME];

fn pick<T: Copy>(random: &Random, items: &[T]) -> T {
    items[random.below(items.len() as u64) as usize]
}

/// A name of one to three labels below the apex.
fn some_name(random: &Random) -> String {
    let last = pick(random, &["a", "b", "c", "sub", "d"]);
    let labels = (0..random.below(3)).map(|_| format!("{}.", pick(random, &LABELS)));
    labels.chain([last.to_owned()]).collect()
}

/// The text of a zone without contradictions.
fn some_zone(random: &Random) -> String {
    let mut text = format!("@ 3600 SOA ns.{APEX}. host.{APEX}. 1 3600 600 604800 60\n@ NS ns\n");
    // Names below a DNAME would be hidden, on which servers differ.
    text += &format!("dn DNAME {}\n", pick(random, &["a", "b", "other.test."]));
    let mut used = BTreeSet::new();
    for _ in 0..2 + random.below(14) {
        let owner = some_name(random);
        if !used.insert(owner.clone()) {
            continue;
        }
        let target = some_name(random);
        text += &match random.below(8) {
            0 if !owner.contains('*') => format!("{owner} NS ns.{owner}\nns.{owner} A 192.0.2.1\n"),
            1 if !owner.contains('*') => format!("{owner} NS ns.other.\n{owner} DS 1 13 2 0011\n"),
            2 => format!("{owner} CNAME {target}\n"),
            3 => format!("{owner} CNAME www.other.\n"),
            4 => format!("{owner} TXT x\n{owner} A 192.0.2.2\n"),
            _ => format!("{owner} A 192.0.2.3\n"),
        };
    }
    text
}

/// A question within the zone.
fn some_question(random: &Random) -> (Name, Rtype) {
    let asked = match random.below(12) {
        0 => APEX.to_owned(),
        1 => format!("{}.dn.{APEX}", some_name(random)),
        2 => format!("dn.{APEX}"),
        _ => format!("{}.{APEX}", some_name(random)),
    };
    (name::parse(&asked).unwrap(), pick(random, &TYPES))
}

fn copy_of(zone: &Zone) -> AuthoritativeZone {
    let mut builder = ZoneBuilder::new(name::parse(APEX).unwrap(), 1 << 20);
    for set in zone.rrsets() {
        let record = |rtype: Rtype, rdata: bytes::Bytes| ZoneRecord {
            owner: set.owner.clone(),
            rtype,
            ttl: set.ttl,
            rdata: rdata.to_vec().into(),
        };
        let own = set.records.iter().map(|rdata| record(set.rtype, rdata));
        let signatures = set.signatures.iter().map(|rdata| record(Rtype::RRSIG, rdata));
        own.chain(signatures).for_each(|record| builder.add(record).unwrap());
    }
    builder.build().unwrap()
}

/// Owners and types in order, without proofs.
fn shown(sets: &[RRset]) -> Vec<String> {
    let sets = sets.iter().filter(|set| !matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3));
    let mut lines: Vec<String> =
        sets.map(|set| format!("{} {}", name::lowercase(&set.owner), set.rtype)).collect();
    lines.sort();
    lines
}

/// Checks the proof in a reply of a signed zone; returns how many there were.
fn check_proof(zone: &AuthoritativeZone, asked: &Name, rtype: Rtype, text: &str) -> usize {
    let reply = zone.reply(asked, rtype);
    let (proof, mut blocks) = (Proof::read(&reply.authority, zone.apex()), 10_000);
    let told = || format!("{asked} {rtype} in\n{text}\n{reply:?}");
    if reply.kind == ReplyKind::Referral {
        let cut = &reply.authority[0].owner;
        if reply.authority.iter().any(|set| set.rtype == Rtype::DS) {
            return 0;
        }
        denial::no_ds(&proof, cut, &mut blocks)
            .unwrap_or_else(|error| panic!("{error}: {}", told()));
        return 1;
    }
    let signatures = reply.answer.iter().map(|set| (set, set.signatures.iter()));
    let mut rrsigs = signatures.flat_map(|(set, all)| all.map(move |rdata| (set, rdata)));
    let expanded = rrsigs.find_map(|(set, rdata)| {
        let rrsig = Rrsig::read(&rdata)?;
        let encloser = name::ancestor(&set.owner, rrsig.labels.into());
        rrsig.is_expanded(&set.owner).then(|| (set.owner.clone(), encloser))
    });
    let outcome = match (expanded, reply.answer.is_empty(), reply.rcode) {
        (Some((owner, encloser)), _, _) => {
            denial::wildcard_expansion(&proof, &owner, &encloser, &mut blocks)
        }
        (None, false, _) => return 0,
        (None, true, OptRcode::NXDOMAIN) => denial::nxdomain(&proof, asked, &mut blocks),
        (None, true, _) => denial::nodata(&proof, asked, rtype, &mut blocks),
    };
    outcome.unwrap_or_else(|error| panic!("{error}: {}", told()));
    1
}

/// The zone of a text, signed in one of three ways or not at all.
fn reference(text: &str, denying: Option<Denying>) -> Zone {
    let mut zone = Zone::parse(APEX, text).unwrap();
    let Some(denying) = denying else { return zone };
    if let Denying::Nsec3 { iterations, .. } = denying {
        let params = format!("@ NSEC3PARAM 1 0 {iterations} AB");
        zonefile::parse(&params, &zone.origin).unwrap().into_iter().for_each(|set| zone.add(set));
    }
    let key = Key::new(&zone.origin, 15);
    zone.sign(&key, &Signing { denying, ..Signing::default() });
    zone
}

#[test]
fn answers_are_those_of_the_reference() {
    let random = Random::seeded(23);
    let (mut denied, mut referred, mut proven) = (0, 0, 0);
    let methods = [
        None,
        Some(Denying::Nsec),
        Some(Denying::Nsec3 { iterations: 2, opt_out: false }),
        Some(Denying::Nsec3 { iterations: 0, opt_out: true }),
    ];
    for round in 0..400 {
        let (text, denying) = (some_zone(&random), methods[round % methods.len()]);
        let reference = reference(&text, denying);
        let zone = copy_of(&reference);
        for _ in 0..40 {
            let (asked, rtype) = some_question(&random);
            let expected = reference.answer(&Question::new(asked.clone(), rtype));
            let reply = zone.reply(&asked, rtype);
            // A loop ends after some turns, here and there; and the reference follows a DNAME for CNAME, too.
            let is_redirected = expected.answer.iter().any(|set| set.rtype == Rtype::DNAME);
            if expected.answer.len() >= 16 || is_redirected && rtype == Rtype::CNAME {
                continue;
            }
            let told =
                || format!("{asked} {rtype} in\n{text}\nexpected {expected:?}\ngot {reply:?}");
            assert_eq!(reply.rcode, expected.rcode, "{}", told());
            assert_eq!(shown(&reply.answer), shown(&expected.answer), "{}", told());
            assert_eq!(shown(&reply.authority), shown(&expected.authority), "{}", told());
            if reply.kind == ReplyKind::Referral {
                referred += 1;
                assert_eq!(shown(&reply.additional), shown(&expected.additional), "{}", told());
            }
            denied += usize::from(reply.rcode == OptRcode::NXDOMAIN);
            // The zone cannot deny its own DS records: those lie in the zone above.
            if denying.is_some() && (rtype, &asked) != (Rtype::DS, zone.apex()) {
                proven += check_proof(&zone, &asked, rtype, &text);
            }
        }
    }
    assert!(denied > 500 && referred > 200 && proven > 1000, "{denied} {referred} {proven}");
}
