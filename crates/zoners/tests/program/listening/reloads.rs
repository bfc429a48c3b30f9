//! Listening after a reload has changed the addresses.

use std::fs::Permissions;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::common::heard::{is_served, is_served_over_tcp, take};
use crate::common::networks::{in_a_network, ip};
use crate::common::waiting::{PATIENCE, until};
use crate::common::{Daemon, client, file, localhost, query_for, receive, send};
use zoners_dns::{Message, Rtype};

/// A daemon on these addresses, and so with the right to listen on the ports.
fn listening(addresses: &str, more: &str) -> Daemon {
    let folder = tempfile::tempdir().unwrap();
    // The reload reads as a different user.
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    file(&folder, &configuration(addresses, more));
    let mut daemon = Daemon::of(folder);
    assert!(daemon.is_ready());
    daemon
}

fn configuration(addresses: &str, more: &str) -> String {
    format!("[server]\ncontrol = \"\"\nlisten = [{addresses}]\n{more}\n")
}

/// Lets a daemon listen elsewhere.
fn relisten(daemon: &mut Daemon, addresses: &str, more: &str) -> String {
    file(&daemon.folder, &configuration(addresses, more));
    daemon.signal("-HUP");
    daemon.line_with("reload: ").unwrap()
}

/// A client on this machine is served at the address over UDP and TCP.
fn assert_served(address: &str, told: &str) {
    let from = if address.starts_with('[') { "[::1]" } else { "127.0.0.1" };
    // UDP is served without a gap. A connection that was not accepted before the listener changed
    // is reset.
    assert!(is_served(from, address), "{address}: {told}");
    until("it is served over TCP", || is_served_over_tcp(address));
}

/// A client on this machine is not served at the address, or soon no longer is.
fn assert_unserved(address: &str) {
    let from = if address.starts_with('[') { "[::1]" } else { "127.0.0.1" };
    until("it is left", || !is_served(from, address) && !is_served_over_tcp(address));
}

#[test]
fn a_reload_changes_where_it_listens() {
    in_a_network(|| {
        let (one, two, three) = ("127.0.0.1:53", "127.0.0.2:53", "[::1]:53");
        let all = [one, two, three];
        for more in ["threads = 1", "threads = 3", "threads = 1\nuser = \"nobody\""] {
            if more.contains("nobody") && !may_become_others() {
                eprintln!("SKIPPED: without root there is no other user");
                continue;
            }
            let mut daemon = listening("\"127.0.0.1:53\"", more);
            assert_served(one, more);
            for (addresses, wanted) in [
                ("\"127.0.0.1:53\", \"127.0.0.2:53\", \"[::1]:53\"", [true, true, true]),
                ("\"[::1]:53\", \"127.0.0.2:53\"", [false, true, true]),
                // A wildcard in place of an address, and the reverse.
                ("\"0.0.0.0:53\", \"[::]:53\"", [true, true, true]),
                ("\"127.0.0.1:53\", \"[::]:53\"", [true, false, true]),
                ("\"127.0.0.1:53\", \"[::1]:53\", \"127.0.0.2:53\"", [true, true, true]),
                ("\"127.0.0.1:53\"", [true, false, false]),
            ] {
                let told = relisten(&mut daemon, addresses, more);
                assert!(
                    told.contains("reload: the new configuration is in force"),
                    "{more}, {addresses}: {told}"
                );
                for (address, wanted) in all.into_iter().zip(wanted) {
                    match wanted {
                        true => assert_served(address, &format!("{more}, {addresses}")),
                        false => assert_unserved(address),
                    }
                }
            }
        }
    });
}

/// Whether this process is root in the initial user namespace.
fn may_become_others() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap();
    rustix::process::geteuid().is_root() && map.split_whitespace().nth(2) != Some("1")
}

#[test]
fn a_reload_that_cannot_listen_changes_nothing_and_names_key_and_address() {
    in_a_network(|| {
        let mut daemon = listening("\"127.0.0.1:53\"", "");
        let _taken = take("127.0.0.3:53");
        let addresses = "\"127.0.0.2:53\", \"127.0.0.3:53\"";
        assert!(relisten(&mut daemon, addresses, "").contains("reload: refused"));
        let told = daemon.line_with("server.listen: ").unwrap();
        assert!(told.contains("127.0.0.3:53: Address already in use"), "{told}");
        assert_served("127.0.0.1:53", "");
        assert_unserved("127.0.0.2:53");
        // A wildcard would take the address of a different program.
        assert!(relisten(&mut daemon, "\"0.0.0.0:53\"", "").contains("reload: refused"));
        assert_served("127.0.0.1:53", "");
        assert_unserved("127.0.0.2:53");
        // No further socket can bind the address: the sharing was temporary.
        let shared =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
        shared.set_reuse_port(true).unwrap();
        let address: SocketAddr = "127.0.0.1:53".parse().unwrap();
        assert!(shared.bind(&address.into()).is_err());
        // The sandbox was closed with one port.
        let told = relisten(&mut daemon, "\"127.0.0.1:5353\"", "");
        match told.contains("reload: refused") {
            true => {
                assert!(
                    daemon.logs(
                        "server.listen: the sandbox does not allow listening on TCP port 5353"
                    )
                );
                assert_served("127.0.0.1:53", "");
            }
            false => assert_served("127.0.0.1:5353", ""),
        }
    });
}

#[test]
fn the_privilege_of_binding_ports_is_kept_if_one_takes_it_and_no_other() {
    in_a_network(|| {
        for (port, kept) in [(53, "0000000000000400"), (5300, "0000000000000000")] {
            for more in ["", "user = \"nobody\"", "user = \"nobody\"\nsandbox = \"off\""] {
                if more.contains("nobody") && !may_become_others() {
                    continue;
                }
                let daemon = listening(&format!("\"127.0.0.1:{port}\""), more);
                let status = format!("/proc/{}/status", daemon.child.id());
                let status = std::fs::read_to_string(status).unwrap();
                for set in ["CapPrm", "CapEff"] {
                    assert!(status.contains(&format!("{set}:\t{kept}")), "{more}: {status}");
                }
                for set in ["CapInh", "CapAmb"] {
                    assert!(status.contains(&format!("{set}:\t0000000000000000")), "{status}");
                }
            }
        }
    });
}

/// A server answering on command.
struct Upstream(UdpSocket);

impl Upstream {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.9:5353").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Upstream(socket)
    }

    /// Receives the next query whose name begins with `label`, since late queries are repeated. The
    /// returned function answers the query with an address.
    fn query(&self, label: &str) -> impl FnOnce() + use<> {
        let mut packet = [0; 512];
        let (length, from) = loop {
            let (length, from) = self.0.recv_from(&mut packet).unwrap();
            if packet[13..length].starts_with(label.as_bytes()) {
                break (length, from);
            }
        };
        let socket = self.0.try_clone().unwrap();
        move || {
            let question = packet[12..length].iter().position(|octet| *octet == 0).unwrap();
            let mut reply = packet[..12 + question + 5].to_vec();
            // An authoritative answer: one question, one answer.
            reply[2..12].copy_from_slice(&[0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
            reply.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 7]);
            socket.send_to(&reply, from).unwrap();
        }
    }
}

#[test]
fn what_is_under_way_when_an_address_is_given_up_is_answered_from_there() {
    in_a_network(|| {
        let upstream = Upstream::new();
        let stub = "\n[[stub]]\nzone = \"example\"\nservers = [\"127.0.0.9:5353\"]";
        let mut daemon = listening("\"127.0.0.1:53\"", stub);
        // From one address to a second; from that to the wildcard that contains it; and back to the
        // address.
        let rounds = [
            ("127.0.0.1:53", "\"127.0.0.2:53\""),
            ("127.0.0.2:53", "\"0.0.0.0:53\""),
            ("127.0.0.3:53", "\"127.0.0.1:53\""),
        ];
        for (at, (asked, next)) in rounds.into_iter().enumerate() {
            let query = query_for(7, &format!("udp{at}.example"), Rtype::A);
            let client = client(Ipv4Addr::LOCALHOST);
            client.send_to(&query, asked).unwrap();
            let answer = upstream.query(&format!("udp{at}"));
            let mut stream = TcpStream::connect(asked).unwrap();
            send(&mut stream, &query_for(8, &format!("tcp{at}.example"), Rtype::A)).unwrap();
            let answer_too = upstream.query(&format!("tcp{at}"));
            assert!(
                relisten(&mut daemon, next, stub)
                    .contains("reload: the new configuration is in force")
            );
            answer();
            answer_too();
            let mut reply = [0; 512];
            let (length, from) = client.recv_from(&mut reply).unwrap();
            assert_eq!(from, asked.parse().unwrap());
            let reply = Message::parse(&reply[..length].to_vec().into()).unwrap();
            assert_eq!(reply.answer.len(), 1, "{asked} for {next}");
            let reply = receive(&mut stream);
            assert_eq!((reply.header.id(), reply.answer.len()), (8, 1), "{asked} for {next}");
            let mut rest = Vec::new();
            assert_eq!(stream.read_to_end(&mut rest).unwrap(), 0, "it is closed then");
        }
    });
}

#[test]
fn an_address_of_an_interface_to_come_is_served_once_that_is_there() {
    in_a_network(|| {
        let mut daemon = listening("\"127.0.0.1:53\", \"[fe80::1%77]:53\"", "");
        ip("link add late0 index 77 type veth peer name late1");
        ip("link set late1 up");
        ip("link set late0 up");
        ip("addr add fe80::1/64 dev late0 nodad");
        assert!(daemon.logs("serving on [fe80::1%77]:53"));
        assert_served("127.0.0.1:53", "");
        let to = SocketAddrV6::new("fe80::1".parse().unwrap(), 53, 0, 77);
        let client = client(std::net::Ipv6Addr::UNSPECIFIED);
        client.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        // A link that has just come up may lose the first packets.
        let answered = (0..120).find_map(|_| {
            client.send_to(&localhost(1, Rtype::A), to).unwrap();
            client.recv_from(&mut [0; 512]).ok()
        });
        assert_eq!(answered.unwrap().1, to.into());
    });
}
