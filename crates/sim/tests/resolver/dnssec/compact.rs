//! Compact denial (RFC 9824): one NSEC record, made for the question, with NXNAME if the name does
//! not exist.

use crate::common::question;
use crate::common::signed::{ask, signed, status};
use zoners_dns::{Checking, Counter, OptRcode, RRset, Rtype, Security, SortKey, name, zonefile};
use zoners_dnssec::BogusReason;
use zoners_dnssec::denial::{self, DenialStatus, DsDenial, Proof};
use zoners_dnssec::nsec::{Nsec, denied_owner};
use zoners_resolver::Lack;
use zoners_sim::sign::{Denying, Signing};

fn nsec(owner: &str, next: &str, types: &str) -> RRset {
    let text = format!("{owner}. 60 NSEC {next}. {types}\n");
    zonefile::parse(&text, &name::root()).unwrap().remove(0)
}

fn compact(restores: bool) -> Signing {
    Signing { denying: Denying::Compact { restores }, ..Signing::default() }
}

#[test]
fn nxname_denies_its_owner_and_nothing_else() {
    let parsed = |text: &str| name::parse(text).unwrap();
    // The next name of the second is far away; still nothing in between is denied.
    for next in ["\\000.gone.example", "z.example"] {
        let sets = [nsec("gone.example", next, "RRSIG NSEC TYPE128")];
        assert_eq!(denied_owner(&sets), Some(&sets[0].owner));
        let proof = Proof::read(&sets, &parsed("example"));
        let nodata = |text: &str| denial::nodata(&proof, &parsed(text), Rtype::A, &mut 0);
        let nxdomain = |text: &str| denial::nxdomain(&proof, &parsed(text), &mut 0);
        assert_eq!(nodata("Gone.example"), Ok(DenialStatus::NxName));
        assert_eq!(nxdomain("gone.EXAMPLE"), Ok(DenialStatus::Proven));
        let no_ds = denial::no_ds(&proof, &parsed("gone.example"), &mut 0);
        assert_eq!(no_ds, Ok(DsDenial::NoCut));
        for other in ["example", "*.example", "a.gone.example", "h.example", "b.a.gone.example"] {
            assert_eq!(nodata(other), Err(BogusReason::NoProof), "{other}");
            assert_eq!(nxdomain(other), Err(BogusReason::NoProof), "{other}");
            let no_ds = denial::no_ds(&proof, &parsed(other), &mut 0);
            assert_eq!(no_ds, Err(BogusReason::NoProof), "{other}");
            let encloser = parsed("example");
            let made = denial::wildcard_expansion(&proof, &parsed(other), &encloser, &mut 0);
            assert_eq!(made, Err(BogusReason::NoProof), "{other}");
        }
    }
}

#[test]
fn a_wildcard_that_does_not_exist_stands_for_no_name() {
    let sets = [
        nsec("a.example", "z.example", "A RRSIG NSEC"),
        nsec("*.example", "\\000.*.example", "RRSIG NSEC TYPE128"),
    ];
    let proof = Proof::read(&sets, &name::parse("example").unwrap());
    let asked = name::parse("m.example").unwrap();
    assert_eq!(denial::nodata(&proof, &asked, Rtype::A, &mut 0), Err(BogusReason::NoProof));
}

#[test]
fn nxname_beside_types_of_data_means_nothing() {
    let set = nsec("here.example", "z.example", "A RRSIG NSEC TYPE128");
    let (zone, asked) = (name::parse("example").unwrap(), name::parse("here.example").unwrap());
    let proof = Proof::read(std::slice::from_ref(&set), &zone);
    assert_eq!(denial::nodata(&proof, &asked, Rtype::MX, &mut 0), Ok(DenialStatus::Proven));
    assert_eq!(denial::nodata(&proof, &asked, Rtype::A, &mut 0), Err(BogusReason::NoProof));
    let between = name::parse("m.example").unwrap();
    let nsec = Nsec::read(&set, &zone).unwrap();
    assert!(nsec.covers(&between, &SortKey::of(between.for_slice())));
    // A type far behind the first window counts too.
    let set = self::nsec("here.example", "z.example", "RRSIG NSEC TYPE128 TYPE65280");
    assert_eq!(denied_owner(&[set]), None);
}

#[tokio::test(start_paused = true)]
async fn a_name_is_denied_whatever_the_rcode_says() {
    for restores in [false, true] {
        let lab = signed(&compact(restores));
        for round in ["asked", "cached"] {
            for (name, rtype, rcode) in [
                ("gone.example.com", Rtype::A, OptRcode::NXDOMAIN),
                ("gone.example.com", Rtype::AAAA, OptRcode::NXDOMAIN),
                ("deep.below.gone.example.com", Rtype::A, OptRcode::NXDOMAIN),
                ("www.example.com", Rtype::MX, OptRcode::NOERROR),
                ("ent.example.com", Rtype::A, OptRcode::NOERROR),
            ] {
                let answer = ask(&lab, name, rtype).await.unwrap();
                let told = (answer.rcode, answer.security);
                assert_eq!(told, (rcode, Security::Secure), "{round} {restores}: {name} {rtype}");
                let is_compact = answer.authority.iter().any(|set| set.rtype == Rtype::NSEC);
                assert!(is_compact, "{round} {restores}: {name} {rtype}");
            }
            assert_eq!(status(&lab, "www.example.com", Rtype::A).await, Security::Secure);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_denial_serves_all_types_of_its_name_and_no_name_below() {
    for restores in [false, true] {
        let lab = signed(&compact(restores));
        ask(&lab, "ent.example.com", Rtype::TXT).await.unwrap();
        ask(&lab, "gone.example.com", Rtype::A).await.unwrap();
        lab.net.forget_sent();
        let answer = ask(&lab, "gone.example.com", Rtype::MX).await.unwrap();
        assert_eq!(answer.rcode, OptRcode::NXDOMAIN);
        assert!(lab.net.sent().is_empty(), "all types are denied with the name");
        let verified = lab.count(Counter::DnssecVerifications);
        ask(&lab, "gone.example.com", Rtype::A).await.unwrap();
        assert_eq!(lab.count(Counter::DnssecVerifications), verified, "it is known to be proven");
        let now = lab.worker.shared().now();
        for (text, rtype) in [
            ("below.gone.example.com", Rtype::A),
            ("a.b.gone.example.com", Rtype::A),
            ("gonf.example.com", Rtype::A),
            ("b.ent.example.com", Rtype::A),
        ] {
            let other = question(text, rtype);
            assert!(lab.worker.synthesised(&other, now).is_none(), "{text}");
            let known = lab.worker.cached(&other, Checking::Enabled, now);
            assert_eq!(known, Err(Lack::Everything), "{text}");
        }
        let made = lab.worker.synthesised(&question("gone.example.com", Rtype::HTTPS), now);
        assert_eq!(made.unwrap().rcode, OptRcode::NXDOMAIN);
        let made = lab.worker.synthesised(&question("ent.example.com", Rtype::HTTPS), now);
        assert_eq!(made.unwrap().rcode, OptRcode::NOERROR);
        // A name below gets its own query, and its own proven denial.
        let below = ask(&lab, "below.gone.example.com", Rtype::A).await.unwrap();
        let nsec = below.authority.iter().find(|set| set.rtype == Rtype::NSEC).unwrap();
        assert_eq!(nsec.owner.to_string(), "below.gone.example.com");
        assert_eq!((below.rcode, below.security), (OptRcode::NXDOMAIN, Security::Secure));
    }
}
