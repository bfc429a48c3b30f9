//! Responses to forged source addresses: their size and their rate.

use std::time::Duration;

use crate::lab::{ServiceLab, asked, lab, lab_with, packet, with_options};
use zoners_dns::{Class, Counter, Message, Opcode, OptRcode, Question, Rtype, Transport};
use zoners_server::Client;
use zoners_server::pipeline::Handled;

/// Refusals per second to one network.
const OF_NETWORK: usize = 5;

/// Each kind of query answered without records, or not at all, by name.
fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    let www = asked("www.example.com", Rtype::A);
    let root = asked(".", Rtype::NS);
    let longest = asked(&format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61)), Rtype::A);
    let of_type = |rtype| packet(&asked("www.example.com", rtype), false);
    let of_class = |class| packet(&Question { class, ..asked("version.bind", Rtype::TXT) }, false);
    let (plain, edns) = (packet(&www, false), packet(&www, true));
    let changed = |at: usize, to: u8| {
        let mut changed = edns.clone();
        changed[at] = to;
        changed
    };
    let opcode = |opcode: Opcode| changed(2, opcode.to_int() << 3);
    let cookie = |octets: u8| {
        let option = [&[0, 10, 0, octets][..], &vec![7; octets.into()]].concat();
        with_options(&root, &option)
    };
    vec![
        ("root", packet(&root, false)),
        ("root, EDNS", packet(&root, true)),
        ("plain", plain.clone()),
        ("EDNS", edns.clone()),
        ("longest name", packet(&longest, true)),
        ("client cookie", cookie(8)),
        ("both cookies", cookie(24)),
        ("broken cookie", cookie(3)),
        ("keepalive", with_options(&root, &[0, 11, 0, 0])),
        ("padding", with_options(&root, &[&[0, 12, 0, 60][..], &[0; 60]].concat())),
        ("NOTIFY", opcode(Opcode::NOTIFY)),
        ("UPDATE", opcode(Opcode::UPDATE)),
        ("STATUS", opcode(Opcode::STATUS)),
        ("IQUERY", opcode(Opcode::IQUERY)),
        ("opcode 15", changed(2, 15 << 3)),
        ("version 1", changed(edns.len() - 5, 1)),
        ("CHAOS", of_class(Class::CH)),
        ("class ANY", of_class(Class::ANY)),
        ("class 0", of_class(Class::from_int(0))),
        ("ANY", of_type(Rtype::ANY)),
        ("AXFR", of_type(Rtype::AXFR)),
        ("IXFR", of_type(Rtype::IXFR)),
        ("NXNAME", of_type(Rtype::from_int(128))),
        ("type OPT", of_type(Rtype::OPT)),
        ("MAILA", of_type(Rtype::MAILA)),
        ("type 0", of_type(Rtype::from_int(0))),
        ("no RD", changed(2, 0)),
        ("two questions", changed(5, 2)),
        ("no question", [&plain[..5], &[0; 7]].concat()),
        ("cut in the name", plain[..16].to_vec()),
        ("compressed", changed(12, 0xC0)),
        ("octet behind", [&plain[..], &[0]].concat()),
        ("kilobyte behind", [&plain[..], &[0; 1024]].concat()),
    ]
}

fn silent() -> Vec<(&'static str, Vec<u8>)> {
    let plain = packet(&asked("www.example.com", Rtype::A), false);
    let mut answer = plain.clone();
    answer[2] |= 0x80;
    let header = answer[..12].to_vec();
    vec![
        ("nothing", Vec::new()),
        ("shorter than a header", plain[..11].to_vec()),
        ("an answer", answer),
        ("an answer's header", header),
    ]
}

fn client(address: &str, transport: Transport) -> Client {
    Client::new(address.parse().unwrap(), transport)
}

/// Octets of the immediate response, if any.
fn handled(lab: &ServiceLab, packet: &[u8], client: Client) -> Option<Vec<u8>> {
    let mut reply = Vec::new();
    match lab.service.handle(packet, client, lab.service.clock(), &mut reply) {
        Handled::Reply(_) => Some(reply),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_hears_at_most_one_and_a_half_times_what_was_sent() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let lab = lab();
        let stranger = client("198.51.100.7", transport);
        for (kind, packet) in kinds() {
            lab.clock.jump(Duration::from_secs(1));
            let reply = handled(&lab, &packet, stranger).unwrap();
            println!("{kind}: {} octets get {}", packet.len(), reply.len());
            assert!(
                2 * reply.len() <= 3 * packet.len(),
                "{kind}: {} {}",
                packet.len(),
                reply.len()
            );
            assert!(reply[2] & 0x80 != 0, "an answer, which no server answers");
            // Without records, and without a text or a cookie.
            assert_eq!(reply[6..10], [0; 4], "{kind}");
            if reply.len() > 12 {
                let edns = Message::parse(&reply.into()).unwrap().edns.unwrap_or_default();
                assert!(edns.errors.iter().all(|error| error.text.is_empty()), "{kind}");
                assert!(edns.cookie.is_none(), "{kind}");
            }
        }
        assert_eq!(lab.count(Counter::ClientRefused), kinds().len() as u64);
        for (kind, packet) in silent() {
            lab.clock.jump(Duration::from_secs(1));
            assert_eq!(handled(&lab, &packet, stranger), None, "{kind}");
        }
        assert_eq!(lab.count(Counter::ClientDropped), silent().len() as u64);
        assert!(lab.net.sent().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_of_strangers_hears_little_and_then_nothing() {
    for (kind, packet) in kinds() {
        for transport in [Transport::Udp, Transport::Tcp] {
            let lab = lab();
            let heard = |addresses: std::ops::Range<u32>, network: &str| {
                let clients = addresses.map(|last| client(&format!("{network}{last}"), transport));
                clients.filter(|client| handled(&lab, &packet, *client).is_some()).count()
            };
            assert_eq!(heard(0..200, "198.51.100."), OF_NETWORK, "{kind}");
            assert_eq!(lab.count(Counter::ClientErrorsLimited), 200 - OF_NETWORK as u64);
            assert_eq!(heard(0..200, "203.0.113."), OF_NETWORK, "another network has its own");
            assert_eq!(heard(0..200, "2001:db8:7:1::"), OF_NETWORK, "{kind}");
            assert_eq!(heard(0..200, "2001:db8:7:2::"), 0, "the same site");
            lab.clock.jump(Duration::from_secs(1));
            assert_eq!(heard(0..200, "198.51.100."), OF_NETWORK);
            assert_eq!(lab.count(Counter::ClientQueries), 1000);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_answers_has_no_part_in_the_rate() {
    let lab = lab();
    let stranger = client("198.51.100.7", Transport::Udp);
    for (_, packet) in silent().iter().cycle().take(1000) {
        assert_eq!(handled(&lab, packet, stranger), None);
    }
    let good = packet(&asked("www.example.com", Rtype::A), true);
    let refused = handled(&lab, &good, stranger).unwrap();
    assert_eq!(refused[3] & 0x0F, OptRcode::REFUSED.to_int() as u8);
    let quiet = lab_with("[server]\nrefuse = \"drop\"\n");
    for (kind, packet) in kinds() {
        assert_eq!(handled(&quiet, &packet, stranger), None, "{kind}");
    }
}

/// Where a server is open to everyone, errors are limited like answers.
#[tokio::test(start_paused = true)]
async fn errors_to_those_afar_are_limited_as_answers_are() {
    let transfer = packet(&asked("example.com", Rtype::AXFR), true);
    let torn = transfer[..20].to_vec();
    for packet in [transfer, torn] {
        let lab = lab_with("[server]\nallow = [\"0.0.0.0/0\"]\nqueries-per-second = 3\n");
        let heard = |address: &str, transport| {
            let client = client(address, transport);
            (0..10).filter(|_| handled(&lab, &packet, client).is_some()).count()
        };
        assert_eq!(heard("198.51.100.7", Transport::Udp), 3);
        assert_eq!(lab.count(Counter::ClientErrorsLimited), 7);
        assert_eq!(heard("198.51.100.7", Transport::Tcp), 10);
        assert_eq!(heard("192.168.1.1", Transport::Udp), 10);
    }
}

/// Two servers made to ask each other: neither answers the other's response.
#[tokio::test(start_paused = true)]
async fn no_two_servers_answer_each_other() {
    let lab = lab();
    for address in ["198.51.100.7", "127.0.0.1"] {
        let client = client(address, Transport::Udp);
        for (kind, packet) in kinds() {
            lab.clock.jump(Duration::from_secs(1));
            let Some(reply) = lab.service.answer(&packet, client).await else { continue };
            assert_eq!(lab.service.answer(&reply, client).await, None, "{kind}");
        }
    }
}

/// Errors to served clients carry a text and so may be longer; the table gives the size.
#[tokio::test(start_paused = true)]
async fn what_a_served_client_hears_at_worst() {
    let lab = lab();
    let served = client("192.168.1.1", Transport::Udp);
    let mut kinds = kinds();
    kinds.push(("MAILA, EDNS", packet(&asked("www.example.com", Rtype::MAILA), true)));
    kinds.push(("40 TXT records, EDNS", packet(&asked("big.example.com", Rtype::TXT), true)));
    kinds.push(("40 TXT records", packet(&asked("big.example.com", Rtype::TXT), false)));
    kinds.push(("a wildcard", packet(&asked("a.wild.example.com", Rtype::A), true)));
    for (kind, packet) in kinds {
        let reply = lab.service.answer(&packet, served).await.unwrap();
        let ratio = reply.len() as f64 / packet.len() as f64;
        println!("| {kind} | {} | {} | {ratio:.2} |", packet.len(), reply.len());
        let most = if packet.len() > 40 { 1232 } else { 512 };
        assert!(reply.len() <= most.max(packet.len()), "{kind}: {}", reply.len());
    }
}
