//! `zoners why`, `failures` and `history` of a running daemon.

use std::net::UdpSocket;

use serde_json::Value;
use zoners_dns::Rtype;

use crate::common::{Daemon, query_for, zoners};

/// The object that a command prints, and the exit code.
fn object(arguments: &[&str]) -> (Value, Option<i32>) {
    let output = zoners(&[arguments, &["--json"]].concat());
    let object = serde_json::from_slice(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (object.unwrap_or_else(|error| panic!("{error}: {errors}")), output.status.code())
}

#[test]
fn a_failed_question_is_explained_until_the_history_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control").display().to_string();
    // A port that is closed again.
    let forwarder = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let daemon = Daemon::start(&format!(
        "control = {socket:?}\n[[forward]]\nzone = \"corp.example\"\nservers = [\"{forwarder}\"]"
    ));
    daemon.ask(&query_for(7, "www.corp.example", Rtype::A));
    let why = ["why", "www.Corp.example", "--control", &socket];
    let (report, code) = object(&why);
    assert_eq!(code, Some(0));
    let resolution = &report["resolutions"][0];
    assert_eq!(resolution["name"], "www.corp.example.");
    assert_eq!(resolution["failed"], true);
    assert_eq!(resolution["hops"][0]["address"], forwarder.to_string());
    let verdict = resolution["verdict"]["text"].as_str().unwrap();
    assert!(verdict.starts_with("no answer after "), "{verdict}");
    let page = zoners(&why);
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    assert!(page.contains("www.corp.example. A") && !page.contains('\u{1b}'), "{page}");
    let (below, code) = object(&["why", "corp.example", "--control", &socket]);
    assert_eq!((&below["names_below"][0], code), (&"www.corp.example.".into(), Some(1)));
    let (failures, _) = object(&["failures", "--control", &socket]);
    assert_eq!(failures["names"][0]["name"], "www.corp.example.");
    let (erased, _) = object(&["history", "erase", "--control", &socket]);
    assert_eq!(erased["records"], 1);
    let (report, code) = object(&why);
    assert_eq!((report["resolutions"].as_array().map(Vec::len), code), (Some(0), Some(1)));
}

#[test]
fn without_memory_there_is_no_history() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control").display().to_string();
    let _daemon = Daemon::start(&format!("control = {socket:?}\n[history]\nsize = 0"));
    let output = zoners(&["why", "example.com", "--control", &socket]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("no history is kept: history.size is 0"), "{errors}");
}
