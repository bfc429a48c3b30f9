use super::*;
use zoners_dns::compose::{Response, compose};
use zoners_dns::{Rtype, name};

fn question(text: &str) -> Question {
    Question::new(name::parse(text).unwrap(), Rtype::A)
}

fn reply(question: &Question, id: u16) -> Vec<u8> {
    let mut wire = compose(&Response::plain(question, &[]));
    wire[..2].copy_from_slice(&id.to_be_bytes());
    wire
}

fn verdict(octets: Vec<u8>) -> Match {
    matches(&Bytes::from(octets), 7, &question("www.example.test"))
}

#[test]
fn only_the_reply_to_the_query_matches() {
    assert!(matches!(verdict(reply(&question("WWW.example.test"), 7)), Match::Reply(_)));
    assert!(matches!(verdict(reply(&question("www.example.test"), 8)), Match::ForeignId));
    assert!(matches!(verdict(reply(&question("other.test"), 7)), Match::NoReply));
    let mut asked_back = reply(&question("www.example.test"), 7);
    asked_back[2] &= 0x7F;
    assert!(matches!(verdict(asked_back), Match::NoReply));
    let mut notify = reply(&question("www.example.test"), 7);
    notify[2] |= 4 << 3;
    assert!(matches!(verdict(notify), Match::NoReply), "another opcode");
    assert!(matches!(verdict(vec![0, 7, 0x80]), Match::Malformed(MessageError::Short)));
    assert!(matches!(verdict(vec![0, 7]), Match::Malformed(MessageError::Short)));
    assert!(matches!(verdict(vec![0, 8]), Match::ForeignId));
    assert!(matches!(verdict(vec![7]), Match::TooShort));
    assert!(matches!(verdict(vec![]), Match::TooShort));
}

#[test]
fn a_server_that_cannot_read_may_leave_the_question_out() {
    let formerr = |rcode| vec![0, 7, 0x80, rcode, 0, 0, 0, 0, 0, 0, 0, 0];
    assert!(matches!(verdict(formerr(1)), Match::Reply(_)));
    assert!(matches!(verdict(formerr(0)), Match::NoReply));
}
