//! The hard cases of signatures and denials, one by one: faults of other validators.

use bytes::Bytes;
use zoners_dns::{Name, RRset, Records, Rtype, name, zonefile};
use zoners_dnssec::BogusReason;
use zoners_dnssec::chain::{self, MAX_DS, MAX_KEYS, UsableDs};
use zoners_dnssec::denial::{self, DenialStatus, DsDenial, Proof};
use zoners_dnssec::dnskey::Dnskey;
use zoners_dnssec::nsec3::MAX_RECORDS;
use zoners_dnssec::verify::{MAX_COLLISIONS, MAX_SIGNATURES, ValidationTime, signature_checks};
use zoners_sim::Zone;
use zoners_sim::sign::{Denying, Key, Signing};

const TIME: ValidationTime = ValidationTime { now: 1_795_392_000, skew: 300 };

fn parsed(text: &str) -> Name {
    name::parse(text).unwrap()
}

/// A signed RRset of `zone.example.`, and its key.
fn signed(owner: &str) -> (RRset, Key) {
    let zone = parsed("zone.example");
    let key = Key::new(&zone, 15);
    let records = Records::from_iter([[192, 0, 2, 1]]);
    let mut set = RRset::new(parsed(owner), Rtype::A, 300, records);
    key.sign(&mut set, &Signing::default());
    (set, key)
}

/// The reason why the set does not verify after `change` altered the signature.
fn reason(owner: &str, zone: &str, change: impl Fn(&mut Vec<u8>)) -> Option<BogusReason> {
    let (mut set, key) = signed(owner);
    let mut signature = set.signatures.first().unwrap().to_vec();
    change(&mut signature);
    set.signatures = Records::from_iter([signature]);
    verify(&set, zone, std::slice::from_ref(&key.public))
}

fn verify(set: &RRset, zone: &str, keys: &[Dnskey]) -> Option<BogusReason> {
    let tried = signature_checks(set, &parsed(zone), keys, TIME);
    tried.and_then(|tried| tried[0].verify()).err()
}

const LABELS: usize = 3;
const EXPIRATION: usize = 8;
const INCEPTION: usize = 12;

#[test]
fn a_signature_counts_only_as_its_zone_made_it() {
    let untouched = |_: &mut Vec<u8>| {};
    assert_eq!(reason("www.zone.example", "zone.example", untouched), None);
    assert_eq!(reason("WWW.Zone.EXAMPLE", "zone.example", untouched), None, "case");
    for other in ["example", "www.zone.example", "other.example"] {
        let wrong = reason("www.zone.example", other, untouched);
        assert_eq!(wrong, Some(BogusReason::WrongSigner), "{other} did not sign it");
    }
    assert_eq!(reason("www.other", "zone.example", untouched), Some(BogusReason::WrongSigner));
    for labels in [0, 1, 4, 255] {
        let wrong = reason("www.zone.example", "zone.example", |rdata| rdata[LABELS] = labels);
        assert_eq!(wrong, Some(BogusReason::WrongLabels), "{labels}");
    }
    let other_type = reason("www.zone.example", "zone.example", |rdata| rdata[1] = 28);
    assert_eq!(other_type, Some(BogusReason::WrongSigner));
    let altered = reason("www.zone.example", "zone.example", |rdata| {
        *rdata.last_mut().unwrap() ^= 1;
    });
    assert_eq!(altered, Some(BogusReason::BadSignature));
    let torn = reason("www.zone.example", "zone.example", |rdata| rdata.truncate(20));
    assert_eq!(torn, Some(BogusReason::NoSignature));
}

#[test]
fn dates_have_a_skew_and_wrap() {
    let dated = |at: usize, seconds: i64| {
        reason("www.zone.example", "zone.example", |rdata| {
            let moment = (TIME.now as i64 + seconds) as u32;
            rdata[at..at + 4].copy_from_slice(&moment.to_be_bytes());
        })
    };
    assert_eq!(dated(EXPIRATION, -301), Some(BogusReason::Expired));
    assert_eq!(dated(EXPIRATION, -300), Some(BogusReason::BadSignature), "tried");
    assert_eq!(dated(INCEPTION, 301), Some(BogusReason::NotYetValid));
    assert_eq!(dated(INCEPTION, 300), Some(BogusReason::BadSignature), "tried");
}

#[test]
fn a_key_must_be_one_that_may_sign() {
    let (set, key) = signed("www.zone.example");
    let with = |change: fn(&mut Vec<u8>)| {
        let mut rdata = key.public.rdata.to_vec();
        change(&mut rdata);
        let mut changed = Dnskey::read(&Bytes::from(rdata)).unwrap();
        // As if the tags collided.
        changed.tag = key.public.tag;
        verify(&set, "zone.example", &[changed])
    };
    assert_eq!(with(|rdata| rdata[0] = 0), Some(BogusReason::UnusableKey), "no zone key");
    assert_eq!(with(|rdata| rdata[1] |= 0x80), Some(BogusReason::UnusableKey), "revoked");
    assert_eq!(with(|rdata| rdata[2] = 1), Some(BogusReason::UnusableKey), "another protocol");
    assert_eq!(with(|rdata| rdata[3] = 13), Some(BogusReason::NoKey), "another algorithm");
    assert_eq!(with(|rdata| rdata.truncate(9)), Some(BogusReason::BadSignature), "torn");
    assert_eq!(verify(&set, "zone.example", &[]), Some(BogusReason::NoKey));
}

/// An NSEC record with these types.
fn nsec(owner: &str, next: &str, types: &str) -> RRset {
    let text = format!("{owner}. 60 NSEC {next}. {types}\n");
    zonefile::parse(&text, &name::root()).unwrap().remove(0)
}

fn nsec_proof(zone: &str, records: &[RRset]) -> Proof {
    Proof::read(records, &parsed(zone))
}

#[test]
fn a_record_at_a_cut_says_little() {
    let cut = [nsec("sub.example", "z.example", "NS RRSIG NSEC")];
    let proof = nsec_proof("example", &cut);
    let nodata = |text: &str, rtype| denial::nodata(&proof, &parsed(text), rtype, &mut 0);
    assert_eq!(nodata("sub.example", Rtype::A), Err(BogusReason::NoProof), "the child's to say");
    assert_eq!(nodata("sub.example", Rtype::DS), Ok(DenialStatus::Proven), "the parent's to say");
    assert_eq!(denial::no_ds(&proof, &parsed("sub.example"), &mut 0), Ok(DsDenial::Unsigned));
    for below in ["www.sub.example", "a.b.sub.example"] {
        let gone = denial::nxdomain(&proof, &parsed(below), &mut 0);
        assert_eq!(gone, Err(BogusReason::NoProof), "{below} is not the parent's to deny");
    }
    let apex = [nsec("sub.example", "z.sub.example", "NS SOA RRSIG NSEC DNSKEY")];
    let proof = nsec_proof("sub.example", &apex);
    let ds = denial::no_ds(&proof, &parsed("sub.example"), &mut 0);
    assert_eq!(ds, Err(BogusReason::NoProof), "a child does not speak for its parent");
    let dname = [nsec("old.example", "z.example", "DNAME RRSIG NSEC")];
    let proof = nsec_proof("example", &dname);
    assert!(denial::nxdomain(&proof, &parsed("x.old.example"), &mut 0).is_err());
}

#[test]
fn a_zone_denies_nothing_outside_itself() {
    for (owner, next) in [("a.evil.example", "z.com"), ("a.com", "b.evil.example")] {
        let proof = nsec_proof("evil.example", &[nsec(owner, next, "A RRSIG NSEC")]);
        for victim in ["victim.example", "m.com", "b.evil.example"] {
            let gone = denial::nxdomain(&proof, &parsed(victim), &mut 0);
            assert_eq!(gone, Err(BogusReason::NoProof), "{victim}");
        }
    }
    // The NSEC3 records of a child zone lie below the apex of the child, not of the parent.
    let mut child = Zone::parse("sub.example", "www A 192.0.2.1\n").unwrap();
    let denying = Denying::Nsec3 { iterations: 0, opt_out: false };
    child.sign(&Key::new(&parsed("sub.example"), 15), &Signing { denying, ..Signing::default() });
    let gone = zoners_dns::Question::new(parsed("gone.sub.example"), Rtype::A);
    let sets = child.answer(&gone).authority;
    let of = |zone: &str| denial::nxdomain(&Proof::read(&sets, &parsed(zone)), &gone.name, &mut 99);
    assert_eq!(
        (of("sub.example"), of("example")),
        (Ok(DenialStatus::Proven), Err(BogusReason::NoProof))
    );
}

#[test]
fn nothing_is_made_from_a_wildcard_that_something_closer_stands_before() {
    let proof = |records: &[RRset]| nsec_proof("example", records);
    let expansion = |records: &[RRset], text: &str| {
        denial::wildcard_expansion(&proof(records), &parsed(text), &parsed("example"), &mut 0)
    };
    let gap = [nsec("example", "zz.example", "NS SOA RRSIG NSEC")];
    assert_eq!(expansion(&gap, "a.example"), Ok(DenialStatus::Proven));
    assert_eq!(expansion(&[], "a.example"), Err(BogusReason::NoProof), "without a proof");
    let closer = [nsec("b.a.example", "zz.example", "A RRSIG NSEC")];
    assert_eq!(expansion(&closer, "c.a.example"), Err(BogusReason::NoProof), "a.example exists");
    let empty = [nsec("example", "b.a.example", "NS SOA RRSIG NSEC")];
    assert_eq!(expansion(&empty, "a.example"), Err(BogusReason::NoProof), "it exists, empty");
}

#[test]
fn what_is_looked_at_is_bounded() {
    let (set, key) = signed("www.zone.example");
    let tried = |signatures: usize, keys: usize| {
        let signature = set.signatures.first().unwrap();
        let signatures = std::iter::repeat_n(signature, signatures).collect();
        let set = RRset { signatures, ..set.clone() };
        signature_checks(&set, &parsed("zone.example"), &vec![key.public.clone(); keys], TIME)
            .unwrap()
            .len()
    };
    assert_eq!((tried(1, MAX_COLLISIONS), tried(1, MAX_COLLISIONS + 1)), (2, 2));
    assert_eq!((tried(MAX_SIGNATURES, 1), tried(MAX_SIGNATURES + 1, 1)), (8, 8));
    let keys = |count: usize| {
        let records = std::iter::repeat_n(&key.public.rdata, count).collect();
        chain::keys(&RRset { records, ..key.dnskey() }).len()
    };
    assert_eq!((keys(MAX_KEYS), keys(MAX_KEYS + 1)), (32, 32));
    let ds = |count: usize| {
        let ds = key.ds();
        let records = std::iter::repeat_n(ds.records.first().unwrap(), count).collect();
        match chain::usable_ds(&RRset { records, ..ds }) {
            UsableDs::Ds(ds) => ds.len(),
            UsableDs::Unsupported(_) => 0,
        }
    };
    assert_eq!((ds(MAX_DS), ds(MAX_DS + 1)), (8, 8));
}

#[test]
fn no_more_than_ten_hashed_records_make_a_proof() {
    let mut zone = Zone::parse("zone.example", "www A 192.0.2.1\n").unwrap();
    let denying = Denying::Nsec3 { iterations: 0, opt_out: false };
    zone.sign(&Key::new(&parsed("zone.example"), 15), &Signing { denying, ..Signing::default() });
    let gone = zoners_dns::Question::new(parsed("gone.zone.example"), Rtype::A);
    let proof = zone.answer(&gone).authority;
    let nsec3: Vec<RRset> = proof.into_iter().filter(|set| set.rtype == Rtype::NSEC3).collect();
    let other = |set: &RRset| RRset {
        owner: parsed(&format!("{}.zone.example", "0".repeat(32))),
        ..set.clone()
    };
    let behind = |others: usize| {
        let sets: Vec<RRset> =
            std::iter::repeat_n(other(&nsec3[0]), others).chain(nsec3.clone()).collect();
        denial::nxdomain(&Proof::read(&sets, &parsed("zone.example")), &gone.name, &mut 99)
    };
    assert_eq!(behind(MAX_RECORDS - nsec3.len()), Ok(DenialStatus::Proven));
    assert_eq!(behind(MAX_RECORDS), Err(BogusReason::NoProof));
}
