//! `zoners restart` of a service of systemd: a new daemon takes over inside the service.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use zoners_dns::Rtype;

use crate::common::certificate::{certificate_keys, certify};
use crate::common::networks::in_a_network;
use crate::common::quic_client::QuicTrust;
use crate::common::service_manager::{ServiceManager, free_address};
use crate::common::waiting::until;
use crate::common::{ask_until, client, localhost, shell_program};

const RESTARTS: usize = 5;

fn config(address: SocketAddr, more: &str) -> String {
    format!("[server]\nlisten = [\"{address}\"]\n{more}\n")
}

fn is_answered(address: SocketAddr) {
    let socket = client(address.ip());
    socket.send_to(&localhost(7, Rtype::A), address).unwrap();
    socket.recv(&mut [0; 512]).expect("an answer");
}

/// The process in the words of `zoners restart`.
fn new_process(done: &Output) -> u32 {
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    said.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn no_query_is_lost_while_daemons_take_over_inside_the_service() {
    let address = free_address();
    let (mut manager, mut latest) = ServiceManager::start(&config(address, "threads = 2"));
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| ask_until(&done, address, &answered));
        }
        for _ in 0..RESTARTS {
            let before = answered.load(Ordering::Relaxed);
            let new = new_process(&manager.restart(&[]));
            assert_ne!(new, latest);
            assert_eq!(manager.says("main").0, new.to_string());
            let (ready, before_ready) = manager.says("ready");
            assert_eq!(ready, new.to_string());
            let is_told = |line: &String| line.starts_with("removed") || line.starts_with("kept");
            assert!(!before_ready.iter().any(is_told), "the store stays as it is");
            until("replies", || answered.load(Ordering::Relaxed) > before);
            latest = new;
        }
        done.store(true, Ordering::Relaxed);
    });
    // The store is as good as before.
    manager.order("kill");
    assert_eq!(manager.says("stopped").0, "-9");
    is_answered(address);
    manager.ready();
}

#[test]
fn a_program_that_does_not_come_up_inside_the_service_leaves_the_old_daemon_serving() {
    let address = free_address();
    let (mut manager, old) = ServiceManager::start(&config(address, ""));
    let rehearses = "case \"$*\" in *--rehearse*) exec $ZONERS \"$@\";; esac\n";
    let programs = [
        ("echo 'of no use' >&2; exit 1", "of no use"),
        ("exec sleep 1000", "not ready within 2s"),
        ("exec $ZONERS \"$@\" </dev/null", "gave no leave"),
    ];
    for (lines, reason) in programs {
        let program = shell_program(manager.folder.path(), &format!("{rehearses}{lines}"));
        let failed = manager.restart(&["--timeout", "2s", "--program", &program]);
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert_eq!(failed.status.code(), Some(1), "{said}");
        assert!(
            said.contains(&format!("process {old} serves on")) && said.contains(reason),
            "{said}"
        );
        is_answered(address);
    }
    let new = new_process(&manager.restart(&[]));
    assert_eq!(manager.says("main").0, new.to_string());
    assert_eq!(manager.says("ready").0, new.to_string());
}

#[test]
fn sockets_without_an_address_leave_the_store_with_the_old_daemon() {
    let (first, second) = (free_address(), free_address());
    let both = format!("[server]\nlisten = [\"{first}\", \"{second}\"]\nthreads = 1\n");
    let (mut manager, _) = ServiceManager::start(&both);
    manager.configure(&config(first, "threads = 1"));
    new_process(&manager.restart(&[]));
    let (_, before) = manager.says("ready");
    let name = second.to_string().replace(':', "_");
    for kind in ["udp", "tcp"] {
        assert!(before.contains(&format!("removed zoners/{kind}/{name}")), "{before:?}");
    }
    is_answered(first);
}

#[test]
fn a_plain_reload_of_the_service_stays_a_reload() {
    let address = free_address();
    let (mut manager, _) = ServiceManager::start(&config(address, ""));
    assert_eq!(manager.reload(), Some(0));
    manager.configure("[server]\nlisten = [\"nowhere\"]\n");
    assert_ne!(manager.reload(), Some(0));
    is_answered(address);
    manager.order("stop");
    let (code, before) = manager.says("stopped");
    assert_eq!(code, "0");
    assert!(!before.iter().any(|line| line.starts_with("main")), "{before:?}");
}

#[test]
fn a_daemon_without_a_control_socket_is_reloaded_by_a_signal() {
    let first = free_address();
    let second = SocketAddr::from(([127, 0, 0, 2], first.port()));
    let (mut manager, _) = ServiceManager::start(&config(first, "threads = 1\ncontrol = \"\""));
    manager.configure(&config(second, "threads = 1\ncontrol = \"\""));
    assert_eq!(manager.reload(), Some(0));
    manager.says("kept");
    is_answered(second);
}

#[test]
fn a_unit_with_a_different_reload_command_is_restarted() {
    let address = free_address();
    let (mut manager, old) = ServiceManager::start(&config(address, ""));
    let command = format!("reload --control {}", manager.control().display());
    std::fs::write(manager.folder.path().join("reload"), command).unwrap();
    let new = new_process(&manager.restart(&[]));
    assert_ne!(new, old);
    let (code, before) = manager.says("stopped");
    assert_eq!(code, "0");
    assert!(!before.iter().any(|line| line.starts_with("main")), "{before:?}");
    assert_eq!(manager.ready(), new);
}

/// Two restarts, with the checks of `works` before and after each.
fn takes_over(mut manager: ServiceManager, works: impl Fn()) {
    works();
    for _ in 0..2 {
        let new = new_process(&manager.restart(&[]));
        assert_eq!(manager.says("main").0, new.to_string());
        assert_eq!(manager.ready(), new);
        works();
    }
    manager.order("restart");
    assert_eq!(manager.says("stopped").0, "0");
    manager.ready();
    works();
}

#[test]
fn daemons_with_a_user_of_their_own_take_over() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root becomes a different user");
        return;
    }
    let address = free_address();
    let (manager, _) = ServiceManager::start(&config(address, "user = \"nobody\""));
    takes_over(manager, || is_answered(address));
}

#[test]
fn daemons_with_an_http_service_take_over() {
    let (address, http) = (free_address(), free_address());
    let more = format!("threads = 2\nhttp = [\"{http}\"]");
    let (manager, _) = ServiceManager::start(&config(address, &more));
    takes_over(manager, || {
        let mut page = TcpStream::connect(http).unwrap();
        page.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert_eq!(page.read(&mut [0]).unwrap(), 1);
        is_answered(address);
    });
}

#[test]
fn daemons_with_the_sockets_of_a_unit_take_over() {
    let (given, configured) = (free_address(), free_address());
    let config = config(configured, "threads = 2");
    let (manager, _) = ServiceManager::start_with_sockets(&config, &[given]);
    takes_over(manager, || {
        is_answered(given);
        assert!(TcpStream::connect(configured).is_err());
    });
}

#[test]
fn daemons_over_quic_take_over_with_sockets_of_their_own_and_of_a_unit() {
    let folder = tempfile::tempdir().unwrap();
    let trust = QuicTrust::of(&certify(folder.path()));
    for is_given in [false, true] {
        let address = free_address();
        let listen = format!("listen = [\"quic://{address}\"]\nthreads = 2");
        let config = format!("[server]\n{listen}\n{}\n", certificate_keys(folder.path()));
        let sockets = Some(address).filter(|_| is_given);
        let (manager, _) = ServiceManager::start_with_sockets(&config, sockets.as_slice());
        takes_over(manager, || {
            let mut client = trust.connect(address).unwrap();
            assert_eq!(client.ask().unwrap().answer.len(), 1);
        });
    }
}

#[test]
fn daemons_without_a_configuration_take_over() {
    in_a_network(|| {
        let (manager, _) = ServiceManager::start("");
        takes_over(manager, || {
            is_answered(SocketAddr::from(([127, 0, 0, 1], 53)));
        });
    });
}
