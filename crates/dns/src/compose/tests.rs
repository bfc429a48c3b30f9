use super::*;
use crate::{Message, Question, Records, name, zonefile};

fn question() -> Question {
    Question::new(name::parse("www.example.test").unwrap(), Rtype::A)
}

fn reply<'a>(question: &'a Question, answer: &'a [RRset]) -> Response<'a> {
    Response {
        question,
        rcode: OptRcode::NOERROR,
        flags: ResponseFlags { aa: true, ra: true, ..ResponseFlags::default() },
        answer,
        authority: &[],
        additional: &[],
        signatures: true,
    }
}

fn sets(text: &str) -> Vec<RRset> {
    zonefile::parse(text, &name::parse("example.test").unwrap()).unwrap()
}

fn texts(count: u16) -> RRset {
    let texts: Records = (0..count).map(|i| [&[2], &i.to_be_bytes()[..]].concat()).collect();
    RRset::new(question().name, Rtype::TXT, 60, texts)
}

#[test]
fn types_with_names_in_rdata_read_back() {
    let answer = sets(
        "@ 60 SOA ns1 host 1 2 3 4 5\n@ NS ns1\n@ NS ns2.other.test.\nalias CNAME www\nold DNAME new\n\
         @ MX 10 mail\n@ MX 20 .\n_x._tcp SRV 1 2 3 mail\n@ HTTPS 1 www alpn=h2\np PTR www\n. NS ns1\n",
    );
    let question = question();
    let octets = compose(&reply(&question, &answer));
    let message = Message::parse(&octets.clone().into()).unwrap();
    assert_eq!(message.answer, answer);
    assert!(message.header.aa() && message.header.ra() && !message.header.tc());
    let names = answer.iter().map(RRset::octets).sum::<usize>();
    assert!(octets.len() < names + 10 * 12, "{} octets: names are compressed", octets.len());
}

#[test]
fn names_beyond_the_reach_of_pointers_are_not_compressed() {
    let far = |number| sets(&format!("far{number} 60 A 192.0.2.1\nfar{number} A 192.0.2.2\n"));
    let answer: Vec<RRset> =
        [vec![texts(1_200)], far(1), far(2), far(1)].into_iter().flatten().collect();
    let question = question();
    let message = Message::parse(&compose(&reply(&question, &answer)).into()).unwrap();
    // The first and the last RRset have one owner, and are merged.
    assert_eq!(message.answer, answer[..3]);
}

#[test]
fn owners_point_to_a_name_and_not_to_a_pointer() {
    let answer =
        sets("alias 60 CNAME host\nhost A 192.0.2.1\nhost A 192.0.2.2\nhost A 192.0.2.3\n");
    let question = question();
    let octets = compose(&reply(&question, &answer));
    let ttls = crate::packet::ttl_offsets(&octets).unwrap();
    let owners = ttls[1..].iter().map(|at| &octets[usize::from(*at) - 6..][..2]);
    let owners: Vec<[u8; 2]> = owners.map(|owner| owner.try_into().unwrap()).collect();
    assert!(owners.iter().all(|owner| *owner == owners[0]), "{owners:?}");
    let target = usize::from(u16::from_be_bytes(owners[0]) & 0x3FFF);
    assert_eq!(octets[target..target + 5], *b"\x04host");
}

#[test]
fn records_without_room_are_omitted_and_tc_is_set() {
    let (question, set) = (question(), texts(5));
    let whole = compose(&reply(&question, std::slice::from_ref(&set)));
    let record = 12 + 3;
    for (most, records) in [(whole.len(), 5), (whole.len() - 1, 4), (whole.len() - record, 4)] {
        let octets = compose_within(&reply(&question, std::slice::from_ref(&set)), most);
        assert!(octets.len() <= most);
        let message = Message::parse(&octets.into()).unwrap();
        assert_eq!(message.answer[0].records.len(), records);
        assert_eq!(message.header.tc(), records < 5);
    }
    let all = compose(&reply(&question, &[texts(5_000)]));
    assert!(all.len() <= usize::from(u16::MAX) && all[2] & 0x02 != 0);
}

/// An answer whose records belong to QNAME takes no search for names, and is the message that a search makes.
#[test]
fn an_answer_of_qname_alone_is_as_with_a_search_for_names() {
    let addresses = sets("www 60 A 192.0.2.1\nwww A 192.0.2.2\nwww TXT text\n");
    let at_root = sets(". 60 TXT text\n. TXT more\n");
    let mixed = sets("www 60 A 192.0.2.1\nmail TXT text\n");
    let root = Question::new(name::root(), Rtype::TXT);
    let asked_otherwise = Question::new(name::parse("wWw.example.test").unwrap(), Rtype::A);
    let question = question();
    for (question, answer) in [
        (&question, &addresses),
        (&question, &vec![]),
        (&question, &mixed),
        (&asked_otherwise, &addresses),
        (&root, &at_root),
    ] {
        let reply = reply(question, answer);
        let searched = write(&reply, HashCompressor::new(vec![]), usize::from(u16::MAX)).unwrap();
        assert_eq!(compose(&reply), searched.into_target(), "{question}");
    }
}
