use super::*;
use crate::compose::{Response, ResponseFlags, compose};
use crate::name;
use crate::rrset::Records;
use crate::targets::Targets;
use proptest::prelude::*;

fn question(text: &str, rtype: Rtype) -> Question {
    Question::new(name::parse(text).unwrap(), rtype)
}

fn a(owner: &str, last: &[u8]) -> RRset {
    let records = last.iter().map(|last| [192, 0, 2, *last]).collect();
    RRset::new(name::parse(owner).unwrap(), Rtype::A, 300, records)
}

fn wire(question: &Question, answer: &[RRset]) -> Bytes {
    let reply = Response {
        question,
        rcode: OptRcode::NOERROR,
        flags: ResponseFlags { ra: true, ..ResponseFlags::default() },
        answer,
        authority: &[],
        additional: &[],
        signatures: true,
    };
    Bytes::from(compose(&reply))
}

#[test]
fn a_composed_message_reads_back() {
    let question = question("www.example.test", Rtype::A);
    let target = name::parse("host.example.test").unwrap();
    let alias = RRset::naming(question.name.clone(), Rtype::CNAME, 60, &target);
    let answer = [alias, a("host.example.test", &[1, 2, 3])];
    let message = Message::parse(&wire(&question, &answer)).unwrap();
    assert_eq!(message.answer, answer);
    assert_eq!(message.question, Some(question));
    assert!(message.header.qr() && message.header.ra() && !message.header.aa());
}

#[test]
fn the_rcode_has_upper_bits_in_the_opt_record() {
    let mut octets = wire(&question("www.example.test", Rtype::A), &[]).to_vec();
    octets[3] |= 7;
    octets[11] = 1;
    // The root, OPT, 1232 octets, 1 for the upper bits, version 0, no flags, no options.
    octets.extend([0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0]);
    let message = Message::parse(&octets.into()).unwrap();
    assert_eq!(message.rcode, OptRcode::masked_from_int((1 << 4) | 7));
    assert_eq!(message.edns.unwrap().udp_payload_size, 1232);
}

#[test]
fn owners_differing_in_case_are_one_rrset() {
    let question = question("www.example.test", Rtype::A);
    let answer = [a("www.example.test", &[1]), a("WWW.example.test", &[2, 1])];
    let message = Message::parse(&wire(&question, &answer)).unwrap();
    assert_eq!(message.answer.len(), 1);
    assert_eq!(message.answer[0].records.len(), 2, "the duplicate is gone");
}

#[test]
fn an_rrset_has_as_many_records_as_a_message_holds() {
    let question = question("many.test", Rtype::TXT);
    let texts: Records = (0..4_000).map(|i: u16| [&[2], &i.to_be_bytes()[..]].concat()).collect();
    let set = RRset::new(question.name.clone(), Rtype::TXT, 1, texts);
    let octets = wire(&question, std::slice::from_ref(&set));
    assert!(octets.len() > 60_000);
    assert_eq!(Message::parse(&octets).unwrap().answer[0], set);
}

#[test]
fn a_large_rrset_has_no_duplicates_either() {
    let question = question("twice.test", Rtype::TXT);
    for distinct in [2u16, 1_000] {
        let texts = (0..3_000).map(|i: u16| [&[2], &(i % distinct).to_be_bytes()[..]].concat());
        let set = RRset::new(question.name.clone(), Rtype::TXT, 1, texts.collect());
        let message = Message::parse(&wire(&question, &[set])).unwrap();
        assert_eq!(message.answer[0].records.len(), usize::from(distinct));
    }
}

#[test]
fn rrsets_and_owner_names_have_limits() {
    let question = question("n0.test", Rtype::A);
    // `owners` names with `types` types each.
    let parse = |owners: usize, types: usize| {
        let of = |number: usize| (number % owners, (number / owners) as u16);
        let set = |(owner, rtype): (usize, u16)| {
            let owner = name::parse(&format!("n{owner}.test")).unwrap();
            RRset::new(owner, Rtype::from_int(65_280 + rtype), 1, Records::from_iter([b"x"]))
        };
        let sets: Vec<RRset> = (0..owners * types).map(|number| set(of(number))).collect();
        Message::parse(&wire(&question, &sets)).map(|message| message.answer.len())
    };
    assert_eq!(parse(MAX_OWNERS, 2), Ok(MAX_RRSETS));
    assert_eq!(parse(MAX_OWNERS + 1, 1), Ok(MAX_OWNERS + 1), "one of them is the question's");
    assert_eq!(parse(MAX_OWNERS + 2, 1), Err(MessageError::TooManyRRsets), "owner names");
    assert_eq!(parse(MAX_RRSETS / 4, 4), Ok(MAX_RRSETS));
    assert_eq!(parse(MAX_RRSETS / 4 + 1, 4), Err(MessageError::TooManyRRsets), "RRsets");
}

#[test]
fn rrsets_of_signatures_count_among_the_rrsets() {
    let question = question("n0.test", Rtype::A);
    let parse = |types: u16| {
        let set = |number: u16| {
            let rtype = Rtype::from_int(65_000 + number);
            let mut rrsig = [0; 20];
            rrsig[..2].copy_from_slice(&rtype.to_int().to_be_bytes());
            let signatures = Records::from_iter([rrsig]);
            let records = Records::from_iter([b"x"]);
            RRset { signatures, ..RRset::new(question.name.clone(), rtype, 1, records) }
        };
        let sets: Vec<RRset> = (0..types).map(set).collect();
        Message::parse(&wire(&question, &sets)).map(|message| message.answer.len())
    };
    let half = MAX_RRSETS / 2;
    assert_eq!(parse(half as u16), Ok(half));
    assert_eq!(parse(half as u16 + 1), Err(MessageError::TooManyRRsets));
}

#[test]
fn malformed_rdata_is_rejected_except_in_the_additional_section() {
    let question = question("broken.test", Rtype::A);
    let good = wire(&question, &[a("broken.test", &[1])]).to_vec();
    // Counts the record in another section.
    let broken_in = |count: usize| {
        let mut octets = good.clone();
        let rdlength = octets.len() - 5;
        octets[rdlength] = 3;
        octets.pop();
        (octets[7], octets[count]) = (0, 1);
        Message::parse(&Bytes::from(octets))
    };
    assert_eq!(broken_in(7).err(), Some(MessageError::Rdata), "answer");
    assert_eq!(broken_in(9).err(), Some(MessageError::Rdata), "authority");
    assert!(broken_in(11).unwrap().additional.rrsets_of_all().is_empty());
}

#[test]
fn a_record_of_another_class_is_rejected() {
    let question = question("class.test", Rtype::A);
    let mut octets = wire(&question, &[a("class.test", &[1])]).to_vec();
    // The class stands before TTL, length and the address.
    let class = octets.len() - 4 - 2 - 4 - 1;
    octets[class] = 3;
    assert_eq!(Message::parse(&Bytes::from(octets)).err(), Some(MessageError::Rdata));
}

#[test]
fn two_opt_records_are_rejected() {
    let question = question("opt.test", Rtype::A);
    let mut octets = wire(&question, &[]).to_vec();
    crate::compose::add_opt(&mut octets, &crate::ResponseOpt::default());
    assert!(Message::parse(&Bytes::from(octets.clone())).unwrap().edns.is_some());
    crate::compose::add_opt(&mut octets, &crate::ResponseOpt::default());
    assert_eq!(Message::parse(&Bytes::from(octets)).err(), Some(MessageError::Edns));
}

#[test]
fn forward_and_looping_pointers_are_rejected() {
    for pointer in [12u8, 14] {
        let octets = [0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, pointer, 0, 1, 0, 1];
        assert!(Message::parse(&Bytes::copy_from_slice(&octets)).is_err());
    }
}

#[test]
fn counts_larger_than_the_message_are_rejected_before_reading() {
    let mut octets = wire(&question("count.test", Rtype::A), &[a("count.test", &[1])]).to_vec();
    for count in [6, 8, 10] {
        let counted = octets[count + 1];
        octets[count] = 0xFF;
        let parsed = Message::parse(&octets.clone().into()).err();
        assert_eq!(parsed, Some(MessageError::Structure));
        (octets[count], octets[count + 1]) = (0, counted);
    }
    let counts_alone = [0, 0, 0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    let parsed = Message::parse(&Bytes::copy_from_slice(&counts_alone)).err();
    assert_eq!(parsed, Some(MessageError::Structure));
}

#[test]
fn parsing_stops_at_the_first_record_beyond_a_limit() {
    let question = question("n0.test", Rtype::A);
    let set = |number: usize| a(&format!("n{number}.test"), &[1]);
    let sets: Vec<RRset> = (0..MAX_OWNERS + 2).map(set).collect();
    let mut octets = wire(&question, &sets).to_vec();
    // The octets after the limit are not a record.
    octets[7] += 1;
    octets.extend([0x40; 20]);
    assert_eq!(Message::parse(&octets.into()).err(), Some(MessageError::TooManyRRsets));
}

#[test]
fn signatures_beyond_the_limit_are_dropped_unless_asked_for() {
    let rrsig = |number: u16| [&[0, 1][..], &[0; 16], &[0], &number.to_be_bytes()].concat();
    for (asked, kept) in [(Rtype::A, MAX_SIGNATURES), (Rtype::RRSIG, 100)] {
        let question = question("signed.test", asked);
        let set = RRset { signatures: (0..100).map(rrsig).collect(), ..a("signed.test", &[1]) };
        let message = Message::parse(&wire(&question, &[set])).unwrap();
        assert_eq!(message.answer[0].signatures.len(), kept);
        assert_eq!(message.dropped_signatures, 100 - kept);
    }
}

#[test]
fn addresses_of_given_names_are_read_from_the_additional_section() {
    let question = question("www.test", Rtype::A);
    let ns = RRset::naming(question.name.clone(), Rtype::NS, 60, &a("NS.test", &[]).owner);
    let signatures = Records::from_iter([[&[0, 1][..], &[0; 16], &[0]].concat()]);
    let glue = RRset { signatures, ..a("ns.test", &[1, 2]) };
    let text = RRset { rtype: Rtype::TXT, records: Records::from_iter([b"\x01x"]), ..glue.clone() };
    let reply = Response {
        question: &question,
        rcode: OptRcode::NOERROR,
        flags: ResponseFlags::default(),
        answer: std::slice::from_ref(&ns),
        authority: &[],
        additional: &[a("other.test", &[3]), glue.clone(), text],
        signatures: true,
    };
    let message = Message::parse(&compose(&reply).into()).unwrap();
    let servers = Targets::first(&ns, 1);
    assert_eq!(message.additional.addresses_of(&servers), [glue]);
    assert!(message.additional.has_addresses());
    assert_eq!(message.additional.rrsets_of_all().len(), 3);
    assert!(message.additional.addresses_of(&Targets::default()).is_empty());
}

proptest! {
    #[test]
    fn parsing_never_panics(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Message::parse(&Bytes::from(octets));
    }

    #[test]
    fn parsing_a_changed_message_never_panics(at in 0usize..200, to in any::<u8>()) {
        let question = question("www.example.test", Rtype::A);
        let mut octets = wire(&question, &[a("www.example.test", &[1, 2]), a("b.test", &[3])]).to_vec();
        let at = at % octets.len();
        octets[at] = to;
        if let Ok(message) = Message::parse(&Bytes::from(octets)) {
            prop_assert!(message.answer.iter().all(|set| !set.records.is_empty()));
        }
    }
}
