use super::*;
use crate::compose::{Flags, Reply, compose};
use crate::name;
use proptest::prelude::*;

fn question(text: &str, rtype: Rtype) -> Question {
    Question::new(name::parse(text).unwrap(), rtype)
}

fn a(owner: &str, last: &[u8]) -> RRset {
    let records = last.iter().map(|last| [192, 0, 2, *last]).collect();
    RRset::new(name::parse(owner).unwrap(), Rtype::A, 300, records)
}

fn wire(question: &Question, answer: &[RRset]) -> Bytes {
    let reply = Reply {
        question,
        rcode: OptRcode::NOERROR,
        flags: Flags { ra: true, ..Flags::default() },
        answer,
        authority: &[],
        additional: &[],
        signatures: true,
    };
    Bytes::from(compose(&reply))
}

#[test]
fn what_is_composed_reads_back() {
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
fn an_rrset_has_a_largest_size() {
    let question = question("many.test", Rtype::TXT);
    let texts = |count: usize| -> Records {
        (0..count).map(|i| vec![2, (i >> 8) as u8, i as u8]).collect()
    };
    let set = |count| [RRset::new(question.name.clone(), Rtype::TXT, 1, texts(count))];
    assert!(Message::parse(&wire(&question, &set(MAX_RECORDS_PER_RRSET))).is_ok());
    let over = Message::parse(&wire(&question, &set(MAX_RECORDS_PER_RRSET + 1)));
    assert_eq!(over.err(), Some(Malformed::TooManyRecords));
}

#[test]
fn records_with_broken_rdata_are_left_out() {
    let question = question("broken.test", Rtype::A);
    let mut octets = wire(&question, &[a("broken.test", &[1])]).to_vec();
    let rdlength = octets.len() - 5;
    octets[rdlength] = 3;
    octets.pop();
    let message = Message::parse(&Bytes::from(octets)).unwrap();
    assert!(message.answer.is_empty());
}

#[test]
fn two_opts_are_refused() {
    let question = question("opt.test", Rtype::A);
    let mut octets = wire(&question, &[]).to_vec();
    crate::compose::add_opt(&mut octets, &crate::ReplyOpt::default());
    assert!(Message::parse(&Bytes::from(octets.clone())).unwrap().edns.is_some());
    crate::compose::add_opt(&mut octets, &crate::ReplyOpt::default());
    assert_eq!(Message::parse(&Bytes::from(octets)).err(), Some(Malformed::Edns));
}

#[test]
fn forward_and_looping_pointers_are_refused() {
    for pointer in [12u8, 14] {
        let octets = [0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, pointer, 0, 1, 0, 1];
        assert!(Message::parse(&Bytes::copy_from_slice(&octets)).is_err());
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Message::parse(&Bytes::from(octets));
    }

    #[test]
    fn no_change_of_a_good_message_makes_it_panic(at in 0usize..200, to in any::<u8>()) {
        let question = question("www.example.test", Rtype::A);
        let mut octets = wire(&question, &[a("www.example.test", &[1, 2]), a("b.test", &[3])]).to_vec();
        let at = at % octets.len();
        octets[at] = to;
        if let Ok(message) = Message::parse(&Bytes::from(octets)) {
            prop_assert!(message.answer.iter().all(|set| !set.records.is_empty()));
        }
    }
}
