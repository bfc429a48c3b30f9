//! The demonstration, asked with the usual tools.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use crate::common::{Daemon, Demo, client, query_for, receive, send};
use zoners_dns::{Message, OptRcode, Rtype};

/// The output of `tool` asking the server at `address`.
fn ask_with(tool: &str, address: SocketAddr, arguments: &str) -> String {
    let (server, port) = (format!("@{}", address.ip()), address.port().to_string());
    let output = Command::new(tool)
        .args([&server, "-p", &port])
        .args(arguments.split_whitespace())
        .output()
        .unwrap_or_else(|error| panic!("{tool}: {error}; scripts/tools installs it"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Expected output of dig and kdig: the first entry is the question, the rest are parts of the
/// output.
const CONVERSATIONS: &[&[&str]] = &[
    &["dig www.fast.demo A", "status: NOERROR", "203.0.113.10", "flags: qr rd ra ad;"],
    &["dig www.slow.demo A", "status: NOERROR", "flags: qr rd ra;"],
    &["dig +noadflag www.fast.demo A", "status: NOERROR", "flags: qr rd ra;"],
    &["dig +tcp www.fast.demo AAAA", "status: NOERROR", "2001:db8::10", "(TCP)"],
    &["dig +noedns wWw.FaSt.demo A", "wWw.FaSt.demo.", "203.0.113.10"],
    &["dig www.shop.demo A", "CNAME", "203.0.113.10"],
    &["dig x.old.moved.demo A", "DNAME", "CNAME", "203.0.113.70"],
    &["dig gone.fast.demo A", "status: NXDOMAIN", "SOA"],
    &["dig www.lame.demo A", "203.0.113.60"],
    // Flags.
    &["dig +cd www.tampered.demo A", "flags: qr rd ra cd;", "203.0.113.66"],
    &["dig www.tampered.demo A", "status: SERVFAIL", "EDE: 6"],
    &["dig www.expired.demo A", "status: SERVFAIL", "EDE: 7", "the signature has expired"],
    &["dig www.orphaned.demo A", "status: SERVFAIL", "EDE: 9"],
    &["dig +cd www.orphaned.demo A", "status: NOERROR", "203.0.113.120"],
    &["dig +dnssec www.fast.demo A", "flags: do;", "203.0.113.10", "RRSIG"],
    &["dig +dnssec x.wild.fast.demo A", "flags: qr rd ra ad;", "203.0.113.11", "NSEC"],
    &["dig +dnssec gone.fast.demo A", "status: NXDOMAIN", "flags: qr rd ra ad;", "NSEC"],
    &["kdig +dnssec www.shop.demo A", "CNAME", "RRSIG", "Flags: qr rd ra ad;"],
    &["dig +norec never-asked.fast.demo A", "status: REFUSED", "EDE: 20"],
    &["dig +norec www.fast.demo A", "status: NOERROR", "flags: qr ra ad;"],
    // Private addresses of public names.
    &["dig router.fast.demo A", "status: NOERROR", "ANSWER: 0", "SOA", "EDE: 15", "192.168.1.1 is"],
    &["dig +tcp +dnssec home.fast.demo A", "status: NOERROR", "ANSWER: 0", "EDE: 15 (Blocked)"],
    &["dig gate.fast.demo HTTPS", "status: NOERROR", "ANSWER: 0", "EDE: 15", "10.0.0.1 is private"],
    &["dig 2.0.0.127.list.fast.demo A", "127.0.0.2", "flags: qr rd ra ad;"],
    &["dig +ednsopt=26 router.fast.demo A", "ANSWER: 0", "EDE: 15", "192.168.1.1 is private", "en"],
    &["dig _dns.resolver.arpa SVCB", "status: NOERROR", "ANSWER: 0", "SOA", "flags: qr aa rd ra"],
    // Unsupported queries.
    &["dig +edns=1 +noednsneg www.fast.demo A", "status: BADVERS"],
    &["dig +opcode=status +noedns www.fast.demo A", "status: NOTIMP", "opcode: STATUS"],
    &["dig +opcode=notify www.fast.demo SOA", "status: NOTIMP"],
    &["dig +ednsopt=10:0102 +nocookie www.fast.demo A", "status: FORMERR"],
    &["dig -c HS www.fast.demo A", "status: REFUSED"],
    &["dig +tcp fast.demo AXFR", "Transfer failed"],
    &["dig version.bind CH TXT", "status: REFUSED"],
    &["dig www.fast.demo ANY +notcp", "status: NOERROR", "HINFO", "RFC8482"],
    // Truncation.
    &["dig +ignore +bufsize=4096 big.fast.demo TXT", "flags: qr tc rd ra;", "ANSWER: 0"],
    &["dig +bufsize=512 big.fast.demo TXT", "retrying in TCP mode", "ANSWER: 40"],
    &["dig +ignore +bufsize=600 middling.fast.demo TXT", "flags: qr tc rd ra;"],
    &["dig +ignore +bufsize=1232 middling.fast.demo TXT", "flags: qr rd ra ad;", "ANSWER: 12"],
    &["dig +ignore +noedns middling.fast.demo TXT", "flags: qr tc rd ra;", "ADDITIONAL: 0"],
    // Options.
    &["dig +cookie www.fast.demo A", "(good)"],
    &["dig +tcp +keepalive www.fast.demo A", "TCP KEEPALIVE: 10.0 secs"],
    // The other tool.
    &["kdig www.fast.demo HTTPS", "alpn=h2,h3"],
    &["kdig +tcp +cookie www.fast.demo A", "203.0.113.10", "COOKIE"],
    &["kdig +edns www.dead.demo A", "SERVFAIL", "EDE: 22"],
    &["kdig +padding=64 www.fast.demo A", "203.0.113.10"],
];

#[test]
fn dig_and_kdig_get_what_they_ask_for_over_both_families() {
    let demo = Demo::start();
    // Both families wait for dead.demo, so they are asked in parallel.
    std::thread::scope(|scope| {
        for address in &demo.addresses {
            scope.spawn(move || {
                for conversation in CONVERSATIONS {
                    let (asked, parts) = conversation.split_first().unwrap();
                    let (tool, arguments) = asked.split_once(' ').unwrap();
                    let printed = ask_with(tool, *address, arguments);
                    for part in parts {
                        assert!(printed.contains(part), "{asked} at {address}: {part}:\n{printed}");
                    }
                }
            });
        }
    });
}

/// An independent validator comes to the same conclusions through the daemon.
#[test]
fn delv_follows_the_chains_of_trust() {
    let demo = Demo::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anchors");
    let words: Vec<&str> = demo.anchor.split_whitespace().collect();
    let [_, _, _, _, tag, algorithm, digest_type, digest @ ..] = words.as_slice() else {
        panic!("{}", demo.anchor)
    };
    let digest = digest.concat();
    let text =
        format!("trust-anchors {{ . static-ds {tag} {algorithm} {digest_type} \"{digest}\"; }};\n");
    std::fs::write(&path, text).unwrap();
    for (asked, expected) in [
        ("www.fast.demo A", "; fully validated"),
        ("www.fast.demo HTTPS", "; fully validated"),
        ("www.shop.demo A", "; fully validated"),
        ("x.old.moved.demo A", "; fully validated"),
        ("x.wild.fast.demo A", "; fully validated"),
        ("gone.fast.demo A", "; negative response, fully validated"),
        ("www.fast.demo MX", "; negative response, fully validated"),
        ("www.lossy.demo A", "; unsigned answer"),
    ] {
        let arguments = format!("-a {} +root=. {asked}", path.display());
        let printed = ask_with("delv", demo.addresses[0], &arguments);
        assert!(printed.contains(expected), "{asked}: {printed}");
    }
}

#[test]
fn keys_change_what_any_and_chaos_get() {
    let daemon = Daemon::start("version = \"a word\"\nidentity = \"attic\"\nrefuse = \"drop\"");
    let printed = ask_with("dig", daemon.address, "version.bind CH TXT");
    assert!(printed.contains("\"a word\""), "{printed}");
    assert!(ask_with("dig", daemon.address, "id.server CH TXT").contains("\"attic\""));
}

#[test]
fn every_sight_is_what_it_is_said_to_be() {
    let demo = Demo::start();
    for sight in zoners_sim::demo::SIGHTS {
        let socket = client(demo.addresses[0].ip());
        let packet = query_for(3, sight.name, sight.rtype.parse().unwrap());
        socket.send_to(&packet, demo.addresses[0]).unwrap();
        let mut buffer = [0; 1500];
        let length = socket.recv(&mut buffer).unwrap();
        let reply = Message::parse(&buffer[..length].to_vec().into()).unwrap();
        let rcode = match sight.name {
            "www.dead.demo" | "www.expired.demo" | "www.tampered.demo" | "www.orphaned.demo" => {
                OptRcode::SERVFAIL
            }
            "gone.fast.demo" => OptRcode::NXDOMAIN,
            _ => OptRcode::NOERROR,
        };
        assert_eq!(reply.rcode, rcode, "{sight:?}");
        assert_eq!(reply.header.tc(), sight.name == "big.fast.demo");
    }
}

#[test]
fn a_stream_is_answered_out_of_order() {
    let demo = Demo::start();
    for (number, address) in demo.addresses.iter().enumerate() {
        let mut stream = TcpStream::connect(address).unwrap();
        let slow = format!("n{number}.slow.demo");
        send(&mut stream, &query_for(1, &slow, Rtype::A)).unwrap();
        send(&mut stream, &query_for(2, "localhost", Rtype::A)).unwrap();
        assert_eq!([(); 2].map(|()| receive(&mut stream).header.id()), [2, 1]);
    }
}

#[test]
fn an_answer_is_never_answered() {
    let demo = Demo::start();
    for address in &demo.addresses {
        let socket = client(address.ip());
        let mut packet = query_for(1, "localhost", Rtype::A);
        packet[2] |= 0x80;
        for length in 0..packet.len() {
            socket.send_to(&packet[..length], address).unwrap();
        }
        socket.send_to(&packet, address).unwrap();
        socket.send_to(&query_for(2, "localhost", Rtype::A), address).unwrap();
        let mut buffer = [0; 1500];
        socket.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..2], &[0, 2], "the first reply is to the query");
    }
}
