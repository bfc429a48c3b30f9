//! Rotates the addresses of a finished answer (RFC 1035 section 3.2.1 leaves the order open).

/// Octets of a record before RDATA, if the owner is a pointer: owner, type, class, TTL, RDLENGTH.
const RECORD_HEADER_OCTETS: usize = 12;
/// Octets of such a record before the TTL.
const TTL_OFFSET: usize = 6;

/// Rotates the first RRset with several adjacent address records. `turn` gets the number of records
/// and returns the rotation; `ttls` come from [`super::ttl_offsets`].
///
/// Records can swap places as octets: the lengths are equal, the owners are the same pointer, and
/// no name elsewhere points into an address record. RRSIG records sign RRsets in canonical order,
/// so signatures stay valid (RFC 4034 section 6.3).
pub fn rotate_addresses(
    message: &mut [u8],
    ttls: impl Iterator<Item = u16>,
    turn: impl FnOnce(usize) -> usize,
) {
    let (mut first, mut last, mut count) = (0, 0, 0);
    for at in ttls.map(usize::from) {
        if count > 0 && is_next(message, last, at) {
            count += 1;
        } else if count > 1 {
            break;
        } else {
            (first, count) = (at, 1);
        }
        last = at;
    }
    if count < 2 {
        return;
    }
    // The distance between TTLs is the length of a record.
    let record = (last - first) / (count - 1);
    let start = first - TTL_OFFSET;
    if let Some(records) = message.get_mut(start..start + count * record) {
        records.rotate_left(turn(count) % count * record);
    }
}

/// Whether the record with its TTL at `at` directly follows the record with its TTL at `last`, and
/// holds another address of the same name.
fn is_next(message: &[u8], last: usize, at: usize) -> bool {
    let length = match at - last {
        16 => 4_u8,
        28 => 16,
        _ => return false,
    };
    let head = |ttl: usize| {
        message.get(ttl.checked_sub(TTL_OFFSET)?..)?.first_chunk::<RECORD_HEADER_OCTETS>()
    };
    let (Some(one), Some(other)) = (head(last), head(at)) else { return false };
    // A pointer, then A or AAAA of class IN.
    let address = matches!((one[0], one[2], one[3], one[4], one[5]), (0xC0.., 0, 1 | 28, 0, 1));
    address && one == other && one[10..] == [0, length] && (one[3] == 1) == (length == 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::{Response, ResponseFlags, compose};
    use crate::packet::ttl_offsets;
    use crate::{Message, OptRcode, Question, RRset, Records, Rtype, name};
    use bytes::Bytes;
    use proptest::prelude::*;

    fn question(text: &str, rtype: Rtype) -> Question {
        Question::new(name::parse(text).unwrap(), rtype)
    }

    fn set(owner: &str, rtype: Rtype, count: u8) -> RRset {
        let octets = if rtype == Rtype::AAAA { 16 } else { 4 };
        let records: Records = (0..count).map(|number| vec![number; octets]).collect();
        RRset::new(name::parse(owner).unwrap(), rtype, 300, records)
    }

    fn wire(question: &Question, answer: &[RRset]) -> Vec<u8> {
        let (rcode, flags) = (OptRcode::NOERROR, ResponseFlags::default());
        let (authority, additional, signatures) = (&[][..], &[][..], true);
        compose(&Response { question, rcode, flags, answer, authority, additional, signatures })
    }

    fn rotated(mut message: Vec<u8>, by: usize) -> Message {
        let ttls = ttl_offsets(&message).unwrap();
        rotate_addresses(&mut message, ttls.into_iter(), |_| by);
        Message::parse(&Bytes::from(message)).unwrap()
    }

    /// The first octet of each record.
    fn order(set: &RRset) -> Vec<u8> {
        set.records.iter().map(|rdata| rdata[0]).collect()
    }

    #[test]
    fn addresses_are_rotated_and_nothing_else_changes() {
        for rtype in [Rtype::A, Rtype::AAAA] {
            let question = question("www.example.test", rtype);
            let target = name::parse("host.example.test").unwrap();
            let alias = RRset::naming(question.name.clone(), Rtype::CNAME, 60, &target);
            for answer in [
                vec![set("www.example.test", rtype, 3)],
                vec![alias, set("host.example.test", rtype, 3)],
            ] {
                for (by, expected) in [(0, [0, 1, 2]), (1, [1, 2, 0]), (5, [2, 0, 1])] {
                    let message = rotated(wire(&question, &answer), by);
                    let last = message.answer.last().unwrap();
                    assert_eq!(order(last), expected);
                    assert_eq!((&last.owner, last.ttl), (&answer.last().unwrap().owner, 300));
                    assert_eq!(message.answer.len(), answer.len());
                    assert_eq!(message.answer[0].owner, answer[0].owner);
                }
            }
        }
    }

    #[test]
    fn signatures_stay_after_their_rrset() {
        let question = question("www.example.test", Rtype::A);
        let signed = |rtype| {
            let rrsig = [&[0; 18][..], b"\x07example\x04test\x00", &[7; 64]].concat();
            RRset { signatures: Records::from_iter([rrsig]), ..set("www.example.test", rtype, 4) }
        };
        let mut set = signed(Rtype::A);
        let covered = |rdata: Bytes| [&[0, 1][..], &rdata[2..]].concat();
        set.signatures = set.signatures.iter().map(covered).collect();
        let message = rotated(wire(&question, &[set.clone()]), 3);
        assert_eq!(order(&message.answer[0]), [3, 0, 1, 2]);
        assert_eq!(message.answer[0].signatures, set.signatures);
    }

    #[test]
    fn other_records_stay_where_they_are() {
        let question = question("www.example.test", Rtype::A);
        for answer in [
            vec![set("www.example.test", Rtype::A, 1)],
            // Four octets, but no addresses.
            vec![set("www.example.test", Rtype::from_int(65_280), 3)],
            // Single addresses of several names, in both families.
            vec![
                set("a.example.test", Rtype::A, 1),
                set("b.example.test", Rtype::A, 1),
                set("b.example.test", Rtype::AAAA, 1),
            ],
            vec![],
        ] {
            let message = rotated(wire(&question, &answer), 1);
            assert_eq!(message.answer, answer);
        }
        // Names to which other names point.
        let names: Records = ["a.x.test", "b.x.test"]
            .iter()
            .map(|text| name::parse(text).unwrap().as_slice().to_vec())
            .collect();
        let ns = RRset::new(question.name.clone(), Rtype::NS, 60, names);
        let message = rotated(wire(&question, std::slice::from_ref(&ns)), 1);
        assert_eq!(message.answer, [ns]);
    }

    #[test]
    fn a_truncated_message_keeps_its_length() {
        let question = question("www.example.test", Rtype::A);
        let whole = wire(&question, &[set("www.example.test", Rtype::A, 9)]);
        let ttls = ttl_offsets(&whole).unwrap();
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            rotate_addresses(&mut cut, ttls.iter().copied(), |_| 1);
            assert_eq!(cut.len(), length);
        }
    }

    proptest! {
        #[test]
        fn rotating_never_panics(
            mut message in proptest::collection::vec(any::<u8>(), 0..80),
            mut ttls in proptest::collection::vec(0u16..90, 0..6),
        ) {
            ttls.sort_unstable();
            rotate_addresses(&mut message, ttls.into_iter(), |_| 1);
        }
    }
}
