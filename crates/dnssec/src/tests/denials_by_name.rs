//! Proofs of non-existence by NSEC records.

use zoners_dns::{RRset, Rtype};

use super::{parsed, rrset};
use crate::BogusReason::NoProof;
use crate::denial::{
    DenialStatus, DsDenial, Proof, exists, no_ds, nodata, nxdomain, wildcard_expansion,
};

/// Apex, a delegation, an empty non-terminal `d`, and a wildcard below `w`.
const APEX: &str = "example. 60 NSEC b.example. NS SOA RRSIG NSEC DNSKEY";
const B: &str = "b.example. 60 NSEC cut.example. A RRSIG NSEC";
const CUT: &str = "cut.example. 60 NSEC x.d.example. NS RRSIG NSEC";
const X_D: &str = "x.d.example. 60 NSEC old.example. CNAME RRSIG NSEC";
const OLD: &str = "old.example. 60 NSEC signed.example. DNAME RRSIG NSEC";
const SIGNED: &str = "signed.example. 60 NSEC w.example. NS DS RRSIG NSEC";
const W: &str = "w.example. 60 NSEC *.w.example. TXT RRSIG NSEC";
const WILD: &str = "*.w.example. 60 NSEC example. A RRSIG NSEC";
const GONE: &str = "gone.example. 60 NSEC \\000.gone.example. RRSIG NSEC TYPE128";

fn proof(records: &[&str]) -> Proof {
    let sets: Vec<RRset> = records.iter().map(|text| rrset(text)).collect();
    Proof::read(&sets, &parsed("example"))
}

#[test]
fn nxdomain_takes_a_cover_of_the_name_and_of_the_wildcard() {
    for (asked, records, expected) in [
        // `*.example` sorts before `a.example`: one record covers both.
        ("a.example", &[APEX][..], Ok(DenialStatus::Proven)),
        ("c.example", &[B, APEX], Ok(DenialStatus::Proven)),
        ("c.example", &[B], Err(NoProof)),
        ("c.example", &[APEX], Err(NoProof)),
        ("c.example", &[], Err(NoProof)),
        ("b.example", &[B, APEX], Err(NoProof)),
        ("x.b.example", &[B], Ok(DenialStatus::Proven)),
        // The empty non-terminal exists.
        ("d.example", &[CUT, APEX], Err(NoProof)),
        // The name would be expanded from `*.w.example`, which exists.
        ("a.w.example", &[WILD, W], Err(NoProof)),
        ("zz.example", &[WILD, APEX], Ok(DenialStatus::Proven)),
        // The parent zone says nothing about names below a delegation or a DNAME.
        ("www.cut.example", &[CUT, APEX], Err(NoProof)),
        ("www.old.example", &[OLD, APEX], Err(NoProof)),
        // NXNAME denies its owner alone (RFC 9824).
        ("gone.example", &[GONE], Ok(DenialStatus::Proven)),
        ("a.gone.example", &[GONE], Err(NoProof)),
    ] {
        let proven = nxdomain(&proof(records), &parsed(asked), &mut 0);
        assert_eq!(proven, expected, "{asked} by {records:?}");
    }
}

#[test]
fn nodata_takes_the_bitmap_of_the_name_or_of_the_wildcard() {
    let wild = [W, WILD];
    for (asked, rtype, records, expected) in [
        ("b.example", Rtype::AAAA, &[B][..], Ok(DenialStatus::Proven)),
        ("b.example", Rtype::A, &[B], Err(NoProof)),
        ("x.d.example", Rtype::A, &[X_D], Err(NoProof)),
        ("d.example", Rtype::A, &[CUT], Ok(DenialStatus::Proven)),
        ("c.example", Rtype::A, &[B, APEX], Err(NoProof)),
        ("a.w.example", Rtype::AAAA, &wild, Ok(DenialStatus::Proven)),
        ("a.w.example", Rtype::A, &wild, Err(NoProof)),
        ("a.w.example", Rtype::AAAA, &[W], Err(NoProof)),
        // A zone cut: the parent zone denies DS alone, the child's apex every other type.
        ("cut.example", Rtype::A, &[CUT], Err(NoProof)),
        ("cut.example", Rtype::DS, &[CUT], Ok(DenialStatus::Proven)),
        ("example", Rtype::DS, &[APEX], Err(NoProof)),
        ("example", Rtype::A, &[APEX], Ok(DenialStatus::Proven)),
        ("gone.example", Rtype::A, &[GONE], Ok(DenialStatus::NxName)),
    ] {
        let proven = nodata(&proof(records), &parsed(asked), rtype, &mut 0);
        assert_eq!(proven, expected, "{asked} {rtype} by {records:?}");
    }
}

#[test]
fn no_ds_tells_a_delegation_from_a_name_within_the_zone() {
    for (child, records, expected) in [
        ("cut.example", &[CUT][..], Ok(DsDenial::Unsigned)),
        ("b.example", &[B], Ok(DsDenial::NoCut)),
        ("c.example", &[B], Ok(DsDenial::NoCut)),
        ("signed.example", &[SIGNED], Err(NoProof)),
        ("example", &[APEX], Err(NoProof)),
        ("b.example", &[APEX], Err(NoProof)),
    ] {
        let proven = no_ds(&proof(records), &parsed(child), &mut 0);
        assert_eq!(proven, expected, "{child} by {records:?}");
    }
}

#[test]
fn a_wildcard_is_expanded_only_where_no_closer_name_exists() {
    for (asked, encloser, records, expected) in [
        ("a.w.example", "w.example", &[WILD][..], Ok(DenialStatus::Proven)),
        ("a.w.example", "example", &[WILD], Err(NoProof)),
        ("c.example", "example", &[B], Ok(DenialStatus::Proven)),
        ("c.example", "example", &[APEX], Err(NoProof)),
        ("d.example", "example", &[CUT], Err(NoProof)),
    ] {
        let proven = wildcard_expansion(&proof(records), &parsed(asked), &parsed(encloser), &mut 0);
        assert_eq!(proven, expected, "{asked} below {encloser} by {records:?}");
    }
}

#[test]
fn a_record_exists_by_its_owner_name() {
    let records = proof(&[APEX, B]);
    let known = |text: &str| exists(&records, &parsed(text), &mut 0);
    assert_eq!((known("B.example"), known("c.example")), (Ok(true), Ok(false)));
}

#[test]
fn records_that_leave_the_zone_or_turn_back_are_ignored() {
    for text in [
        "a.test. 60 NSEC z.test. A RRSIG NSEC",
        "a.example. 60 NSEC z.test. A RRSIG NSEC",
        "c.example. 60 NSEC a.example. A RRSIG NSEC",
    ] {
        let proven = nxdomain(&proof(&[text, APEX]), &parsed("m.example"), &mut 0);
        assert_eq!(proven, Err(NoProof), "{text}");
    }
}
