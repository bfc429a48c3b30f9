//! Names of the networks that this machine is on: of a home and of a VPN, as files of systemd tell.

use std::fs;
use std::net::UdpSocket;
use std::process::Command;

use zoners_dns::{Message, Rtype};

use crate::common::authority::{Authority, ask_name};
use crate::common::networks::{Machine, in_a_network, ip};
use crate::common::{Daemon, query_for, zoners};

const LINKS: &str = "/run/systemd/netif/links";
const LEASES: &str = "/run/systemd/netif/leases";
const OF_VPN: &str = "/run/systemd/resolve/netif";

/// The number of an interface, as files of systemd are named.
fn number(link: &str) -> String {
    let output = Command::new("ip").args(["-o", "link", "show", link]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(':').next().unwrap().to_owned()
}

/// A machine at the end of a link, which answers whatever it receives at port 53 of any address.
fn network(link: &str, own: &str, other: &str) -> (Machine, Authority) {
    let machine = Machine::at(link);
    ip(&format!("addr add {own} dev {link}"));
    machine.ip("link set lo up");
    machine.ip(&format!("addr add {other} dev eth0"));
    machine.ip("route add local 0.0.0.0/0 dev lo");
    let socket = machine.there(|| UdpSocket::bind("0.0.0.0:53").unwrap());
    (machine, Authority::on(socket))
}

#[test]
fn names_of_a_home_and_of_a_vpn_go_to_their_resolvers_and_nowhere_else() {
    in_a_network(|| {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "none", "/run"]).status();
        assert!(mounted.unwrap().success());
        [LINKS, LEASES, OF_VPN].iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
        let (_home, router) = network("lan0", "192.168.77.2/24", "192.168.77.1/24");
        ip("route add default via 192.168.77.1");
        let lan = number("lan0");
        fs::write(format!("{LINKS}/{lan}"), "DNS=192.168.77.1\n").unwrap();
        let lease = "DNS=192.168.77.1\nDOMAINNAME=fritz.box\n";
        fs::write(format!("{LEASES}/{lan}"), lease).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket").display().to_string();
        let mut daemon = Daemon::start(&format!("control = {socket:?}"));
        // At home: the domain of DHCP, a domain of homes, and addresses.
        for name in ["nas.fritz.box", "printer.lan"] {
            ask_name(&daemon, name);
            assert!(router.was_asked_below(name));
        }
        // The VPN comes up, and a program tells its domain.
        let (vpn, company) = network("tun0", "10.8.0.2/24", "10.8.0.1/24");
        let settings = "SERVERS=10.8.0.1\nDOMAINS=~corp.example\nDEFAULT_ROUTE=no\n";
        let place = format!("{OF_VPN}/{}", number("tun0"));
        fs::write(&place, settings).unwrap();
        // A daemon without clients looks after reports of the kernel, and such a report may be over.
        ip("addr add 10.8.0.3/24 dev tun0");
        assert!(daemon.logs("its resolvers are asked for: corp.example by tun0"));
        ask_name(&daemon, "host.corp.example");
        assert_eq!(company.count(), 1);
        assert!(!router.was_asked_below("corp.example"), "nothing leaks");
        let report = zoners(&["network", "--json", "--control", &socket]);
        let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
        let routes = report["routes"].as_array().unwrap();
        assert!(routes.iter().any(|route| route["zone"] == "corp.example."), "{routes:?}");
        // The VPN goes down: its names have no more answer, not even from the cache.
        fs::remove_file(&place).unwrap();
        drop(vpn);
        assert!(daemon.logs("its resolvers are no longer asked for: corp.example by tun0"));
        let reply = daemon.ask(&query_for(9, "host.corp.example", Rtype::A));
        assert!(Message::parse(&reply.into()).unwrap().answer.is_empty());
        assert_eq!(company.count(), 1);
    });
}
