use super::*;
use domain::base::name::{ParsedName, ToName};
use domain::dep::octseq::Parser;
use proptest::prelude::*;

fn read(octets: &[u8], at: usize) -> Result<(Name, usize), MessageError> {
    let mut flat = FlatName::EMPTY;
    let end = NameReader::new(octets).read(at, &mut flat)?;
    Ok((flat.to_name(), end))
}

/// The same name, read by the parser of `domain`.
fn parsed(octets: &[u8], at: usize) -> Option<(Name, usize)> {
    let mut parser = Parser::from_ref(octets);
    parser.advance(at).ok()?;
    let name = ParsedName::<&[u8]>::parse(&mut parser).ok()?;
    Some((name.to_name(), parser.pos()))
}

/// A chain of names, each a label and a pointer to the name before. Returns the offset of the last
/// name.
fn chain(labels: usize) -> (Vec<u8>, usize) {
    let mut octets = vec![0; 12];
    octets.extend([1, b'x', 0]);
    let mut last = 12;
    for _ in 1..labels {
        let here = octets.len();
        octets.extend([1, b'x', 0xC0 | (last >> 8) as u8, last as u8]);
        last = here;
    }
    (octets, last)
}

#[test]
fn a_pointer_for_each_label_is_read() {
    // 34 labels: the longest names below ip6.arpa. 127 labels: the longest possible name.
    for labels in [34, 127] {
        let (octets, last) = chain(labels);
        let (name, end) = read(&octets, last).unwrap();
        assert_eq!((name.label_count(), end), (labels + 1, octets.len()));
    }
    let (octets, last) = chain(128);
    assert_eq!(read(&octets, last), Err(MessageError::Structure), "longer than a name");
}

#[test]
fn more_pointers_than_the_limit_are_rejected() {
    // Pointers to pointers, up to the limit and one more.
    let read_over = |pointers: usize| {
        let mut octets = vec![0; 13];
        for number in 0..pointers {
            let target = if number == 0 { 12 } else { 13 + 2 * (number - 1) };
            octets.extend([0xC0 | (target >> 8) as u8, target as u8]);
        }
        let last = octets.len() - 2;
        read(&octets, last).map(|(name, _)| name.is_root())
    };
    assert_eq!(read_over(MAX_POINTERS), Ok(true));
    assert_eq!(read_over(MAX_POINTERS + 1), Err(MessageError::Compression));
}

#[test]
fn the_cost_of_all_names_has_a_limit_in_proportion_to_the_message() {
    let (mut octets, last) = chain(100);
    for room in [0, 30_000] {
        octets.resize(octets.len() + room, 0);
        let (mut names, mut flat) = (NameReader::new(&octets), FlatName::EMPTY);
        // The name has 100 labels of one letter, 99 pointers and the root label.
        let fit = (BASE_COST + COST_PER_OCTET * octets.len()) / (100 + COST_PER_STEP * 200);
        for _ in 0..fit {
            assert!(names.read(last, &mut flat).is_ok());
        }
        assert_eq!(names.read(last, &mut flat), Err(MessageError::Compression));
    }
}

#[test]
fn pointers_must_point_backwards() {
    for octets in [&[0xC0, 0][..], &[0xC0, 2, 0], &[1, b'a', 0xC0, 0]] {
        assert_eq!(read(octets, 0), Err(MessageError::Structure), "{octets:?}");
    }
    assert_eq!(read(&[0x40, 0], 0), Err(MessageError::Structure), "no label");
    assert_eq!(read(&[5, b'a'], 0), Err(MessageError::Structure), "torn");
}

proptest! {
    #[test]
    fn names_are_read_as_the_parser_of_domain_reads_them(
        octets in proptest::collection::vec(prop_oneof![0u8..4, Just(0xC0), any::<u8>()], 1..300),
        at in 0usize..300,
    ) {
        let at = at % octets.len();
        if let Ok(name) = read(&octets, at) {
            prop_assert_eq!(Some(name), parsed(&octets, at));
        }
    }

    #[test]
    fn well_compressed_names_are_read(names in names(), at in 0usize..8) {
        // Each name is written after the names before, and compressed as far as possible.
        let mut target = domain::base::message_builder::HashCompressor::new(vec![0u8; 12]);
        let mut starts = Vec::new();
        for name in &names {
            starts.push(AsRef::<[u8]>::as_ref(&target).len());
            domain::base::wire::Composer::append_compressed_name(&mut target, name).unwrap();
        }
        let octets = target.into_target();
        let at = at % names.len();
        prop_assert_eq!(read(&octets, starts[at]).unwrap().0, names[at].clone());
    }
}

fn names() -> impl Strategy<Value = Vec<Name>> {
    let labels = proptest::collection::vec("[a-c]{1,2}", 0..8);
    let name = labels.prop_map(|labels| name::parse(&format!("{}.", labels.join("."))).unwrap());
    proptest::collection::vec(name, 1..8)
}
