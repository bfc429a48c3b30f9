//! DS records and the keys for which they vouch.

use bytes::{BufMut, Bytes};
use zoners_dns::{RRset, Records, Rtype, name};

use super::parsed;
use super::signer::{KSK, REVOKED, Signer};
use crate::BogusReason;
use crate::algorithm::digest;
use crate::chain::{Ds, UsableDs, entry_points, usable_ds};
use crate::dnskey::Dnskey;

/// The RDATA of a DS record for a key; for an unknown digest type, a digest of zeros.
fn ds_rdata(zone: &str, key: &Dnskey, digest_type: u8) -> Vec<u8> {
    let owner = name::lowercase(&parsed(zone));
    let digest = digest(digest_type, &[owner.as_slice(), &key.rdata]);
    let mut rdata = Vec::from(key.tag.to_be_bytes());
    rdata.put_slice(&[key.algorithm, digest_type]);
    rdata.put_slice(digest.as_ref().map_or(&[0; 32], |digest| digest.as_ref()));
    rdata
}

fn ds(zone: &str, key: &Dnskey, digest_type: u8) -> Ds {
    Ds::read(&Bytes::from(ds_rdata(zone, key, digest_type))).unwrap()
}

fn ds_rrset(records: &[Vec<u8>]) -> RRset {
    RRset::new(parsed("example"), Rtype::DS, 300, records.iter().collect::<Records>())
}

#[test]
fn a_ds_record_matches_one_key_of_one_zone() {
    let (signer, other) = (Signer::new("example", 15, 1), Signer::new("example", 15, 2));
    for digest_type in [1, 2, 4] {
        let ds = ds("example", &signer.key, digest_type);
        let matches = |ds: &Ds, zone: &str, key: &Dnskey| ds.matches_key(&parsed(zone), key);
        assert!(ds.is_supported() && matches(&ds, "example", &signer.key), "{digest_type}");
        assert!(matches(&ds, "EXAMPLE", &signer.key), "letter case does not matter");
        assert!(!matches(&ds, "test", &signer.key), "another zone");
        assert!(!matches(&ds, "example", &other.key), "another key");
        let collision = Dnskey { tag: signer.key.tag, ..other.key.clone() };
        assert!(!matches(&ds, "example", &collision), "another key of the same tag");
        assert!(!matches(&ds, "example", &signer.with_flags(0x0100)), "other flags");
        for wrong in [
            Ds { key_tag: ds.key_tag.wrapping_add(1), ..ds.clone() },
            Ds { algorithm: 13, ..ds.clone() },
            Ds { digest_type: 3, ..ds.clone() },
            Ds { digest: ds.digest.slice(1..), ..ds.clone() },
        ] {
            assert!(!matches(&wrong, "example", &signer.key), "{wrong:?}");
        }
    }
    assert_eq!(Ds::read(&Bytes::from_static(&[0, 1, 15])), None, "truncated");
}

#[test]
fn sha1_is_ignored_beside_a_stronger_digest() {
    let key = Signer::new("example", 15, 1).key;
    let of = |digest_types: &[u8]| {
        let records: Vec<Vec<u8>> = digest_types
            .iter()
            .map(|digest_type| ds_rdata("example", &key, *digest_type))
            .collect();
        match usable_ds(&ds_rrset(&records)) {
            UsableDs::Ds(ds) => Ok(ds.iter().map(|ds| ds.digest_type).collect()),
            UsableDs::Unsupported(algorithm) => Err(algorithm),
        }
    };
    assert_eq!(of(&[1]), Ok(vec![1]));
    assert_eq!(of(&[1, 2]), Ok(vec![2]));
    assert_eq!(of(&[4, 1, 2]), Ok(vec![4, 2]));
    assert_eq!(of(&[1, 3]), Ok(vec![1]), "an unknown digest is not stronger");
    assert_eq!(of(&[3, 200]), Err(None), "the zone is insecure");
}

#[test]
fn a_zone_with_only_unknown_algorithms_is_insecure() {
    let key = Signer::new("example", 15, 1).key;
    let unknown = Dnskey { algorithm: 200, ..key.clone() };
    let records = [ds_rdata("example", &unknown, 2)];
    assert_eq!(usable_ds(&ds_rrset(&records)), UsableDs::Unsupported(Some(200)));
    let records = [ds_rdata("example", &unknown, 2), ds_rdata("example", &key, 2)];
    let UsableDs::Ds(usable) = usable_ds(&ds_rrset(&records)) else { panic!("one is known") };
    assert_eq!(usable, [ds("example", &key, 2)]);
}

#[test]
fn entry_points_are_matching_keys_that_may_sign() {
    let zone = parsed("example");
    let (signer, other) = (Signer::new("example", 15, 1), Signer::new("example", 15, 2));
    let vouched = [ds("example", &signer.key, 2)];
    let keys = [other.key.clone(), signer.key.clone()];
    assert_eq!(entry_points(&zone, &vouched, &keys), Ok(vec![signer.key.clone()]));
    let no_match = entry_points(&zone, &vouched, &keys[..1]);
    assert_eq!(no_match, Err(BogusReason::NoMatchingDs));
    for flags in [KSK | REVOKED, 0x0001] {
        let key = signer.with_flags(flags);
        let vouched = [ds("example", &key, 2)];
        let unusable = entry_points(&zone, &vouched, &[key]);
        assert_eq!(unusable, Err(BogusReason::UnusableKey), "{flags:04x}");
    }
}
