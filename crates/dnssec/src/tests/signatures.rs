//! Signatures of RRsets.

use zoners_dns::{RRset, Records};

use super::signer::{KSK, REVOKED, SignatureTerms, Signer};
use super::{parsed, rrset};
use crate::BogusReason;
use crate::dnskey::Dnskey;
use crate::verify::{ValidationTime, Verified, signature_checks};

const NOW: ValidationTime = ValidationTime { now: 1_500, skew: 0 };

fn a() -> RRset {
    rrset("www.example. 300 A 192.0.2.1\nwww.example. A 192.0.2.2\n")
}

/// The result of the first check that succeeds, or the last error.
fn verify(set: &RRset, keys: &[Dnskey], time: ValidationTime) -> Result<Verified, BogusReason> {
    let zone = parsed("example");
    let mut result = Err(BogusReason::NoSignature);
    for check in signature_checks(set, &zone, keys, time)? {
        result = check.verify();
        if result.is_ok() {
            break;
        }
    }
    result
}

#[test]
fn a_signature_of_each_algorithm_is_valid_for_its_records_alone() {
    for algorithm in [8, 10, 13, 14, 15] {
        let signer = Signer::new("example", algorithm, 1);
        let (signed, keys) = (signer.sign(&a(), SignatureTerms::default()), [signer.key.clone()]);
        let expected = Ok(Verified { ttl: 300, expanded_from: None });
        assert_eq!(verify(&signed, &keys, NOW), expected, "algorithm {algorithm}");
        let changed = RRset { records: Records::from_iter([[192, 0, 2, 9]]), ..signed };
        let bad = Err(BogusReason::BadSignature);
        assert_eq!(verify(&changed, &keys, NOW), bad, "algorithm {algorithm}");
    }
}

#[test]
fn a_signature_is_valid_from_inception_to_expiration() {
    let signer = Signer::new("example", 15, 1);
    let wrapped = u64::from(u32::MAX) + 1;
    for (validity, now, skew, expected) in [
        ((1_000, 2_000), 999, 0, Err(BogusReason::NotYetValid)),
        ((1_000, 2_000), 999, 1, Ok(300)),
        ((1_000, 2_000), 1_000, 0, Ok(300)),
        ((1_000, 2_000), 1_800, 0, Ok(200)),
        ((1_000, 2_000), 2_000, 0, Ok(0)),
        ((1_000, 2_000), 2_001, 0, Err(BogusReason::Expired)),
        ((1_000, 2_000), 2_001, 1, Ok(0)),
        // The clock of signatures wraps (RFC 1982).
        ((u32::MAX - 10, 1_000), wrapped - 20, 0, Err(BogusReason::NotYetValid)),
        ((u32::MAX - 10, 1_000), wrapped + 500, 0, Ok(300)),
        ((u32::MAX - 10, 1_000), wrapped + 1_001, 0, Err(BogusReason::Expired)),
    ] {
        let signed = signer.sign(&a(), SignatureTerms { validity, ..SignatureTerms::default() });
        let verified = verify(&signed, signer.keys(), ValidationTime { now, skew });
        let ttl = verified.map(|verified| verified.ttl);
        assert_eq!(ttl, expected, "{validity:?} at {now} with a skew of {skew}");
    }
}

#[test]
fn the_ttl_is_the_least_of_record_original_and_validity() {
    let signer = Signer::new("example", 15, 1);
    for (ttl, original_ttl, now, expected) in
        [(300, 300, 1_500, 300), (300, 60, 1_500, 60), (60, 300, 1_500, 60), (300, 300, 1_990, 10)]
    {
        let set = RRset { ttl, ..a() };
        let signed =
            signer.sign(&set, SignatureTerms { original_ttl, ..SignatureTerms::default() });
        let time = ValidationTime { now, skew: 0 };
        let verified = verify(&signed, signer.keys(), time).unwrap();
        assert_eq!(verified.ttl, expected, "{ttl} {original_ttl} {now}");
    }
}

#[test]
fn signatures_that_cannot_count_are_discarded_with_their_reason() {
    let signer = Signer::new("example", 15, 1);
    let other = Signer::new("example", 15, 2);
    let key = || vec![signer.key.clone()];
    let sign = |terms: SignatureTerms<'_>| signer.sign(&a(), terms);
    let plain = sign(SignatureTerms::default());
    let outside = signer.sign(&rrset("www.test. 300 A 192.0.2.1\n"), SignatureTerms::default());
    let covers_a = RRset { rtype: zoners_dns::Rtype::AAAA, ..plain.clone() };
    let algorithm_200 = Dnskey { algorithm: 200, ..signer.key.clone() };
    let unknown = signer.sign_as(&algorithm_200, &a(), SignatureTerms::default());
    for (case, set, keys, reason) in [
        ("no signature", a(), key(), BogusReason::NoSignature),
        ("no key", plain.clone(), vec![], BogusReason::NoKey),
        ("another key", plain.clone(), vec![other.key.clone()], BogusReason::NoKey),
        ("an algorithm that is unknown", unknown, vec![algorithm_200], BogusReason::NoKey),
        (
            "a signer above",
            sign(SignatureTerms { signer: Some("."), ..SignatureTerms::default() }),
            key(),
            BogusReason::WrongSigner,
        ),
        (
            "a signer beside",
            sign(SignatureTerms { signer: Some("test"), ..SignatureTerms::default() }),
            key(),
            BogusReason::WrongSigner,
        ),
        ("a name outside the zone", outside, key(), BogusReason::WrongSigner),
        ("another type", covers_a, key(), BogusReason::WrongSigner),
        (
            "more labels than the owner",
            sign(SignatureTerms { labels: Some(3), ..SignatureTerms::default() }),
            key(),
            BogusReason::WrongLabels,
        ),
        (
            "fewer labels than the zone",
            sign(SignatureTerms { labels: Some(0), ..SignatureTerms::default() }),
            key(),
            BogusReason::WrongLabels,
        ),
    ] {
        assert_eq!(verify(&set, &keys, NOW), Err(reason), "{case}");
    }
    for flags in [0x0001, KSK | REVOKED] {
        let key = Dnskey { tag: signer.key.tag, ..signer.with_flags(flags) };
        assert_eq!(verify(&plain, &[key], NOW), Err(BogusReason::UnusableKey), "{flags:04x}");
    }
}

#[test]
fn a_key_of_the_same_tag_is_tried_and_does_not_match() {
    let (signer, other) = (Signer::new("example", 15, 1), Signer::new("example", 15, 2));
    let collision = Dnskey { tag: signer.key.tag, ..other.key };
    let signed = signer.sign(&a(), SignatureTerms::default());
    assert_eq!(
        verify(&signed, std::slice::from_ref(&collision), NOW),
        Err(BogusReason::BadSignature)
    );
    assert!(verify(&signed, &[collision, signer.key.clone()], NOW).is_ok(), "the second key");
}

#[test]
fn the_most_specific_reason_is_reported() {
    let signer = Signer::new("example", 15, 1);
    let expired =
        signer.sign(&a(), SignatureTerms { validity: (1_000, 1_400), ..SignatureTerms::default() });
    let both =
        signer.sign(&expired, SignatureTerms { signer: Some("test"), ..SignatureTerms::default() });
    assert_eq!(verify(&both, signer.keys(), NOW), Err(BogusReason::Expired));
    let renewed = signer.sign(&both, SignatureTerms::default());
    assert!(verify(&renewed, signer.keys(), NOW).is_ok(), "one valid signature is enough");
}

#[test]
fn an_expanded_wildcard_names_its_closest_encloser() {
    let signer = Signer::new("example", 15, 1);
    for (owner, labels, expanded_from) in [
        ("a.b.example", 3, None),
        ("a.b.example", 2, Some("b.example")),
        ("a.b.example", 1, Some("example")),
        ("*.example", 1, None),
    ] {
        let set = RRset { owner: parsed(owner), ..a() };
        let terms = SignatureTerms { labels: Some(labels), ..SignatureTerms::default() };
        let verified = verify(&signer.sign(&set, terms), signer.keys(), NOW).unwrap();
        assert_eq!(verified.expanded_from, expanded_from.map(parsed), "{owner} {labels}");
    }
    // The signature over the wildcard is valid for every name below the encloser.
    let wildcard =
        signer.sign(&RRset { owner: parsed("*.example"), ..a() }, SignatureTerms::default());
    let expanded = RRset { owner: parsed("x.y.example"), ..wildcard };
    let verified = verify(&expanded, signer.keys(), NOW).unwrap();
    assert_eq!(verified.expanded_from, Some(parsed("example")));
}

#[test]
fn order_duplicates_and_letter_case_do_not_matter() {
    let signer = Signer::new("example", 15, 1);
    let signed = signer.sign(&a(), SignatureTerms::default());
    let records = [[192, 0, 2, 2], [192, 0, 2, 1], [192, 0, 2, 2]];
    let shuffled =
        RRset { owner: parsed("WWW.Example"), records: records.iter().collect(), ..signed };
    assert!(verify(&shuffled, signer.keys(), NOW).is_ok());
    let mx = rrset("example. 300 MX 10 mail.example.\n");
    let signed = signer.sign(&mx, SignatureTerms::default());
    let upper = RRset { records: rrset("example. 300 MX 10 MAIL.Example.\n").records, ..signed };
    assert!(verify(&upper, signer.keys(), NOW).is_ok(), "RFC 4034 section 6.2");
}
