//! The command as a user runs it: the real binary, real sockets on the loopback interface.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, UdpSocket};

use crate::common::{Daemon, file, localhost, zoners};
use zoners_dns::Rtype;

#[test]
fn the_control_socket_says_how_the_daemon_is() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control").display().to_string();
    let daemon = Daemon::start(&format!("control = {socket:?}\nthreads = 2"));
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    let ask = |arguments: &[&str]| {
        let output = zoners(&[arguments, &["--control", &socket]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (_, status, _) = ask(&["status"]);
    assert!(status.contains(&daemon.address.to_string()), "{status}");
    for id in 0..5 {
        daemon.ask(&localhost(id, Rtype::A));
    }
    daemon.ask(&[0; 12]);
    let (_, stats, _) = ask(&["stats", "--json"]);
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(
        (&stats["counters"]["client_queries"], &stats["counters"]["client_local"]),
        (&6.into(), &5.into())
    );
    let (code, found, _) = ask(&["lookup", "localhost", "A", "--daemon", "+noall", "+answer"]);
    assert_eq!((code, found.as_str()), (Some(0), "localhost. 10800 IN A 127.0.0.1\n"));
    let (_, flushed, _) = ask(&["cache", "flush", "example.com", "--subtree"]);
    assert_eq!(flushed, "0 entries removed\n");
    let (_, told, _) = ask(&["nta", "add", "Broken.example", "--for", "600"]);
    assert_eq!(told, "Broken.example. is not validated for 10 min\n");
    let (_, listed, _) = ask(&["nta", "list"]);
    assert!(listed.starts_with("Broken.example. is not validated for "), "{listed}");
    let (_, told, _) = ask(&["nta", "remove", "broken.example"]);
    assert_eq!(told, "broken.example. is validated again\n");
    let (code, _, told) = ask(&["nta", "add", "x.example", "--for", "9999999"]);
    assert!(code == Some(1) && told.contains("604800"), "{told}");
    let (code, _, told) = ask(&["cache", "flush", "a..b"]);
    assert!(code == Some(1) && told.contains("a..b"), "{told}");
    let mut raw = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    raw.write_all(b"nonsense\n{\"do\":\"dance\"}\n").unwrap();
    let mut lines = BufReader::new(raw).lines();
    assert!(lines.next().unwrap().unwrap().contains(r#""kind":"malformed-request""#));
    let told = lines.next().unwrap().unwrap();
    assert!(told.contains(r#""kind":"unknown-request""#), "{told}");
    assert!(told.contains("lookup"), "what is allowed is told: {told}");
    drop(daemon);
    let (code, _, told) = ask(&["status"]);
    assert!(code == Some(1) && told.contains("no daemon is running"), "{told}");
}

/// A command in an environment in which nothing but the user's folders are told.
fn by_user(folder: &std::path::Path, arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_zoners"));
    command.args(arguments).env_clear().env("XDG_STATE_HOME", folder);
    command
}

#[test]
fn the_control_socket_is_looked_for_where_the_daemon_puts_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = file(&folder, "[server]\nlisten = [\"127.0.0.1:0\"]\n");
    let config = config.display().to_string();
    let runtime = folder.path().join("run");
    std::fs::create_dir(&runtime).unwrap();
    let mut child = by_user(folder.path(), &["serve", "--config", &config])
        .env("RUNTIME_DIRECTORY", &runtime)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("serving on")));
    let status = |arguments: &[&str]| {
        let mut command = by_user(folder.path(), &[&["status"], arguments].concat());
        let output = command.env("RUNTIME_DIRECTORY", &runtime).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), told)
    };
    assert_eq!(status(&[]).0, Some(0));
    // A configured path is the only place.
    let named = folder.path().join("named").display().to_string();
    file(&folder, &format!("[server]\ncontrol = {named:?}\n"));
    let (code, told) = status(&["--config", &config]);
    assert!(code == Some(1) && told.contains(&format!("{named}: No such file")), "{told}");
    file(&folder, "[server]\ncontrol = \"\"\n");
    let (code, told) = status(&["--config", &config]);
    assert!(code == Some(2) && told.contains("no control socket"), "{told}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_known_of_servers_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control").display().to_string();
    // The port is closed: the system reports it at once.
    let closed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let daemon = Daemon::start(&format!(
        "control = {socket:?}\n[[stub]]\nzone = \"stub.example\"\nservers = [\"{closed}\"]"
    ));
    let ask = |arguments: &[&str]| {
        let output = zoners(&[arguments, &["--control", &socket]].concat());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let known = |zone: &str| -> serde_json::Value {
        serde_json::from_str(&ask(&["servers", zone, "--json"])).unwrap()
    };
    let before = known("www.stub.example");
    assert_eq!(before["zone"], "stub.example.");
    assert_eq!(before["servers"][0]["asked_s"], serde_json::Value::Null);
    ask(&["lookup", "one.stub.example", "A", "--daemon"]);
    let trace = ask(&["lookup", "two.stub.example", "A", "--daemon", "--trace"]);
    assert!(trace.contains(&format!("skipped {closed}")), "{trace}");
    assert!(trace.contains("next probe in "), "{trace}");
    let server = &known("stub.example")["servers"][0];
    assert_eq!(server["address"].as_str().unwrap(), closed.to_string());
    assert!(server["trouble"].as_str().unwrap().contains("refused connection"), "{server}");
    let all = ask(&["servers"]);
    assert!(all.contains("never replied") && all.contains("refused connection"), "{all}");
    let status = ask(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["network"]["reachability"]["ipv4"], true);
    drop(daemon);
}

#[test]
fn a_control_path_that_is_a_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    std::fs::write(&precious, "keep").unwrap();
    let precious = precious.display().to_string();
    let text = format!("[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = {precious:?}\n");
    let output = zoners(&["serve", "--config", &file(&folder, &text).display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&precious));
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "keep");
}

#[test]
fn completions_and_manual_pages_are_made() {
    let bash = zoners(&["completions", "bash"]);
    assert!(String::from_utf8_lossy(&bash.stdout).contains("zoners"));
    let folder = tempfile::tempdir().unwrap();
    assert!(zoners(&["manual", &folder.path().display().to_string()]).status.success());
    let page = std::fs::read_to_string(folder.path().join("zoners-lookup.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("trace"));
    let page = std::fs::read_to_string(folder.path().join("zoners.toml.5")).unwrap();
    assert!(page.contains("listen = ") && page.contains("opportunistic"), "{page}");
}

#[test]
fn check_says_what_is_wrong_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(&folder, "[server]\nlisten = [\"127.0.0.1:5300\"]\n");
    let output = zoners(&["check", &good.display().to_string()]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("127.0.0.1:5300"));
    let bad = file(&folder, "[server]\n\nlisen = []\n");
    let output = zoners(&["check", &bad.display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("zoners.toml:3:1") && told.contains("did you mean `listen`?"), "{told}");
    assert!(!told.contains('\u{1b}'), "no colour where there is no terminal");
}

#[test]
fn lookup_tells_bad_names_and_types_from_failures() {
    for arguments in [["lookup", "a..b", "A"], ["lookup", "example.com", "NONSENSE"]] {
        let output = zoners(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    assert_eq!(zoners(&["lookup"]).status.code(), Some(2));
}

#[test]
fn lookup_answers_special_names_without_asking_anyone() {
    let output = zoners(&["lookup", "localhost", "A", "--trace"]);
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("localhost. A\nlocalhost. 10800 IN A 127.0.0.1\n;; A: "), "{text}");
    assert!(text.ends_with(" ms, from local data\n"), "{text}");
    assert_eq!(zoners(&["lookup", "printer.local", "A"]).status.code(), Some(3));
}

#[test]
fn lookup_fails_with_a_reason_that_programs_can_read() {
    // A root server without an address.
    let folder = tempfile::tempdir().unwrap();
    let hints = folder.path().join("hints");
    let closed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    std::fs::write(&hints, ". NS a.root.\na.root. A 127.0.0.1\n").unwrap();
    let text = format!(
        "[resolver]\nroot-hints = {:?}\npriming = false\n[[stub]]\nzone = \"stub.example\"\nservers = [\"{closed}\"]\n",
        hints.display().to_string()
    );
    let config = file(&folder, &text).display().to_string();
    let output =
        zoners(&["lookup", "www.stub.example", "A", "--json", "--trace", "--config", &config]);
    assert_eq!(output.status.code(), Some(1));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["rcode"], "SERVFAIL");
    assert_eq!(object["ede"]["code"], 23, "{object}");
    assert_eq!(object["trace"][0]["text"], "connection refused", "{object}");
    let plain = zoners(&["lookup", "www.stub.example", "A", "--trace", "--config", &config]);
    let text = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert!(text.contains("connection refused"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
