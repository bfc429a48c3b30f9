//! Local answers: authoritative for local names, and for no further names.

use crate::lab::{asked, lab_with, packet};
use zoners_dns::{Class, Message, RRset, Rtype, Transport, name};

#[tokio::test(start_paused = true)]
async fn local_answers_are_authoritative_and_no_others() {
    let lab = lab_with("local.records = [\"nas.lan. A 10.0.0.1\", \"web.lan. CNAME nas.lan.\"]\n");
    let aa = |reply: Message| (reply.header.aa(), reply.header.ra());
    for (text, rtype) in [
        ("nas.lan", Rtype::A),
        ("nas.lan", Rtype::MX),
        ("web.lan", Rtype::A),
        ("localhost", Rtype::A),
        ("1.0.0.127.in-addr.arpa", Rtype::PTR),
        ("gone.test", Rtype::A),
        ("_dns.resolver.arpa", Rtype::SVCB),
    ] {
        assert_eq!(aa(lab.ask(text, rtype, Transport::Udp).await), (true, true), "{text} {rtype}");
    }
    // Recursed, put together, finished; denied; a word instead of ANY; CHAOS.
    for _ in 0..3 {
        for (text, rtype) in [
            ("www.example.com", Rtype::A),
            ("gone.example.com", Rtype::A),
            ("www.example.com", Rtype::ANY),
        ] {
            assert_eq!(aa(lab.ask(text, rtype, Transport::Udp).await), (false, true), "{text}");
        }
    }
    let version = zoners_dns::Question { class: Class::CH, ..asked("version.bind", Rtype::TXT) };
    let reply = lab.send(&packet(&version, true), Transport::Udp).await.unwrap();
    assert!(!reply.header.aa());
}

#[tokio::test(start_paused = true)]
async fn a_local_answer_that_is_cut_is_authoritative_still() {
    let records: String =
        (0..200).map(|number| format!("\"many.lan. A 10.0.1.{number}\",")).collect();
    let lab = lab_with(&format!("local.records = [{records}]\n"));
    let reply = lab.ask("many.lan", Rtype::A, Transport::Udp).await;
    assert!(reply.header.aa() && reply.header.tc() && reply.answer.is_empty());
    let owner = name::parse("many.lan").unwrap();
    let whole: Vec<RRset> = lab.ask("many.lan", Rtype::A, Transport::Tcp).await.answer;
    assert_eq!((&whole[0].owner, whole[0].records.len()), (&owner, 200));
}

#[tokio::test(start_paused = true)]
async fn canaries_are_answered_where_a_key_says_so() {
    let names = ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"];
    for (config, answered) in [
        ("", &names[..0]),
        ("policy.firefox-canary = true\n", &names[..1]),
        ("policy.private-relay-canary = true\n", &names[1..]),
    ] {
        let lab = lab_with(config);
        for name in names {
            let reply = lab.ask(name, Rtype::A, Transport::Udp).await;
            assert_eq!(reply.header.aa(), answered.contains(&name), "{config}: {name}");
            assert!(reply.answer.is_empty());
        }
    }
}
