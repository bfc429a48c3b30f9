use super::*;
use bytes::Bytes;
use domain::base::ParsedRecord;
use domain::base::rdata::ComposeRecordData;
use proptest::prelude::*;

/// The RDATA, read by the parser of `domain`.
fn parsed(octets: &Bytes, at: usize) -> Option<Vec<u8>> {
    let mut parser = Parser::from_ref(octets);
    parser.advance(at).ok()?;
    let record = ParsedRecord::parse(&mut parser).ok()?;
    let record = record.to_any_record::<AllRecordData<Bytes, ParsedName<Bytes>>>().ok()?;
    let mut rdata = Vec::new();
    record.data().compose_rdata(&mut rdata).ok()?;
    Some(rdata)
}

fn written(octets: &[u8], at: usize) -> Result<Vec<u8>, MessageError> {
    let mut rdata = Vec::new();
    RawRecord::read(octets, at)?.write_rdata(&mut NameReader::new(octets), &mut rdata)?;
    Ok(rdata)
}

/// A message with a name at offset 12, a name at offset 15 and one record.
fn message(rtype: Rtype, rdata: &[u8]) -> (Bytes, usize) {
    let mut octets = vec![0; 12];
    octets.extend(b"\x01a\x00\x02bc\xC0\x0C");
    let at = octets.len();
    octets.extend([0xC0, 15]);
    octets.extend(rtype.to_int().to_be_bytes());
    octets.extend([0, 1, 0, 0, 0, 60]);
    octets.extend((rdata.len() as u16).to_be_bytes());
    octets.extend(rdata);
    (octets.into(), at)
}

const TYPES: &[u16] = &[
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 28, 33, 35, 39, 43, 44, 46, 47, 48,
    50, 51, 52, 59, 60, 61, 63, 64, 65, 99, 257, 65_280,
];

/// RDATA made of pieces: plain and compressed names, numbers, strings and octets.
fn rdata() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\xC0\x0C".to_vec()),
        Just(b"\x02de\xC0\x0F".to_vec()),
        Just(b"\x03www\x00".to_vec()),
        Just(vec![0]),
        Just(vec![0; 4]),
        Just(b"\x02hi".to_vec()),
        proptest::collection::vec(0u8..0x40, 0..9),
        proptest::collection::vec(0u8..0xC0, 16..22),
    ];
    proptest::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn rdata_is_written_as_the_parser_of_domain_writes_it(at in 0..TYPES.len(), rdata in rdata()) {
        let rtype = Rtype::from_int(TYPES[at]);
        let (octets, at) = message(rtype, &rdata);
        prop_assert_eq!(written(&octets, at).ok(), parsed(&octets, at), "{}", rtype);
    }
}

#[test]
fn names_in_rdata_are_uncompressed() {
    let name = b"\x02bc\x01a\x00";
    let cases = [
        (Rtype::NS, &b"\xC0\x0F"[..], name.to_vec()),
        (Rtype::MX, b"\x00\x05\xC0\x0F", [&b"\x00\x05"[..], name].concat()),
        (Rtype::NSEC, b"\xC0\x0F\x00\x01\x40", [name, &b"\x00\x01\x40"[..]].concat()),
        (Rtype::HTTPS, b"\x00\x01\xC0\x0F", [&b"\x00\x01"[..], name].concat()),
    ];
    for (rtype, rdata, expected) in cases {
        let (octets, at) = message(rtype, rdata);
        assert_eq!(written(&octets, at), Ok(expected), "{rtype}");
    }
}

#[test]
fn pointers_in_types_without_compression_are_rejected() {
    // The gateway of the IPSECKEY record is a pointer to the start of the RDATA.
    let (octets, at) = message(Rtype::IPSECKEY, b"\x00\x03\x00\xC0\x01\x00");
    assert_eq!(written(&octets, at), Err(MessageError::Rdata));
}
