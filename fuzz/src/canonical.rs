//! The canonical form of RDATA, of any type and torn in any way: the same whatever order the
//! records come in and however often.

use bytes::Bytes;
use zoners_dns::{RRset, Records, Rtype, name};
use zoners_dnssec::rrsig::Rrsig;
use zoners_dnssec::signed_data::compose;

/// Takes the type, then records, each with its length in front.
pub fn run(octets: &[u8]) {
    let Some((rtype, mut rest)) = octets.split_first_chunk::<2>() else { return };
    let rtype = Rtype::from_int(u16::from_be_bytes(*rtype));
    let mut records: Vec<&[u8]> = Vec::new();
    while let Some((length, after)) = rest.split_first() {
        let (record, after) = after.split_at(after.len().min((*length).into()));
        records.push(record);
        rest = after;
    }
    let owner = name::parse("Owner.zone.example").unwrap_or_else(|_| name::root());
    let mut rrsig = vec![0; 18];
    (rrsig[3], rrsig[8]) = (3, 0x7F);
    rrsig.extend_from_slice(b"\x04zone\x07example\x00");
    let Some(rrsig) = Rrsig::read(&Bytes::from(rrsig)) else { return };
    let composed = |records: &mut dyn Iterator<Item = &&[u8]>| {
        compose(&RRset::new(owner.clone(), rtype, 60, Records::from_iter(records)), &rrsig)
    };
    let once = composed(&mut records.iter());
    assert_eq!(once, composed(&mut records.iter().rev()));
    assert_eq!(once, composed(&mut records.iter().chain(&records)));
}
