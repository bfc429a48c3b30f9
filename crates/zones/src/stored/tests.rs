use std::sync::Arc;

use zoners_dns::{Name, ZoneRecord, name};

use super::*;
use crate::transfer::{TransferFault, VersionDraft};
use crate::{file, saved};

const MAX_OCTETS: u64 = 1 << 20;

fn apex() -> Name {
    name::parse("rpz.test").unwrap()
}

fn soa(serial: u32) -> String {
    format!("@ 3600 SOA ns host {serial} 3600 600 604800 60\n")
}

/// The records of a text, in canonical order.
fn records(text: &str) -> Vec<ZoneRecord> {
    file::load(&apex(), &format!("{}{text}", soa(1)), 1 << 20).unwrap().records().collect()
}

fn record(text: &str) -> ZoneRecord {
    records(text).into_iter().find(|record| record.rtype != Rtype::SOA).unwrap()
}

fn soa_record(serial: u32) -> ZoneRecord {
    file::load(&apex(), &soa(serial), 1 << 20).unwrap().records().next().unwrap()
}

fn stored(text: &str) -> StoredZone {
    let zone = file::load(&apex(), &format!("{}{text}", soa(1)), 1 << 20).unwrap();
    let mut octets = Vec::new();
    saved::write(&zone, &mut octets).unwrap();
    StoredZone::open(&apex(), Arc::new(octets)).unwrap()
}

/// The records of the version of a finished draft, in the order of the disk.
fn seen(finished: Result<Vec<u8>, TransferFault>) -> Result<String, TransferFault> {
    let zone = StoredZone::open(&apex(), Arc::new(finished?)).unwrap();
    let records: Vec<ZoneRecord> = zone.records().unwrap().map(Result::unwrap).collect();
    assert_eq!(zone.record_count(), records.len() as u64);
    let names = records.iter().skip(1).map(|record| record.owner.to_string());
    let names = names.collect::<Vec<_>>().join(" ").replace(".rpz.test", "");
    Ok(format!("{} {names}", zone.soa().serial))
}

/// The version after differences, each of a record that is added or removed.
fn changed(base: &StoredZone, differences: &[(bool, ZoneRecord)]) -> Result<String, TransferFault> {
    let mut draft = StoredDraft::of(base, Vec::new(), MAX_OCTETS).unwrap();
    draft.remove(&soa_record(1))?;
    draft.add(soa_record(2))?;
    for (is_added, record) in differences {
        match is_added {
            true => draft.add(record.clone())?,
            false => draft.remove(record)?,
        }
    }
    seen(draft.finish())
}

#[test]
fn a_version_tells_its_soa_and_is_read_again_and_again() {
    let zone = stored("a CNAME .\nb CNAME .\n");
    assert_eq!((zone.soa().serial, zone.record_count()), (1, 3));
    for _ in 0..2 {
        assert_eq!(zone.records().unwrap().count(), 3);
    }
}

#[test]
fn a_torn_or_foreign_place_is_no_version() {
    let mut octets = Vec::new();
    let zone = file::load(&apex(), &format!("{}a CNAME .\n", soa(1)), 1 << 20).unwrap();
    saved::write(&zone, &mut octets).unwrap();
    for end in 0..octets.len() {
        assert!(StoredZone::open(&apex(), Arc::new(octets[..end].to_vec())).is_err(), "{end}");
    }
    let other = name::parse("other.test").unwrap();
    assert!(StoredZone::open(&other, Arc::new(octets)).is_err());
}

#[test]
fn a_whole_zone_goes_to_the_disk_as_it_comes() {
    let mut draft = StoredDraft::whole(&apex(), Vec::new(), MAX_OCTETS).unwrap();
    draft.add(soa_record(7)).unwrap();
    draft.add(record("b CNAME .")).unwrap();
    draft.add(record("a CNAME .")).unwrap();
    assert_eq!(draft.remove(&record("a CNAME .")), Err(TransferFault::Diverges));
    assert_eq!(seen(draft.finish()).unwrap(), "7 b a");
    let mut small = StoredDraft::whole(&apex(), Vec::new(), 100).unwrap();
    small.add(soa_record(7)).unwrap();
    let fault = small.add(record("a CNAME .")).unwrap_err().to_string();
    assert_eq!(fault, "the zone takes more than 100 octets");
}

#[test]
fn differences_leave_what_they_do_not_name() {
    let base = stored("a CNAME .\nb CNAME .\nc CNAME .\n");
    let (a, d) = (record("a CNAME ."), record("d CNAME ."));
    assert_eq!(changed(&base, &[]).unwrap(), "2 a b c");
    assert_eq!(changed(&base, &[(false, a.clone()), (true, d.clone())]).unwrap(), "2 b c d");
    // Away and back, there and away; letters of either case are one name.
    assert_eq!(changed(&base, &[(false, a.clone()), (true, a.clone())]).unwrap(), "2 b c a");
    assert_eq!(changed(&base, &[(true, d.clone()), (false, d.clone())]).unwrap(), "2 a b c");
    assert_eq!(changed(&base, &[(false, record("A CNAME ."))]).unwrap(), "2 b c");
    // A record that is there already is there once.
    assert_eq!(changed(&base, &[(true, a)]).unwrap(), "2 b c a");
}

#[test]
fn a_removed_record_must_have_been_there() {
    let base = stored("a CNAME .\n");
    let (a, d) = (record("a CNAME ."), record("d CNAME ."));
    let diverges = Err(TransferFault::Diverges);
    assert_eq!(changed(&base, &[(false, d)]), diverges);
    assert_eq!(changed(&base, &[(false, record("a CNAME rpz-drop."))]), diverges);
    assert_eq!(changed(&base, &[(false, a.clone()), (false, a)]), diverges);
}

#[test]
fn differences_are_bounded() {
    let base = stored("a CNAME .\n");
    let mut draft = StoredDraft::of(&base, Vec::new(), MAX_OCTETS).unwrap();
    let label = "x".repeat(60);
    let add = |number: usize| record(&format!("n{number}.{label}.{label} CNAME ."));
    let octets = super::draft::octets_of(&add(100_000));
    let most = MAX_DIFFERENCE_OCTETS / octets;
    let first = (100_000..).take(most).map(add).map(|record| draft.add(record));
    assert_eq!(first.filter(Result::is_err).count(), 0);
    let fault = draft.add(add(100_000 + most)).unwrap_err();
    assert!(fault.needs_whole_zone() && fault.to_string().contains("of memory"), "{fault}");
}
