//! Sockets that a service manager keeps while the daemon restarts.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use zoners_dns::Rtype;

use crate::common::service_manager::{ServiceManager, free_address};
use crate::common::{client, localhost, receive, send, zoners};

fn config(address: SocketAddr, more: &str) -> String {
    format!("[server]\nlisten = [\"{address}\"]\n{more}\n")
}

/// A question that is sent, and not yet answered.
fn ask(address: SocketAddr) -> UdpSocket {
    let socket = client(address.ip());
    socket.send_to(&localhost(7, Rtype::A), address).unwrap();
    socket
}

fn is_answered(socket: &UdpSocket) {
    socket.recv(&mut [0; 512]).expect("an answer");
}

#[test]
fn queries_wait_while_the_service_restarts() {
    let (address, http) = (free_address(), free_address());
    let (mut manager, _) =
        ServiceManager::start(&config(address, &format!("threads = 2\nhttp = [\"{http}\"]")));
    for (order, code) in [("restart", "0"), ("kill", "-9")] {
        is_answered(&ask(address));
        manager.order(order);
        // A killed daemon takes along what it has read.
        let early: Vec<UdpSocket> =
            if order == "restart" { (0..100).map(|_| ask(address)).collect() } else { Vec::new() };
        assert_eq!(manager.says("stopped").0, code);
        let late: Vec<UdpSocket> = (0..100).map(|_| ask(address)).collect();
        let mut stream = TcpStream::connect(address).unwrap();
        send(&mut stream, &localhost(1, Rtype::A)).unwrap();
        let mut page = TcpStream::connect(http).unwrap();
        page.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let stats = zoners(&["stats", "--control", &manager.control().display().to_string()]);
        assert!(stats.status.success(), "{}", String::from_utf8_lossy(&stats.stderr));
        let status = zoners(&["status", "--control", &manager.control().display().to_string()]);
        let status = String::from_utf8_lossy(&status.stdout).into_owned();
        assert_eq!(status.contains("crashed or was killed"), order == "kill", "{status}");
        early.iter().chain(&late).for_each(is_answered);
        assert_eq!(receive(&mut stream).answer.len(), 1);
        assert_eq!(page.read(&mut [0]).unwrap(), 1);
        manager.ready();
    }
}

#[test]
fn the_manager_keeps_the_sockets_in_service_and_no_others() {
    // The sandbox allows a reload the ports of the start.
    let first = free_address();
    let second = SocketAddr::from(([127, 0, 0, 2], first.port()));
    let (mut manager, process) = ServiceManager::start(&config(first, "threads = 1"));
    let name = |kind: &str, address: SocketAddr| {
        format!("zoners/{kind}/{}", address.to_string().replace(':', "_"))
    };
    // A reload moves the daemon.
    manager.configure(&config(second, "threads = 1"));
    let reload = ["reload", "--control", &manager.control().display().to_string()];
    assert!(zoners(&reload).status.success());
    let mut kept: Vec<String> = (0..2).map(|_| manager.says("kept").0).collect();
    kept.sort();
    assert_eq!(kept, [name("tcp", second), name("udp", second)], "process {process}");
    is_answered(&ask(second));
    // A restart with a different address: the kept sockets are closed before the first bind.
    let wildcard = SocketAddr::from(([0, 0, 0, 0], second.port()));
    manager.configure(&config(wildcard, "threads = 1"));
    manager.order("restart");
    let (_, before) = manager.says("ready");
    let removed = |name: &str| before.contains(&format!("removed {name}"));
    assert!(removed(&name("udp", second)) && removed(&name("tcp", second)), "{before:?}");
    is_answered(&ask(second));
}

#[test]
fn a_stopped_service_leaves_no_socket() {
    let address = free_address();
    let (mut manager, _) = ServiceManager::start(&config(address, ""));
    manager.order("stop");
    assert_eq!(manager.says("stopped").0, "0");
    drop(manager);
    assert!(TcpStream::connect(address).is_err());
    UdpSocket::bind(address).unwrap();
}
