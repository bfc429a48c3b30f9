use zoners_dns::{RRset, Records, Rtype, ZoneRecord, name};
use zoners_dnssec::BogusReason;
use zoners_dnssec::chain::Ds;
use zoners_dnssec::verify::ValidationTime;
use zoners_sim::Zone;
use zoners_sim::sign::{Key, Signing};

use super::{ZoneAnchor, ZoneFault, digest, verify, verify_digest};
use crate::{AuthoritativeZone, ZoneBuilder, file};

const TIME: ValidationTime = ValidationTime { now: 1_700_000_000, skew: 0 };

/// The example of RFC 8976 appendix A.1.
#[test]
fn the_digest_is_that_of_the_simple_example_of_rfc_8976() {
    let text = "\
example.      86400  IN  SOA     ns1 admin 2018031900 ( 1800 900 604800 86400 )
              86400  IN  NS      ns1
              86400  IN  NS      ns2
              86400  IN  ZONEMD  2018031900 1 1 (
                                 c68090d90a7aed71
                                 6bc459f9340e3d7c
                                 1370d4d24b7e2fc3
                                 a1ddc0b9a87153b9
                                 a9713b3c9ae5cc27
                                 777f98b8e730044c )
ns1           3600   IN  A       203.0.113.63
ns2           3600   IN  AAAA    2001:db8::63
";
    let zone = file::load(&name::parse("example").unwrap(), text, 1 << 20).unwrap();
    let set = zone.rrset(zone.apex(), Rtype::ZONEMD).unwrap();
    assert_eq!(verify_digest(&zone, set), Ok(()));
    let changed = text.replace("203.0.113.63", "203.0.113.64");
    let zone = file::load(&name::parse("example").unwrap(), &changed, 1 << 20).unwrap();
    assert_eq!(verify_digest(&zone, set), Err(ZoneFault::WrongDigest));
    let older = text.replacen("2018031900", "2018031899", 1);
    let zone = file::load(&name::parse("example").unwrap(), &older, 1 << 20).unwrap();
    assert_eq!(verify_digest(&zone, set), Err(ZoneFault::OtherSerial));
}

fn copy_of(zone: &Zone) -> AuthoritativeZone {
    let mut builder = ZoneBuilder::new(zone.origin.clone(), 1 << 20);
    for set in zone.rrsets() {
        let types = [(set.rtype, &set.records), (Rtype::RRSIG, &set.signatures)];
        for (rtype, records) in types {
            for rdata in records.iter() {
                let (owner, rdata) = (set.owner.clone(), rdata.to_vec().into());
                builder.add(ZoneRecord { owner, rtype, ttl: set.ttl, rdata }).unwrap();
            }
        }
    }
    builder.build().unwrap()
}

/// A signed root zone with a digest, before `change`.
fn root(change: impl FnOnce(&mut Zone)) -> AuthoritativeZone {
    let text = "com 172800 NS a.nic.com\na.nic.com 172800 A 192.5.6.1\ncom 86400 DS 1 13 2 0011\n\
                net 172800 NS A.nic.net.\n";
    let mut zone = Zone::parse(".", text).unwrap();
    let key = Key::new(&name::root(), 15);
    let put_digest = |zone: &mut Zone, digest: &[u8]| {
        let rdata = [&1u32.to_be_bytes()[..], &[1, 1], digest].concat();
        let records = Records::from_iter([rdata]);
        zone.add(RRset::new(name::root(), Rtype::ZONEMD, 86_400, records));
        zone.sign(&key, &Signing::default());
    };
    put_digest(&mut zone, &[0; 48]);
    let right = digest(&copy_of(&zone), aws_lc_rs::digest::Context::new(&super::SHA384));
    put_digest(&mut zone, &right);
    change(&mut zone);
    copy_of(&zone)
}

fn verify_root(zone: &AuthoritativeZone, time: ValidationTime) -> Result<(), ZoneFault> {
    let key = Key::new(&name::root(), 15);
    let ds: Vec<Ds> = key.ds().records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
    let by_ds = verify(zone, ZoneAnchor { ds: &ds, keys: &[] }, time);
    let by_key = verify(zone, ZoneAnchor { ds: &[], keys: &[key.public] }, time);
    assert_eq!(by_ds, by_key);
    by_ds
}

#[test]
fn a_signed_zone_is_verified_as_a_whole() {
    assert_eq!(verify_root(&root(|_| {}), TIME), Ok(()));
    let glue = |zone: &mut Zone| {
        let server = name::parse("a.nic.com").unwrap();
        zone.add(RRset::new(server, Rtype::A, 172_800, Records::from_iter([[192, 0, 2, 66]])));
    };
    assert_eq!(verify_root(&root(glue), TIME), Err(ZoneFault::WrongDigest), "glue is not signed");
    let without = |zone: &mut Zone| zone.remove(&name::root(), Rtype::ZONEMD);
    assert_eq!(verify_root(&root(without), TIME), Err(ZoneFault::NoDigest));
    let unsigned = |zone: &mut Zone| {
        let set = zone.rrsets().find(|set| set.rtype == Rtype::ZONEMD).cloned().unwrap();
        zone.add(RRset { signatures: Records::NONE, ..set });
    };
    let no_signature = ZoneFault::Bogus(Rtype::ZONEMD, BogusReason::NoSignature);
    assert_eq!(verify_root(&root(unsigned), TIME), Err(no_signature));
    let late = ValidationTime { now: 2_300_000_000, skew: 0 };
    let expired = ZoneFault::Bogus(Rtype::DNSKEY, BogusReason::Expired);
    assert_eq!(verify_root(&root(|_| {}), late), Err(expired));
}

#[test]
fn a_zone_of_other_keys_is_not_trusted() {
    let other = Key::new(&name::parse("other").unwrap(), 15);
    let anchor = ZoneAnchor { ds: &[], keys: &[other.public] };
    let fault = ZoneFault::Bogus(Rtype::DNSKEY, BogusReason::NoMatchingDs);
    assert_eq!(verify(&root(|_| {}), anchor, TIME), Err(fault));
}
