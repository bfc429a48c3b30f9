use proptest::prelude::*;

use zoners_http3::{Field, Http3Fault, MAX_FIELDS, MAX_SECTION, append_fields, read_fields};

/// Reads a string in Huffman's code, as the value of a `:path`.
fn decoded(encoded: &[u8]) -> Result<String, Http3Fault> {
    let head = [0x00, 0x00, 0x51, 0x80 | u8::try_from(encoded.len()).unwrap()];
    let fields = read_fields(&[&head[..], encoded].concat())?;
    Ok(String::from_utf8(fields[0].value.clone()).unwrap())
}

/// The octets of a hexadecimal text.
fn octets(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

fn field(name: &str, value: &str) -> Field {
    Field { name: name.into(), value: value.into() }
}

/// A section of one field with a literal name of one octet and a value of `length` octets.
fn long_field(length: usize) -> Vec<u8> {
    let mut section = Vec::new();
    append_fields([(&b"x"[..], &vec![b'v'; length][..])], &mut section);
    section
}

#[test]
fn huffman_code_is_that_of_rfc_7541() {
    let host = [0xF1, 0xE3, 0xC2, 0xE5, 0xF2, 0x3A, 0x6B, 0xA0, 0xAB, 0x90, 0xF4, 0xFF];
    assert_eq!(decoded(&host).unwrap(), "www.example.com");
    assert_eq!(decoded(&[0xA8, 0xEB, 0x10, 0x64, 0x9C, 0xBF]).unwrap(), "no-cache");
    let value = [0x25, 0xA8, 0x49, 0xE9, 0x5B, 0xB8, 0xE8, 0xB4, 0xBF];
    assert_eq!(decoded(&value).unwrap(), "custom-value");
    assert_eq!(decoded(&[]).unwrap(), "");
}

#[test]
fn every_octet_has_the_code_that_hpack_of_python_gives() {
    let encoded = octets(include_str!("every_octet.hex"));
    let length = encoded.len() - 127;
    let length = [0xFF, (length & 0x7F) as u8 | 0x80, (length >> 7) as u8];
    let section = [&[0x00, 0x00, 0x51], &length[..], &encoded].concat();
    let every: Vec<u8> = (0..=255).collect();
    assert_eq!(read_fields(&section).unwrap()[0].value, every);
}

/// Written by pylsqpack (ls-qpack, as aioquic has it) without a dynamic table.
#[test]
fn fields_of_ls_qpack_are_read() {
    let section = octets(
        "0000d1d7508892a42e5f23a6ba0b51ae624a90b76b4b67aff24a910430c3761861bb0c30c30c30c30b32\
         332789282e2c29262f34422d3de3d90c30ec86efde5f5088198fdad31180ae2f2cf2b1e493057e7c7d7b5e",
    );
    let expected = [
        field(":method", "GET"),
        field(":scheme", "https"),
        field(":authority", "dns.example"),
        field(":path", "/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"),
        field("accept", "application/dns-message"),
        field("user-agent", "aioquic/1.2"),
        field("x-odd", "~|}{^"),
    ];
    assert_eq!(read_fields(&section).unwrap(), expected);
}

#[test]
fn bad_ends_of_a_huffman_string_are_refused() {
    // Padding of zeros, a whole octet of padding, and the end symbol.
    for encoded in [&[0x18][..], &[0xA8, 0xEB, 0x10, 0x64, 0x9C, 0xBF, 0xFF], &[0xFF; 4]] {
        assert_eq!(decoded(encoded), Err(Http3Fault::Compression));
    }
}

#[test]
fn literal_with_a_known_name_is_that_of_rfc_9204() {
    let section = b"\x00\x00\x51\x0b/index.html";
    assert_eq!(read_fields(section).unwrap(), [field(":path", "/index.html")]);
    let mut written = Vec::new();
    append_fields([(&b":path"[..], &b"/index.html"[..])], &mut written);
    assert_eq!(written, section);
}

#[test]
fn dynamic_table_is_refused() {
    let sections: [&[u8]; 7] = [
        &[0x02, 0x00, 0xD1],       // Insertions are required.
        &[0x00, 0x80, 0xD1],       // A base below zero.
        &[0x00, 0x00, 0x80],       // The dynamic table.
        &[0x00, 0x00, 0x40, 0x00], // A name in the dynamic table.
        &[0x00, 0x00, 0x10],       // Behind the base.
        &[0x00, 0x00, 0x00, 0x00], // A name behind the base.
        &[0x00, 0x00, 0xFF, 0x24], // Index 99, one too many.
    ];
    for section in sections {
        assert_eq!(read_fields(section), Err(Http3Fault::Compression), "{section:x?}");
    }
    assert_eq!(
        read_fields(&[0x00, 0x00, 0xFF, 0x23]).unwrap(),
        [field("x-frame-options", "sameorigin")]
    );
}

#[test]
fn integer_beyond_62_bits_is_refused() {
    let mut section = vec![0x00, 0x00, 0xFF];
    section.extend([0x80; 9]);
    section.push(0x00);
    assert_eq!(read_fields(&section), Err(Http3Fault::Compression));
}

#[test]
fn fields_are_bounded() {
    let lines = |number| [vec![0x00, 0x00], vec![0xD1; number]].concat();
    assert_eq!(read_fields(&lines(MAX_FIELDS)).unwrap().len(), MAX_FIELDS);
    assert_eq!(read_fields(&lines(MAX_FIELDS + 1)), Err(Http3Fault::TooManyFields));
    let longest = MAX_SECTION - 33;
    assert_eq!(read_fields(&long_field(longest)).unwrap()[0].value.len(), longest);
    assert_eq!(read_fields(&long_field(longest + 1)), Err(Http3Fault::SectionTooLong));
}

proptest! {
    #[test]
    fn fields_are_read_as_written(
        pairs in prop::collection::vec(("[a-z:-]{0,40}", ".{0,40}"), 0..MAX_FIELDS)
    ) {
        let mut section = Vec::new();
        append_fields(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())), &mut section);
        let expected: Vec<_> = pairs.iter().map(|(name, value)| field(name, value)).collect();
        prop_assert_eq!(read_fields(&section).unwrap(), expected);
    }

    #[test]
    fn any_octets_are_fields_within_the_limits_or_a_fault(octets: Vec<u8>) {
        let section = [&[0x00, 0x00], &octets[..]].concat();
        if let Ok(fields) = read_fields(&section) {
            prop_assert!(fields.len() <= MAX_FIELDS);
        }
    }
}
