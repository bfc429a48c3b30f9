//! Records signed by a zone that claim names outside the zone: a wildcard above the zone, or a
//! range leading out of it.

use crate::common::question;
use crate::common::signed::{ask, code, signed};
use zoners_dns::{Name, RRset, Records, Rtype, name};
use zoners_sim::Zone;
use zoners_sim::sign::{Key, Signing};

fn parsed(text: &str) -> Name {
    name::parse(text).unwrap()
}

/// Gives `www.example.com. A` a signature of the zone's key for a different owner, with the label
/// count of that owner.
fn sign_for(zone: &mut Zone, owner: &str) {
    let records = Records::from_iter([[203, 0, 113, 66]]);
    let key = Key::new(&zone.origin, 15);
    let mut other = RRset::new(parsed(owner), Rtype::A, 300, records);
    key.sign(&mut other, &Signing::default());
    zone.add(RRset { owner: parsed("www.example.com"), ..other });
}

#[tokio::test(start_paused = true)]
async fn a_signature_with_fewer_labels_than_its_signer_makes_no_wildcard_above_the_zone() {
    // Labels 1 and 0, where the signer has two (RFC 4035 section 5.3.1).
    for above in ["*.com", "*"] {
        let lab = signed(&Signing::default());
        lab.net.change("example.com", |zone| sign_for(zone, above));
        assert_eq!(code(&lab, "www.example.com", Rtype::A).await, 6, "{above}");
        let (shared, now) = (lab.worker.shared(), lab.worker.shared().now());
        assert!(shared.cache.rrset(&parsed(above), Rtype::A, now).is_none(), "{above}");
        for victim in ["www.com", "victim.com", "zz"] {
            let asked = question(victim, Rtype::A);
            assert!(lab.worker.synthesised(&asked, now).is_none(), "{above} for {victim}");
        }
        assert!(ask(&lab, "victim.com", Rtype::A).await.unwrap().answer.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_signature_for_a_wildcard_at_the_apex_is_as_far_as_it_goes() {
    let lab = signed(&Signing::default());
    // Labels 2, as many as the signer has; www exists, so a wildcard may not expand to it.
    lab.net.change("example.com", |zone| sign_for(zone, "*.example.com"));
    assert_eq!(code(&lab, "www.example.com", Rtype::A).await, 12);
}

/// An NSEC record of the zone's chain, re-signed with a different next name.
fn lead_to(zone: &mut Zone, owner: &str, next: &str) {
    let bitmap: &[u8] = &[0, 6, 0x40, 0, 0, 0, 0, 3];
    let rdata = [parsed(next).as_slice(), bitmap].concat();
    let mut set = RRset::new(parsed(owner), Rtype::NSEC, 60, Records::from_iter([rdata]));
    Key::new(&zone.origin, 15).sign(&mut set, &Signing::default());
    zone.add(set);
}

#[tokio::test(start_paused = true)]
async fn a_range_that_leads_out_of_its_zone_denies_nothing() {
    // Out of the zone, above it, beside it; and around without passing the apex, where the chain of
    // a zone closes (RFC 4034 section 4.1.1).
    for next in ["net", "com", ".", "www.example.net", "example.com.evil", "alias.example.com"] {
        let lab = signed(&Signing::default());
        lab.net.change("example.com", |zone| lead_to(zone, "www.example.com", next));
        let gone = ask(&lab, "zzz.example.com", Rtype::A).await;
        assert_eq!(gone.unwrap_err().ede.code.0, 12, "{next}");
        let now = lab.worker.shared().now();
        for victim in ["zz.example.com", "zzz.example.com", "a.net", "zz.com", "zz", "b.www.com"] {
            let asked = question(victim, Rtype::A);
            assert!(lab.worker.synthesised(&asked, now).is_none(), "{next}: {victim}");
        }
        // The types of the record prove nothing either: the whole record is ignored.
        assert!(ask(&lab, "www.example.com", Rtype::MX).await.is_err(), "{next}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_that_ends_at_the_apex_denies_as_before() {
    let lab = signed(&Signing::default());
    lab.net.change("example.com", |zone| lead_to(zone, "www.example.com", "EXAMPLE.com"));
    assert!(ask(&lab, "zzz.example.com", Rtype::A).await.unwrap().answer.is_empty());
    let made =
        lab.worker.synthesised(&question("zzzz.example.com", Rtype::A), lab.worker.shared().now());
    assert!(made.is_some());
}
