//! Local data and reloads, with the real binary.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::common::waiting::until;
use crate::common::{Daemon, file, localhost, query_for, zoners};
use zoners_dns::{Message, OptRcode, Rtype};

/// The answer of a daemon for the address of a name.
fn address(daemon: &Daemon, name: &str) -> Option<String> {
    let reply = Message::parse(&daemon.ask(&query_for(1, name, Rtype::A)).into()).unwrap();
    let set = reply.answer.first()?;
    set.addresses().next().map(|address| address.to_string())
}

/// A daemon with a control socket and a hosts file beside its configuration, and their paths.
fn daemon(hosts: Option<&str>) -> (Daemon, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    if let Some(hosts) = hosts {
        fs::write(folder.path().join("hosts"), hosts).unwrap();
    }
    let path = |name: &str| folder.path().join(name).display().to_string();
    let text = format!(
        "control = {:?}\n[local]\nhosts = {:?}\nspecial-use.test = true\n",
        path("control"),
        path("hosts")
    );
    (Daemon::start(&text), folder)
}

#[test]
fn a_hosts_file_that_is_not_there_is_told_and_served_once_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    let shown = hosts.display().to_string();
    let mut daemon = Daemon::unready(&format!("[local]\nhosts = {shown:?}\n"));
    let told = daemon.line_with("local.hosts").unwrap();
    assert!(told.contains("zoners.toml:4:9: local.hosts: ") && told.contains(&shown), "{told}");
    assert!(daemon.is_ready());
    // `test.` is a special-use name, so no server is asked.
    assert_eq!(address(&daemon, "nas.test"), None);
    let write = |text: &str| {
        fs::write(folder.path().join("new"), text).unwrap();
        fs::rename(folder.path().join("new"), &hosts).unwrap();
    };
    write("192.168.1.2 nas.test\n");
    until("it is read", || address(&daemon, "nas.test").is_some());
    // A new file in its place, as long and as old.
    write("192.168.1.3 nas.test\n");
    until("it is read again", || address(&daemon, "nas.test").as_deref() == Some("192.168.1.3"));
    fs::remove_file(&hosts).unwrap();
    until("it is gone", || address(&daemon, "nas.test").is_none());
    assert!(daemon.logs("local.hosts"));
}

#[test]
fn odd_lines_are_told_once_and_the_others_served() {
    let text = "192.168.1.300 far.test\n192.168.1.2 nas.test\n0.0.0.0 ads..test\n";
    let (mut daemon, folder) = daemon(Some(text));
    assert_eq!(address(&daemon, "nas.test").as_deref(), Some("192.168.1.2"));
    let hosts = folder.path().join("hosts").display().to_string();
    let told = |line: &str| line.contains(&hosts);
    let mut lines = Vec::new();
    for _ in 0..2 {
        daemon.signal("-HUP");
        loop {
            let line = daemon.line_with("").unwrap();
            let done = line.contains("reload: the new configuration is in force");
            lines.push(line);
            if done {
                break;
            }
        }
    }
    assert_eq!(lines.iter().filter(|line| told(line)).count(), 0, "told at the start: {lines:#?}");
    fs::write(&hosts, format!("{text}odd\n")).unwrap();
    daemon.signal("-HUP");
    assert!(daemon.line_with(&hosts).unwrap().contains(":4: `odd` is no address"));
}

#[test]
fn wildcards_of_the_configuration_are_served() {
    let records = "\"*.dev.test. A 192.168.1.5\", \"db.dev.test. A 192.168.1.6\"";
    let daemon = Daemon::start(&format!("[local]\nrecords = [{records}]\n"));
    assert_eq!(address(&daemon, "a.b.dev.test").as_deref(), Some("192.168.1.5"));
    assert_eq!(address(&daemon, "db.dev.test").as_deref(), Some("192.168.1.6"));
    let reply =
        Message::parse(&daemon.ask(&query_for(1, "x.db.dev.test", Rtype::A)).into()).unwrap();
    assert_eq!(reply.rcode, OptRcode::NXDOMAIN);
    let reply =
        Message::parse(&daemon.ask(&query_for(1, "x.dev.test", Rtype::AAAA)).into()).unwrap();
    assert_eq!((reply.rcode, reply.answer.len()), (OptRcode::NOERROR, 0));
}

#[test]
fn leases_are_served_read_again_and_dropped_at_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let leases = folder.path().join("dnsmasq.leases");
    let shown = leases.display().to_string();
    let mut daemon = Daemon::unready(&format!("[network]\nleases = [{shown:?}]\n"));
    let told = daemon.line_with("network.leases").unwrap();
    assert!(told.contains("zoners.toml:4:") && told.contains(&shown), "{told}");
    assert!(daemon.is_ready());
    assert_eq!(address(&daemon, "katze.lan"), None);
    fs::write(&leases, "0 aa 192.168.1.5 katze *\n").unwrap();
    until("the file is read", || address(&daemon, "katze.lan").is_some());
    // Written in place, as dnsmasq does.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    fs::write(&leases, format!("0 aa 192.168.1.6 katze *\n{} bb 192.168.1.7 hund *\n", now + 2))
        .unwrap();
    until("the file is read again", || {
        address(&daemon, "katze.lan").as_deref() == Some("192.168.1.6")
    });
    until("the lease has ended", || address(&daemon, "hund.lan").is_none());
    let reply = Message::parse(&daemon.ask(&query_for(1, "hund.lan", Rtype::A)).into()).unwrap();
    assert_eq!(reply.rcode, OptRcode::NXDOMAIN, "and no server is asked");
    fs::write(folder.path().join("new"), "0 aa 192.168.1.8 wpad *\n").unwrap();
    fs::rename(folder.path().join("new"), &leases).unwrap();
    assert!(
        daemon.logs("leases: the name `wpad` of 192.168.1.8, which is reserved, is not served")
    );
    assert_eq!(address(&daemon, "wpad.lan"), None);
}

/// Replaces a file by a pipe, so that a reader waits until the pipe is written.
fn block(path: &Path) {
    fs::remove_file(path).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn while_a_configuration_is_read_nothing_waits() {
    let (mut daemon, folder) = daemon(Some("192.168.1.2 nas.test\n"));
    let config = daemon.folder.path().join("zoners.toml");
    let text = fs::read_to_string(&config).unwrap();
    let control = folder.path().join("control").display().to_string();
    let status = || zoners(&["status", "--json", "--control", &control]);
    block(&config);
    daemon.signal("-HUP");
    // Opening a pipe waits until the other end is open.
    let mut pipe = File::options().write(true).open(&config).unwrap();
    assert!(status().status.success());
    assert_eq!(address(&daemon, "nas.test").as_deref(), Some("192.168.1.2"));
    // Requests during the reload are served after the reload.
    fs::write(folder.path().join("hosts"), "192.168.1.33 nas.test\n").unwrap();
    pipe.write_all(text.replace("[local]", "version = \"2\"\n[local]").as_bytes()).unwrap();
    drop(pipe);
    assert!(daemon.logs("reload: the new configuration is in force"));
    until("the hosts file is read", || {
        address(&daemon, "nas.test").as_deref() == Some("192.168.1.33")
    });

    daemon.signal("-HUP");
    let _pipe = File::options().write(true).open(&config).unwrap();
    assert!(status().status.success());
    daemon.signal("-TERM");
    assert!(daemon.child.wait().unwrap().success());
}

#[test]
fn a_hosts_file_that_becomes_unreadable_leaves_what_is_served() {
    let (mut daemon, folder) = daemon(Some("192.168.1.2 nas.test\n"));
    let hosts = folder.path().join("hosts");
    fs::remove_file(&hosts).unwrap();
    fs::create_dir(&hosts).unwrap();
    daemon.ask(&localhost(1, Rtype::A));
    daemon.signal("-HUP");
    assert!(daemon.logs("reload: refused"));
    assert!(daemon.logs("local.hosts") && address(&daemon, "nas.test").is_some());
}

/// The exit code and the output of `zoners check`.
fn check(text: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = zoners(&["check", &file(&folder, text).display().to_string()]);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn check_finds_what_serve_would_refuse() {
    let wrong = "[server]\nuser = \"no-such-user-anywhere\"\nstate = \"/dev/null\"\nthreads = 2\n\
                 [resolver]\nsource-addresses = [\"192.0.2.1\"]\n[cache]\nmin-ttl = 2\nmax-ttl = 1\n\
                 [[stub]]\nzone = \"lan\"\nservers = [\"192.0.2.1\"]\n[[stub]]\nzone = \"lan\"\n\
                 servers = [\"192.0.2.1\"]\n[local]\nrecords = [\"x\"]\nhosts = \"/no/such/hosts\"\n";
    let (code, told) = check(wrong);
    assert_eq!(code, Some(2));
    for (line, key) in [
        (2, "server.user"),
        (3, "server.state"),
        (6, "resolver.source-addresses"),
        (8, "cache.min-ttl"),
        (14, "stub.zone"),
        (17, "local.records"),
        (18, "local.hosts"),
    ] {
        assert!(told.contains(&format!("zoners.toml:{line}:")) && told.contains(key), "{told}");
    }
    let (code, told) = check("[server]\nthreads = \"four\"\nlisten = \"127.0.0.1\"\n");
    assert_eq!((code, told.matches("zoners.toml:").count()), (Some(2), 2), "{told}");
}

#[test]
fn check_tells_what_serve_would_pass_over() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    let with_hosts = || check(&format!("[local]\nhosts = {:?}\n", hosts.display().to_string()));
    let (code, told) = with_hosts();
    assert!(code == Some(5) && told.starts_with("warning: "), "{told}");
    fs::write(&hosts, "odd\n192.168.1.2 nas.test\n").unwrap();
    let (code, told) = with_hosts();
    assert!(code == Some(5) && told.contains("hosts:1: `odd` is no address"), "{told}");
    fs::write(&hosts, "192.168.1.2 nas.test\n").unwrap();
    assert_eq!(with_hosts(), (Some(0), String::new()));
    assert_eq!(check("").0, Some(0));
}

#[test]
fn serve_says_the_same_as_check() {
    let text =
        "[server]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:1\"]\n[local]\nrecords = [\"x\"]\n";
    let folder = tempfile::tempdir().unwrap();
    let config = file(&folder, text).display().to_string();
    let checked = zoners(&["check", &config]);
    let served = zoners(&["serve", "--config", &config]);
    assert_eq!((checked.status.code(), served.status.code()), (Some(2), Some(2)));
    let checked = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(String::from_utf8_lossy(&served.stderr).ends_with(&checked), "{checked}");
}
