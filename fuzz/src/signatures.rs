//! Signed RRsets: no change makes another RRset authentic, and no octets are the signature of a key
//! that did not sign.
//!
//! The first octet says what the rest is: an algorithm with key, data and signature, or changes to a
//! signed RRset, or RDATA of NSEC.

use bytes::Bytes;
use zoners_dns::{Name, RRset, Records, Rtype, SortKey, name};
use zoners_dnssec::algorithm;
use zoners_dnssec::chain::{Ds, keys};
use zoners_dnssec::nsec::Nsec;
use zoners_dnssec::rrsig::Rrsig;
use zoners_dnssec::signed_data::compose;
use zoners_dnssec::verify::{ValidationTime, signature_checks};
use zoners_sim::sign::{Key, Signing};

const NOW: ValidationTime = ValidationTime { now: 1_800_000_000, skew: 0 };

pub fn run(octets: &[u8]) {
    let Some((kind, rest)) = octets.split_first() else { return };
    match kind % 3 {
        0 => forged(rest),
        1 => changed(rest),
        _ => denying(rest),
    }
}

/// An algorithm, a length, a key of it, a length, data of it, and a signature.
fn forged(octets: &[u8]) {
    let Some(([algorithm, length], rest)) = octets.split_first_chunk::<2>() else { return };
    let (key, rest) = rest.split_at(rest.len().min((*length).into()));
    let Some((length, rest)) = rest.split_first() else { return };
    let (data, signature) = rest.split_at(rest.len().min((*length).into()));
    assert!(algorithm::verify(*algorithm, key, data, signature).is_err(), "that is no accident");
    let rdata = [&[1, 1, 3, *algorithm][..], key].concat();
    let set = RRset::new(zone(), Rtype::DNSKEY, 60, Records::from_iter([rdata]));
    assert!(keys(&set).len() <= 1);
    let Some(ds) = Ds::read(&Bytes::copy_from_slice(data)) else { return };
    assert!(keys(&set).iter().all(|key| !ds.matches_key(&zone(), key)), "nor that");
}

/// Three octets for a change: where, and how. RDATA, TTL, key and RRSIG lie one behind the other.
fn changed(changes: &[u8]) {
    let key = Key::new(&zone(), 15);
    let mut set = RRset::new(
        name::parse("www.zone.example").expect("a name"),
        Rtype::MX,
        300,
        Records::from_iter([&b"\x00\x01\x01a\x00"[..], &b"\x00\x02\x01b\x00"[..]]),
    );
    key.sign(&mut set, &Signing::default());
    let parts = [set.records.as_bytes(), set.signatures.as_bytes(), &key.public.rdata];
    let lengths = parts.map(|part| part.len());
    let mut octets = [parts[0].as_ref(), parts[1], parts[2]].concat();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % octets.len();
        octets[at] ^= change[2];
    }
    let mut octets = Bytes::from(octets);
    let records = Records::from_bytes(octets.split_to(lengths[0]));
    let signatures = Records::from_bytes(octets.split_to(lengths[1]));
    let altered = RRset { records, signatures, ..set.clone() };
    let dnskey = RRset::new(zone(), Rtype::DNSKEY, 300, Records::from_iter([octets]));
    let own = keys(&dnskey);
    let Ok(found) = signature_checks(&altered, &zone(), &own, NOW) else { return };
    for candidate in found {
        if candidate.verify().is_ok() {
            let genuine = |set: &RRset| {
                let rrsig = set.signatures.first().and_then(|rdata| Rrsig::read(&rdata));
                rrsig.map(|rrsig| compose(set, &rrsig))
            };
            assert_eq!(genuine(&altered), genuine(&set), "another RRset was signed");
            assert_eq!(candidate.key().key, key.public.key, "by another key");
        }
    }
}

/// RDATA of an NSEC record of `b.zone.example.`: a name is denied or there, never both.
fn denying(rdata: &[u8]) {
    let named = |label: &str| name::parse(&format!("{label}.zone.example")).expect("a name");
    let set = RRset::new(named("b"), Rtype::NSEC, 60, Records::from_iter([rdata]));
    let Some(nsec) = Nsec::read(&set, &zone()) else { return };
    assert!(name::is_within(&nsec.next, &zone()));
    for asked in [named("a"), named("b"), named("c"), named("a.b"), nsec.next.clone()] {
        let covered = nsec.covers(&asked, &SortKey::of(asked.for_slice()));
        assert!(!covered || (asked != nsec.owner && asked != nsec.next), "{asked} {nsec:?}");
        assert!(name::is_within(&asked, &nsec.closest_encloser(&asked)));
    }
    let _ = (nsec.types.deny_owner_name(), nsec.types.delegates(), nsec.types.has(Rtype::A));
}

fn zone() -> Name {
    name::parse("zone.example").expect("a name")
}
