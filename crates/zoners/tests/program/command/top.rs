//! `zoners top` on a real terminal.

use rustix::termios::LocalModes;
use zoners_dns::Rtype;

use crate::common::terminal::OnTerminal;
use crate::common::{Daemon, localhost, zoners};

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
/// The begins of the words for the state of a daemon.
const STATES: [&str; 2] = ["works", "cannot"];

/// A daemon, with the path of its control socket.
fn daemon() -> (Daemon, String) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.keep().join("control").display().to_string();
    (Daemon::start(&format!("control = {socket:?}")), socket)
}

fn top_of(socket: &str, variables: &[(&str, &str)]) -> OnTerminal {
    OnTerminal::start(&["top", "--control", socket], variables)
}

/// The exit code, and what came after the screen.
fn ended(mut top: OnTerminal) -> (Option<i32>, String) {
    top.sees(LEAVE);
    let (code, seen) = top.ended();
    (code, seen.split_once(LEAVE).unwrap().1.to_owned())
}

#[test]
fn queries_are_seen_and_the_terminal_is_as_before() {
    let (daemon, socket) = daemon();
    let mut top = top_of(&socket, &[]);
    top.sees(ENTER);
    // A status is there before the first query.
    top.sees_one(&STATES);
    daemon.ask(&localhost(1, Rtype::A));
    top.sees("127.0.0.1");
    assert!(top.has_colours());
    let raw = top.modes();
    assert!(!raw.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{raw:?}");
    top.types("/local");
    top.sees("filter by name");
    top.types("\rp");
    top.sees("PAUSED");
    top.types("q");
    assert_eq!(ended(top), (Some(0), String::new()));
}

#[test]
fn a_key_a_signal_and_a_lost_daemon_end_it_cleanly() {
    let (daemon, socket) = daemon();
    let started = || {
        let mut top = top_of(&socket, &[("NO_COLOR", "1")]);
        top.sees_one(&STATES);
        assert!(!top.has_colours());
        top
    };
    let mut top = started();
    top.types("\x03");
    assert_eq!(ended(top), (Some(130), String::new()), "Ctrl-C");
    for (signal, code) in [("-TERM", 143), ("-HUP", 129), ("-INT", 130)] {
        let top = started();
        top.signal(signal);
        assert_eq!(ended(top), (Some(code), String::new()), "{signal}");
    }
    let top = started();
    drop(daemon);
    let (code, told) = ended(top);
    assert_eq!(code, Some(1));
    assert!(told.contains("the daemon has ended the watch"), "{told}");
}

#[test]
fn without_a_terminal_or_a_daemon_nothing_is_drawn() {
    let output = zoners(&["top"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
    assert!(String::from_utf8_lossy(&output.stderr).contains("zoners watch --json"));
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("control").display().to_string();
    let mut top = top_of(&nowhere, &[]);
    top.sees("no daemon is running");
    let (code, seen) = top.ended();
    assert_eq!((code, seen.contains(ENTER)), (Some(1), false));
}
