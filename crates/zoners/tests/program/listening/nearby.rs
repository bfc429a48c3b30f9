//! Which clients are served, as the machine's interfaces come and go.

use crate::common::networks::{Machine, ask, in_a_network, ip, may_ip};
use crate::common::waiting::until;
use crate::common::{Daemon, file, localhost, zoners};
use zoners_dns::Rtype;

const NOERROR: Option<u8> = Some(0);
const REFUSED: Option<u8> = Some(5);

/// A daemon listening on every address.
fn daemon() -> Daemon {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket").display().to_string();
    let listen = "listen = [\"0.0.0.0:5300\", \"[::]:5300\"]";
    file(&folder, &format!("[server]\n{listen}\ncontrol = {socket:?}\n"));
    let mut daemon = Daemon::of(folder);
    assert!(daemon.is_ready());
    daemon
}

/// The prefixes that a daemon serves.
fn serves(daemon: &Daemon) -> Vec<String> {
    let socket = daemon.folder.path().join("socket").display().to_string();
    let output = zoners(&["status", "--json", "--control", &socket]);
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let serves = status["serves"].as_array().unwrap().iter();
    serves.map(|prefix| prefix.as_str().unwrap().to_owned()).collect()
}

/// The reply at `to` to a client with the address `from`.
fn told(from: &str, to: &str) -> Option<u8> {
    ask(from, to.parse().unwrap(), &localhost(1, Rtype::A)).map(|reply| reply[3] & 0x0F)
}

#[test]
fn clients_nearby_are_followed_as_interfaces_change() {
    in_a_network(|| {
        let client = Machine::at("lan0");
        for address in ["192.168.77.1/24", "2001:db8:7:1::1/64 nodad", "203.0.113.1/24"] {
            ip(&format!("addr add {address} dev lan0"));
        }
        for address in ["192.168.77.2/24", "2001:db8:7:1::2/64 nodad", "203.0.113.2/24"] {
            client.ip(&format!("addr add {address} dev eth0"));
        }
        let daemon = daemon();
        let at = |from: &str, to: &str| client.there(|| told(from, to));
        let home = || at("[2001:db8:7:1::2]", "[2001:db8:7:1::1]:5300");
        assert_eq!(at("192.168.77.2", "192.168.77.1:5300"), NOERROR);
        assert_eq!(home(), NOERROR, "in the home's own prefix");
        assert_eq!(
            at("203.0.113.2", "203.0.113.1:5300"),
            REFUSED,
            "a neighbour with a public address"
        );
        assert_eq!(told("203.0.113.1", "203.0.113.1:5300"), NOERROR, "this machine itself");
        // Without a private address, the network is no home but a data centre.
        ip("addr del 192.168.77.1/24 dev lan0");
        until("the neighbours are strangers", || home() == REFUSED);
        assert_eq!(told("[2001:db8:7:1::1]", "[2001:db8:7:1::1]:5300"), NOERROR);
        // A different home, with a different prefix.
        ip("addr add 10.7.0.1/24 dev lan0");
        ip("addr add 2001:db8:7:2::1/64 dev lan0 nodad");
        client.ip("addr add 2001:db8:7:2::2/64 dev eth0 nodad");
        until("they are served", || home() == NOERROR);
        assert_eq!(at("[2001:db8:7:2::2]", "[2001:db8:7:2::1]:5300"), NOERROR);
        assert!(serves(&daemon).contains(&"2001:db8:7:2::/64".to_owned()));
    });
}

#[test]
fn a_configured_list_is_exact_whatever_the_interfaces_are() {
    in_a_network(|| {
        let client = Machine::at("lan0");
        ip("addr add 192.168.77.1/24 dev lan0");
        client.ip("addr add 192.168.77.2/24 dev eth0");
        let mut daemon = daemon();
        let path = daemon.folder.path().join("zoners.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let asked = || client.there(|| told("192.168.77.2", "192.168.77.1:5300"));
        for (allow, answer) in [
            ("\"192.168.77.3\"", REFUSED),
            ("\"192.168.77.2\"", NOERROR),
            ("", REFUSED),
            ("\"nearby\", \"192.0.2.0/24\"", NOERROR),
        ] {
            std::fs::write(&path, format!("{text}allow = [{allow}]\n")).unwrap();
            daemon.signal("-HUP");
            assert!(daemon.logs("reload: the new configuration is in force"));
            assert_eq!(asked(), answer, "{allow}");
        }
    });
}

#[test]
fn those_at_the_other_end_of_a_tunnel_are_served_and_the_providers_other_customers_are_not() {
    in_a_network(|| {
        let _provider = Machine::at("wan0");
        ip("addr add 100.70.1.2/20 dev wan0");
        ip("route add default via 100.70.0.1 dev wan0");
        let daemon = daemon();
        assert!(serves(&daemon).contains(&"100.70.1.2/32".to_owned()));
        assert!(!serves(&daemon).contains(&"100.70.0.0/20".to_owned()));
        if !may_ip("tuntap add tunnel0 mode tun") {
            eprintln!("no tunnel is to be had here, so none is looked at");
            return;
        }
        ip("link set tunnel0 up");
        ip("addr add 100.99.1.1/32 dev tunnel0");
        ip("route add 100.101.102.103 dev tunnel0 table 52");
        let peer = "100.101.102.103/32".to_owned();
        until("its other end is served", || serves(&daemon).contains(&peer));
        // The tunnel becomes the default route, as VPNs do with two halves.
        ip("route add 0.0.0.0/1 dev tunnel0");
        until("it is a provider's", || !serves(&daemon).contains(&peer));
        assert!(serves(&daemon).contains(&"100.99.1.1/32".to_owned()));
    });
}
