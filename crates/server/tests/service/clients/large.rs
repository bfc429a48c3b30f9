//! RRsets up to the message size: complete over TCP, with TC over UDP, also from the cache.

use crate::lab::{ServiceLab, asked, lab, packet};
use zoners_dns::{Counter, Name, RRset, Records, Rtype, Transport, name};

fn owner() -> Name {
    name::parse("many.example.com").unwrap()
}

/// With `records` addresses at `many.example.com`.
fn many(records: u16) -> ServiceLab {
    let lab = lab();
    let addresses: Records = (0..records).map(|i| [203, 0, (i >> 8) as u8, i as u8]).collect();
    lab.net.change("example.com", |zone| {
        zone.add(RRset::new(owner(), Rtype::A, 300, addresses));
    });
    lab
}

#[tokio::test(start_paused = true)]
async fn an_rrset_of_thousands_is_answered_and_kept() {
    for records in [257, 300, 3_000, 4_000] {
        let lab = many(records);
        for round in 0..4 {
            let tcp = lab.ask("many.example.com", Rtype::A, Transport::Tcp).await;
            assert!(!tcp.header.tc());
            assert_eq!(tcp.answer[0].records.len(), usize::from(records));
            assert_eq!(tcp.answer[0].ttl, 300 - round);
            let udp = lab.ask("many.example.com", Rtype::A, Transport::Udp).await;
            assert!(udp.header.tc() && udp.answer.is_empty() && udp.octets < 512);
            lab.clock.jump(std::time::Duration::from_secs(1));
        }
        assert_eq!(lab.count(Counter::ClientRecursed), 1, "{records} records");
        assert_eq!(lab.count(Counter::CacheEntriesTooLarge), 0);
    }
}

/// A message of 65,535 octets has no room for an OPT record.
#[tokio::test(start_paused = true)]
async fn what_no_message_has_room_for_is_cut_over_tcp_too() {
    let lab = lab();
    // Header, question and the remaining fields of the record take 46 octets.
    let text = |octets: usize| {
        let whole = octets / 256;
        let mut rdata = [vec![255], vec![b'x'; 255]].concat().repeat(whole);
        if !octets.is_multiple_of(256) {
            rdata.push((octets % 256 - 1) as u8);
            rdata.extend(vec![b'y'; octets % 256 - 1]);
        }
        rdata
    };
    let (longest, opt) = (65_535 - 46, 11);
    for (octets, cut) in [(longest - opt, false), (longest - opt + 1, true)] {
        let set = RRset::new(owner(), Rtype::TXT, 300, Records::from_iter([text(octets)]));
        lab.net.change("example.com", |zone| zone.add(set));
        lab.service.worker().shared().cache.flush(&owner(), true);
        for _ in 0..3 {
            let plain = packet(&asked("many.example.com", Rtype::TXT), false);
            let plain = lab.send(&plain, Transport::Tcp).await.unwrap();
            assert_eq!((plain.header.tc(), plain.answer.len()), (false, 1), "{octets}");
            let edns = lab.ask("many.example.com", Rtype::TXT, Transport::Tcp).await;
            assert_eq!(edns.header.tc(), cut, "{octets}");
            assert!(edns.edns.is_some());
        }
    }
}
