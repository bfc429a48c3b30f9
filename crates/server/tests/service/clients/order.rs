//! The order of records in answers.

use crate::lab::{ServiceLab, lab_with};
use zoners_dns::{Rtype, Transport, zonefile};

const RECORDS: &str = "lb 300 A 203.0.115.11\nlb 300 A 203.0.115.12\nlb 300 A 203.0.115.13\n\
                       lb 300 AAAA 2001:db8:1::1\nlb 300 AAAA 2001:db8:1::2\n\
                       alias 300 CNAME lb\n\
                       lb 300 MX 1 a\nlb 300 MX 1 b\nlb 300 TXT x\nlb 300 TXT y\n";

fn lab(config: &str) -> ServiceLab {
    let lab = lab_with(config);
    lab.net.change("example.com", |zone| {
        zonefile::parse(RECORDS, &zone.origin).unwrap().into_iter().for_each(|set| zone.add(set));
    });
    lab
}

/// The first record of the last RRset in each of several answers.
async fn firsts(lab: &ServiceLab, text: &str, rtype: Rtype, answers: usize) -> Vec<String> {
    let mut firsts = Vec::new();
    let mut all: Option<Vec<String>> = None;
    for _ in 0..answers {
        let reply = lab.ask(text, rtype, Transport::Udp).await;
        let set = reply.answer.last().unwrap();
        let mut lines: Vec<String> = set.to_string().lines().map(str::to_owned).collect();
        firsts.push(lines[0].clone());
        lines.sort_unstable();
        assert_eq!(*all.get_or_insert(lines.clone()), lines, "nothing is lost");
    }
    firsts
}

fn distinct(mut firsts: Vec<String>) -> usize {
    firsts.sort_unstable();
    firsts.dedup();
    firsts.len()
}

#[tokio::test(start_paused = true)]
async fn each_address_comes_first_in_turn() {
    let lab = lab("");
    for (text, rtype, count) in [
        ("lb.example.com", Rtype::A, 3),
        ("lb.example.com", Rtype::AAAA, 2),
        ("alias.example.com", Rtype::A, 3),
    ] {
        // Recursed, put together, finished.
        let some = firsts(&lab, text, rtype, 2 * count).await;
        assert_eq!(distinct(some), count, "{text} {rtype}");
        let firsts = firsts(&lab, text, rtype, 60 * count).await;
        for first in &firsts {
            let times = firsts.iter().filter(|other| *other == first).count();
            assert!(times.abs_diff(60) <= 2, "{text} {rtype}: {first} is first {times} times");
        }
    }
    // As stub resolvers do: both families in turn.
    let (mut v4, mut v6) = (vec![], vec![]);
    for _ in 0..8 {
        v4.extend(firsts(&lab, "lb.example.com", Rtype::A, 1).await);
        v6.extend(firsts(&lab, "lb.example.com", Rtype::AAAA, 1).await);
    }
    assert_eq!((distinct(v4), distinct(v6)), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn records_with_names_are_given_out_whole() {
    let lab = lab("");
    for rtype in [Rtype::MX, Rtype::TXT] {
        firsts(&lab, "lb.example.com", rtype, 9).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_order_can_be_fixed() {
    let lab = lab("server.rrset-order = \"fixed\"\n");
    assert_eq!(distinct(firsts(&lab, "lb.example.com", Rtype::A, 12).await), 1);
    assert_eq!(distinct(firsts(&lab, "alias.example.com", Rtype::A, 12).await), 1);
}

#[tokio::test(start_paused = true)]
async fn local_records_are_rotated_too() {
    let lab = lab("local.records = [\"nas.lan. A 10.0.0.1\", \"nas.lan. A 10.0.0.2\"]\n");
    assert_eq!(distinct(firsts(&lab, "nas.lan", Rtype::A, 4).await), 2);
}
