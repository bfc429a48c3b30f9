//! `zoners top` on a real terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use zoners_dns::Rtype;

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

/// `zoners top` on a terminal of 80 columns and 24 lines.
struct OnTerminal {
    child: Child,
    /// The person's side.
    person: File,
    /// The program's side, kept open to look at its modes.
    terminal: OwnedFd,
    seen: String,
}

impl OnTerminal {
    fn start(socket: &str, variables: &[(&str, &str)]) -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let path = ptsname(&person, Vec::new()).unwrap();
        let terminal = open(&path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        let side = || Stdio::from(terminal.try_clone().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_zoners"))
            .args(["top", "--control", socket])
            .env_remove("NO_COLOR")
            .env("TERM", "xterm")
            .envs(variables.iter().copied())
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        OnTerminal { child, person: File::from(person), terminal, seen: String::new() }
    }

    /// Waits until the terminal has shown a text.
    fn sees(&mut self, text: &str) {
        self.sees_one(&[text]);
    }

    /// Waits until the terminal has shown one of these texts.
    fn sees_one(&mut self, texts: &[&str]) {
        let mut octets = [0; 4096];
        while !texts.iter().any(|text| self.seen.contains(text)) {
            let length = self.person.read(&mut octets).unwrap();
            assert!(!self.seen.contains("panicked"), "{}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&octets[..length]));
        }
    }

    /// Whether there was a colour (SGR 31 to 36).
    fn has_colours(&self) -> bool {
        let sequences = self.seen.split("\x1b[").filter_map(|part| part.split_once('m'));
        let mut codes = sequences.flat_map(|(codes, _)| codes.split(';'));
        codes.any(|code| code.parse().is_ok_and(|code: u8| (31..=36).contains(&code)))
    }

    fn types(&mut self, keys: &str) {
        self.person.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end: the terminal is as before. Returns the exit code, and what came after the screen.
    fn ended(mut self) -> (Option<i32>, String) {
        self.sees(LEAVE);
        let code = self.child.wait().unwrap().code();
        let modes = tcgetattr(&self.terminal).unwrap().local_modes;
        assert!(
            modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG),
            "{modes:?}"
        );
        let OnTerminal { mut person, terminal, mut seen, .. } = self;
        drop(terminal);
        let mut octets = [0; 4096];
        // The other side is closed: the rest, and then an error (EIO on Linux) or the end.
        while let Ok(length @ 1..) = person.read(&mut octets) {
            seen.push_str(&String::from_utf8_lossy(&octets[..length]));
        }
        (code, seen.split_once(LEAVE).unwrap().1.to_owned())
    }
}

#[test]
fn queries_are_seen_and_the_terminal_is_as_before() {
    let (daemon, socket) = daemon();
    let mut top = OnTerminal::start(&socket, &[]);
    top.sees(ENTER);
    // A status is there before the first query.
    top.sees_one(&STATES);
    daemon.ask(&localhost(1, Rtype::A));
    top.sees("127.0.0.1");
    assert!(top.has_colours());
    let raw = tcgetattr(&top.terminal).unwrap().local_modes;
    assert!(!raw.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{raw:?}");
    top.types("/local");
    top.sees("filter by name");
    top.types("\rp");
    top.sees("PAUSED");
    top.types("q");
    assert_eq!(top.ended(), (Some(0), String::new()));
}

#[test]
fn a_key_a_signal_and_a_lost_daemon_end_it_cleanly() {
    let (daemon, socket) = daemon();
    let started = || {
        let mut top = OnTerminal::start(&socket, &[("NO_COLOR", "1")]);
        top.sees_one(&STATES);
        assert!(!top.has_colours());
        top
    };
    let mut top = started();
    top.types("\x03");
    assert_eq!(top.ended(), (Some(130), String::new()), "Ctrl-C");
    for (signal, code) in [("-TERM", 143), ("-HUP", 129), ("-INT", 130)] {
        let top = started();
        top.signal(signal);
        assert_eq!(top.ended(), (Some(code), String::new()), "{signal}");
    }
    let top = started();
    drop(daemon);
    let (code, told) = top.ended();
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
    let mut top = OnTerminal::start(&nowhere, &[]);
    top.sees("no daemon is running");
    assert!(!top.seen.contains(ENTER));
    assert_eq!(top.child.wait().unwrap().code(), Some(1));
}
