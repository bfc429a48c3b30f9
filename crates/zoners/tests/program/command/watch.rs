//! `zoners watch`: finished queries of a running daemon.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::Value;
use zoners_dns::Rtype;

use crate::common::{Daemon, localhost, query_for};

/// A daemon, with the path of its control socket.
fn daemon() -> (Daemon, String) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.keep().join("control").display().to_string();
    (Daemon::start(&format!("control = {socket:?}")), socket)
}

/// A watch under way, with the lines of its output after the heading.
struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(socket: &str, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_zoners"))
            .args(["watch", "--control", socket])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The heading comes once the daemon has accepted the watch.
        assert!(lines.next().unwrap().unwrap().contains("question"));
        Watching { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn ended(mut self) -> (ExitStatus, String) {
        drop(self.lines);
        let status = self.child.wait().unwrap();
        let stderr = std::io::read_to_string(self.child.stderr.take().unwrap()).unwrap();
        (status, stderr)
    }
}

/// A query of an unknown version of EDNS.
fn of_wrong_version() -> Vec<u8> {
    let mut packet = query_for(7, "www.Example.com", Rtype::A);
    let version = packet.len() - 5;
    packet[version] = 1;
    packet
}

#[test]
fn each_query_is_a_line_and_a_signal_ends_the_watch() {
    let (mut daemon, socket) = daemon();
    let mut watching = Watching::start(&socket, &[]);
    assert!(daemon.logs("control: user "), "what clients ask is disclosed");
    daemon.ask(&localhost(1, Rtype::A));
    daemon.ask(&of_wrong_version());
    let line = watching.line();
    assert!(line.contains("127.0.0.1 ") && line.contains("NOERROR"), "{line}");
    assert!(line.ends_with("LocalHost. A"), "{line}");
    let line = watching.line();
    assert!(line.contains("refused") && line.contains("BADVERS"), "{line}");
    // Not SIGINT: a shell without a terminal has the programs in its background ignore that.
    let ended = Command::new("kill").args(["-TERM", &watching.child.id().to_string()]).status();
    assert!(ended.unwrap().success());
    let (status, stderr) = watching.ended();
    assert_eq!((status.signal(), stderr.as_str()), (Some(15), ""), "as shells expect");
}

#[test]
fn the_daemon_applies_filters() {
    let (daemon, socket) = daemon();
    let mut failed = Watching::start(&socket, &["--failed"]);
    let mut below = Watching::start(&socket, &["--name", "EXAMPLE.com", "--client", "127.0.0.0/8"]);
    let mut elsewhere = Watching::start(&socket, &["--client", "192.0.2.1"]);
    daemon.ask(&localhost(1, Rtype::A));
    daemon.ask(&of_wrong_version());
    for watching in [&mut failed, &mut below] {
        let line = watching.line();
        assert!(line.contains("BADVERS") && line.contains("www.Example.com. A"), "{line}");
    }
    drop(daemon);
    assert!(elsewhere.lines.next().is_none(), "no query of this client");
    let (status, stderr) = elsewhere.ended();
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("the daemon has ended the watch"), "{stderr}");
    for watching in [failed, below] {
        watching.ended();
    }
}

#[test]
fn a_watch_ends_once_the_reader_of_the_output_has_left() {
    let (_daemon, socket) = daemon();
    let (status, stderr) = Watching::start(&socket, &[]).ended();
    assert_eq!((status.code(), stderr.as_str()), (Some(141), ""));
}

#[test]
fn json_has_an_object_a_line() {
    let (daemon, socket) = daemon();
    let mut child = Command::new(env!("CARGO_BIN_EXE_zoners"))
        .args(["watch", "--json", "--control", &socket])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Without a heading the beginning of the watch is unknown, so queries go out until the first event.
    let (first, event) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || first.send(lines.next().unwrap().unwrap()));
    crate::common::waiting::until("an event", || {
        daemon.ask(&localhost(1, Rtype::AAAA));
        reading.is_finished()
    });
    let event: Value = serde_json::from_str(&event.recv().unwrap()).unwrap();
    assert_eq!((&event["version"], &event["event"]), (&1.into(), &"query".into()));
    assert_eq!((&event["outcome"], &event["rcode"]), (&"local".into(), &"NOERROR".into()));
    assert_eq!((&event["name"], &event["type"]), (&"LocalHost.".into(), &"AAAA".into()));
    child.kill().unwrap();
    child.wait().unwrap();
}
