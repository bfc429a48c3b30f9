//! The query log and dnstap, turned on and off by a reload.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::mpsc::{Receiver, channel};

use crate::common::waiting::until;
use crate::common::{Daemon, localhost, zoners};
use zoners_dns::Rtype;

/// The frame ACCEPT of Frame Streams with the content type of dnstap.
fn accept_frame() -> Vec<u8> {
    let content_type = b"protobuf:dnstap.Dnstap";
    let number = |number: usize| (number as u32).to_be_bytes();
    let field = [&number(1), &number(content_type.len()), &content_type[..]].concat();
    [&number(0), &number(4 + field.len()), &number(1), &field[..]].concat()
}

/// Accepts one sender at a time, and hands on the octets after each hand-shake; an empty part ends a connection.
fn read_tap(listener: UnixListener) -> Receiver<Vec<u8>> {
    let (sender, parts) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut octets = [0; 4096];
            // READY.
            assert!(stream.read(&mut octets).unwrap() > 0);
            stream.write_all(&accept_frame()).unwrap();
            loop {
                let length = stream.read(&mut octets).unwrap_or(0);
                if sender.send(octets[..length].to_vec()).is_err() || length == 0 {
                    break;
                }
            }
        }
    });
    parts
}

#[test]
fn a_reload_turns_the_query_log_and_dnstap_on_and_off() {
    let folder = tempfile::tempdir().unwrap();
    let control = folder.path().join("control").display().to_string();
    let tap = folder.path().join("tap");
    let parts = read_tap(UnixListener::bind(&tap).unwrap());
    let server = format!("control = {control:?}");
    let mut daemon = Daemon::start(&server);
    let log = || {
        let output = zoners(&["log", "--json", "--control", &control]);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let reload = |daemon: &mut Daemon, more: &str| {
        daemon.reconfigure(&format!("{server}\n{more}"));
        assert!(daemon.logs("reload: the new configuration is in force"));
    };
    daemon.ask(&localhost(1, Rtype::A));
    assert_eq!(log(), (Some(1), String::new()), "no query is logged");

    let on =
        format!("[query-log]\nqueries = \"all\"\n[dnstap]\nto = {tap:?}\nmessages = [\"client\"]");
    reload(&mut daemon, &on);
    daemon.ask(&localhost(2, Rtype::AAAA));
    let mut seen = Vec::new();
    while !seen.windows(9).any(|part| part == b"LocalHost") {
        seen.extend(parts.recv().unwrap());
    }
    until("the query is logged", || log().1.contains("\"type\":\"AAAA\""));
    assert!(!log().1.contains("\"type\":\"A\""), "the query before");

    reload(&mut daemon, "");
    until("the connection ends", || parts.recv().unwrap().is_empty());
    daemon.ask(&localhost(3, Rtype::A));
    assert_eq!(log(), (Some(1), String::new()));
    let stats = zoners(&["stats", "--json", "--control", &control]);
    let stats: serde_json::Value = serde_json::from_slice(&stats.stdout).unwrap();
    let counted = |name: &str| stats["counters"][name].as_u64().unwrap();
    // A query and its response.
    assert_eq!((counted("query_log_rows"), counted("dnstap_written")), (1, 2));

    // The rows of before are still there.
    reload(&mut daemon, &on);
    until("the log is there again", || log().1.contains("\"type\":\"AAAA\""));
}
