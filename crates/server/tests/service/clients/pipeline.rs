//! The view of clients: octets of queries in, octets of responses out, over a simulated Internet.

use crate::lab::{asked, lab, lab_with, packet, with_options};
use zoners_dns::compose::{Response, compose};
use zoners_dns::{Class, Counter, EdeCode, Message, Opcode, OptRcode, Question, Rtype, Transport};
use zoners_server::Client;
use zoners_sim::{Link, Manner};

#[tokio::test(start_paused = true)]
async fn the_reply_mirrors_the_query_from_recursion_and_from_the_cache() {
    let lab = lab();
    for round in 0..3 {
        let reply = lab.ask("wWw.Example.COM", Rtype::A, Transport::Udp).await;
        let header = reply.header;
        assert_eq!(header.id(), 0xABCD);
        assert!(header.qr() && header.rd() && header.ra() && !header.aa() && !header.ad());
        assert_eq!(reply.question.unwrap().name.to_string(), "wWw.Example.COM");
        assert_eq!(reply.answer[0].owner.to_string(), "wWw.Example.COM");
        assert_eq!(reply.answer[0].ttl, 300 - round * 10, "TTLs count down");
        assert_eq!(reply.edns.unwrap().udp_payload_size, 1232);
        lab.clock.jump(std::time::Duration::from_secs(10));
    }
    assert_eq!((lab.count(Counter::ClientRecursed), lab.count(Counter::ClientCached)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn who_sends_no_opt_gets_none_and_at_most_512_octets() {
    let lab = lab();
    let question = asked("big.example.com", Rtype::TXT);
    let plain = lab.send(&packet(&question, false), Transport::Udp).await.unwrap();
    assert!(plain.edns.is_none() && plain.header.tc() && plain.answer.is_empty());
    let edns = lab.ask("big.example.com", Rtype::TXT, Transport::Udp).await;
    assert!(edns.header.tc(), "over 1232 octets");
    let tcp = lab.ask("big.example.com", Rtype::TXT, Transport::Tcp).await;
    assert_eq!((tcp.header.tc(), tcp.answer[0].records.len()), (false, 40));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_query_for_us_is_refused_or_dropped() {
    let lab = lab();
    let good = packet(&asked("www.example.com", Rtype::A), true);
    let changed = |at: usize, to: u8| {
        let mut packet = good.clone();
        packet[at] = to;
        packet
    };
    let rcode = |packet: Vec<u8>| {
        let lab = &lab;
        async move { lab.send(&packet, Transport::Udp).await.map(|reply| reply.rcode) }
    };
    assert_eq!(rcode(changed(2, 0x81)).await, None, "never an answer to an answer");
    assert_eq!(rcode(good[..9].to_vec()).await, None);
    assert_eq!(rcode(changed(5, 2)).await, Some(OptRcode::FORMERR));
    assert_eq!(rcode(changed(2, Opcode::NOTIFY.to_int() << 3)).await, Some(OptRcode::NOTIMP));
    let version = good.len() - 5;
    assert_eq!(rcode(changed(version, 1)).await, Some(OptRcode::BADVERS));
    let transfer = packet(&asked("example.com", Rtype::AXFR), true);
    assert_eq!(rcode(transfer).await, Some(OptRcode::REFUSED));
    let chaos = Question { class: Class::CH, ..asked("version.bind", Rtype::TXT) };
    assert_eq!(rcode(packet(&chaos, true)).await, Some(OptRcode::REFUSED));
    let mut no_rd = packet(&asked("www.example.com", Rtype::A), true);
    no_rd[2] = 0;
    assert_eq!(rcode(no_rd).await, Some(OptRcode::REFUSED));
    assert!(lab.net.sent().is_empty(), "nobody was asked");
}

#[tokio::test(start_paused = true)]
async fn only_those_who_may_ask_are_answered() {
    let packet = packet(&asked("localhost", Rtype::A), true);
    for (config, address, rcode) in [
        ("", "192.168.7.7", Some(OptRcode::NOERROR)),
        ("", "::ffff:127.0.0.1", Some(OptRcode::NOERROR)),
        ("", "203.0.113.9", Some(OptRcode::REFUSED)),
        ("[server]\nrefuse = \"drop\"\n", "203.0.113.9", None),
        ("[server]\nallow = [\"203.0.113.0/24\"]\n", "203.0.113.9", Some(OptRcode::NOERROR)),
        ("[server]\nallow = [\"203.0.113.0/24\"]\n", "127.0.0.1", Some(OptRcode::REFUSED)),
    ] {
        let client = Client::new(address.parse().unwrap(), Transport::Udp);
        let reply = lab_with(config).send_from(&packet, client).await;
        assert_eq!(reply.map(|reply| reply.rcode), rcode, "{config} {address}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_gets_a_word_and_chaos_what_is_configured() {
    let lab = lab_with("[server]\nversion = \"Zoners, and proud of it\"\n");
    let any = lab.ask("www.example.com", Rtype::ANY, Transport::Udp).await;
    assert_eq!(any.answer[0].rtype, Rtype::HINFO);
    assert!(lab.net.sent().is_empty());
    let chaos = |name, edns| {
        let question = Question { class: Class::CH, ..asked(name, Rtype::TXT) };
        let packet = packet(&question, edns);
        let service = &lab.service;
        async move { service.answer(&packet, Client::local(Transport::Udp)).await }
    };
    for edns in [true, false] {
        let version = chaos("version.bind", edns).await.unwrap();
        assert_eq!((version[3] & 0x0F, version[7]), (0, 1));
        let told = b"\x17Zoners, and proud of it";
        assert!(version.windows(told.len()).any(|part| part == told));
        assert!(Message::parse(&version.into()).is_ok());
    }
    assert_eq!(chaos("id.server", true).await.unwrap()[3] & 0x0F, 5, "REFUSED");
    let full = lab_with("[server]\nany = \"full\"\n");
    assert!(full.ask("www.example.com", Rtype::ANY, Transport::Tcp).await.answer.len() == 1);
    assert!(!full.net.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn cookies_and_keepalive_are_answered() {
    let lab = lab();
    let question = asked("localhost", Rtype::A);
    let own = [&[0, 10, 0, 8][..], b"12345678"].concat();
    let first = lab.send(&with_options(&question, &own), Transport::Udp).await.unwrap();
    let cookie = first.edns.unwrap().cookie.unwrap();
    assert_eq!((cookie.len(), &cookie[..8]), (24, &b"12345678"[..]));
    let shown = [&[0, 10, 0, 24][..], &cookie].concat();
    let second = lab.send(&with_options(&question, &shown), Transport::Udp).await.unwrap();
    assert_eq!(second.edns.unwrap().cookie, Some(cookie));
    let broken = with_options(&question, &[0, 10, 0, 2, 1, 1]);
    assert_eq!(lab.send(&broken, Transport::Udp).await.unwrap().rcode, OptRcode::FORMERR);
    let stay = with_options(&question, &[0, 11, 0, 0]);
    for (transport, stays) in [(Transport::Tcp, true), (Transport::Udp, false)] {
        let reply = lab.send(&stay, transport).await.unwrap();
        assert_eq!(reply.edns.unwrap().keepalive, stays, "{transport}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_say_why_and_outcomes_add_up() {
    let lab = lab();
    for address in ["203.0.114.1", "203.0.114.2"] {
        lab.net.link(address, Link::of(20).with(Manner::Refuses));
    }
    let failed = lab.ask("www.example.com", Rtype::A, Transport::Udp).await;
    assert_eq!(failed.rcode, OptRcode::SERVFAIL);
    let ede = &failed.edns.unwrap().errors[0];
    assert_eq!(ede.code, EdeCode::NO_REACHABLE_AUTHORITY);
    assert!(ede.text.contains("REFUSED"), "{ede}");
    let again = lab.ask("www.example.com", Rtype::A, Transport::Udp).await;
    assert_eq!(again.edns.unwrap().errors[0].code, EdeCode::CACHED_ERROR);
    lab.ask("localhost", Rtype::A, Transport::Udp).await;
    lab.ask("example.com", Rtype::AXFR, Transport::Udp).await;
    lab.send(&[0; 3], Transport::Udp).await;
    let outcomes = [
        Counter::ClientLocal,
        Counter::ClientCached,
        Counter::ClientRecursed,
        Counter::ClientServfail,
        Counter::ClientRefused,
        Counter::ClientRateLimited,
        Counter::ClientLate,
        Counter::ClientShed,
        Counter::ClientDropped,
    ];
    let sum: u64 = outcomes.into_iter().map(|counter| lab.count(counter)).sum();
    assert_eq!((sum, lab.count(Counter::ClientQueries)), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_as_finished_when_it_is_asked_again() {
    let lab = lab();
    let entries = || lab.service.worker().shared().cache.stats().entries;
    lab.ask("www.example.com", Rtype::A, Transport::Udp).await;
    let once = entries();
    lab.ask("www.example.com", Rtype::A, Transport::Udp).await;
    assert_eq!(entries(), once + 1);
    lab.ask("www.example.com", Rtype::A, Transport::Udp).await;
    assert_eq!(entries(), once + 1);
}

#[tokio::test(start_paused = true)]
async fn signatures_go_to_those_who_want_them() {
    let lab = lab();
    let text = "@ NS ns1\nns1 A 203.0.114.1\nwww 300 A 203.0.115.2\n\
        www 300 RRSIG A 13 3 300 20300101000000 20200101000000 1 example.com. AAAA\n";
    lab.net.zone("example.com", &["203.0.114.1", "203.0.114.2"], text);
    for _ in 0..2 {
        let with = lab.ask("www.example.com", Rtype::A, Transport::Udp).await;
        assert_eq!(with.answer[0].signatures.len(), 1);
        let plain = packet(&asked("www.example.com", Rtype::A), false);
        let without = lab.send(&plain, Transport::Udp).await.unwrap();
        assert!(without.answer[0].signatures.is_empty());
    }
}

#[test]
fn composing_survives_more_records_than_a_message_holds() {
    let question = asked("huge.test", Rtype::TXT);
    let records = (0..2000u32).map(|number| [vec![60], vec![number as u8; 60]].concat());
    let set = zoners_dns::RRset::new(question.name.clone(), Rtype::TXT, 1, records.collect());
    let message = compose(&Response::plain(&question, &[set]));
    assert!(message.len() <= 65_535 && message[2] & 0x02 != 0, "cut, and says so");
}

#[tokio::test(start_paused = true)]
async fn types_that_no_name_has_are_not_asked_for() {
    let lab = lab();
    let invalid = EdeCode::INVALID_QUERY_TYPE;
    for (number, rcode, code) in [
        (0, OptRcode::FORMERR, invalid),
        (41, OptRcode::FORMERR, invalid),
        (128, OptRcode::FORMERR, invalid),
        (129, OptRcode::NOTIMP, invalid),
        (248, OptRcode::NOTIMP, invalid),
        (249, OptRcode::FORMERR, invalid),
        (250, OptRcode::FORMERR, invalid),
        (251, OptRcode::REFUSED, EdeCode::PROHIBITED),
        (252, OptRcode::REFUSED, EdeCode::PROHIBITED),
        (253, OptRcode::NOTIMP, invalid),
        (254, OptRcode::NOTIMP, invalid),
    ] {
        for name in ["www.example.com", "gone.example.com", ".", "localhost"] {
            let reply = lab.ask(name, Rtype::from_int(number), Transport::Udp).await;
            let ede = &reply.edns.unwrap().errors[0];
            assert_eq!((reply.rcode, ede.code), (rcode, code), "{name} {number}");
            assert!(!ede.text.is_empty() && reply.answer.is_empty(), "{name} {number}");
        }
    }
    let nxname = asked("www.example.com", Rtype::from_int(128));
    let told = lab.service.look_up(&nxname, None).await.unwrap_err();
    assert_eq!(told.ede.code, invalid, "by no packet either");
    assert!(lab.service.look_up(&asked("www.example.com", Rtype::ANY), None).await.is_ok());
    lab.net.forget_sent();
    assert!(lab.net.sent().is_empty(), "nobody was asked");
    for number in [127, 256, 65_280] {
        let reply = lab.ask("www.example.com", Rtype::from_int(number), Transport::Udp).await;
        assert_eq!((reply.rcode, reply.answer.len()), (OptRcode::NOERROR, 0), "{number}");
    }
}
