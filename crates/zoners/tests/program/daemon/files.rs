//! Planted files and links where the daemon and the commands write.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::common::authority::{Authority, ask};
use crate::common::{Daemon, file, zoners};

fn daemon(authority: &Authority, state: &Path) -> Daemon {
    let (shown, stub) = (state.display(), authority.stub());
    let socket = state.join("socket");
    let text = format!("state = \"{shown}\"\ncontrol = {:?}\n{stub}", socket.display().to_string());
    Daemon::start(&text)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[test]
fn links_in_the_state_folder_are_neither_written_through_nor_believed() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let elsewhere = tempfile::tempdir().unwrap();
    let planted = ["cache", "cache.new", "cache.key", "cache.key.new", "root-keys.json"];
    for name in planted {
        let target = elsewhere.path().join(name);
        fs::write(&target, "0123456789abcdef0123456789abcdef").unwrap();
        symlink(&target, state.path().join(name)).unwrap();
    }
    let mut daemon = daemon(&authority, state.path());
    ask(&daemon, 1);
    daemon.signal("-TERM");
    assert!(daemon.child.wait().unwrap().success());
    for name in planted {
        let octets = fs::read(elsewhere.path().join(name)).unwrap();
        assert_eq!(octets, b"0123456789abcdef0123456789abcdef", "{name}");
    }
    for secret in ["cache", "cache.key"] {
        let path = state.path().join(secret);
        assert!(fs::symlink_metadata(&path).unwrap().is_file(), "{secret}");
        assert_eq!(mode(&path), 0o600, "{secret}");
    }
    let key = fs::read(state.path().join("cache.key")).unwrap();
    assert_ne!(key, b"0123456789abcdef0123456789abcdef", "a secret that another knows is none");
}

#[test]
fn a_secret_that_others_have_read_is_replaced() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let key = state.path().join("cache.key");
    let octets = [7; 32];
    for (mode, kept) in [(0o600, true), (0o640, false), (0o604, false), (0o666, false)] {
        fs::write(&key, octets).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        drop(daemon(&authority, state.path()));
        assert_eq!(fs::read(&key).unwrap() == octets, kept, "{mode:o}");
    }
}

#[test]
fn a_state_folder_that_others_may_write_is_not_used() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let (shown, stub) = (state.path().display().to_string(), authority.stub());
    fs::set_permissions(state.path(), Permissions::from_mode(0o777)).unwrap();
    let mut daemon = Daemon::unready(&format!("state = {shown:?}\n{stub}"));
    assert!(daemon.is_ready_and("may be written by others (mode 777) (server.state"));
    ask(&daemon, 1);
    daemon.signal("-TERM");
    assert!(daemon.child.wait().unwrap().success());
    assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
}

#[test]
fn a_dump_is_written_by_the_command_with_its_own_rights() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let daemon = daemon(&authority, state.path());
    (0..20).for_each(|number| ask(&daemon, number));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let socket = state.path().join("socket").display().to_string();
    let cache = |what: &str, name: &str| {
        let path = at(name).display().to_string();
        zoners(&["cache", what, &path, "--control", &socket])
    };
    fs::write(at("precious"), "keep").unwrap();
    symlink(at("precious"), at("dump")).unwrap();
    assert!(cache("dump", "dump").status.success());
    assert_eq!(fs::read(at("precious")).unwrap(), b"keep");
    assert!(fs::symlink_metadata(at("dump")).unwrap().is_file() && mode(&at("dump")) == 0o600);
    assert!(cache("load", "dump").status.success());
    assert!(!cache("dump", "no/such").status.success());
    // A file in its place would destroy a pipe.
    let pipe = at("pipe").display().to_string();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refused = cache("dump", "pipe");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no plain file"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing beside");
    // Without a file there is nothing to write to.
    for (asked, refused) in [
        (r#"{"do":"cache-dump","file":"/tmp/other"}"#, "unknown field `file`"),
        (r#"{"do":"cache-dump"}"#, "no plain file"),
    ] {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(format!("{asked}\n").as_bytes()).unwrap();
        let mut reply = String::new();
        BufReader::new(stream).read_line(&mut reply).unwrap();
        assert!(reply.contains(r#""reply":"error""#) && reply.contains(refused), "{reply}");
    }
}

#[test]
fn what_changes_something_is_logged_with_the_user_who_asked() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let mut daemon = daemon(&authority, state.path());
    let socket = state.path().join("socket").display().to_string();
    let ask = |arguments: &[&str]| {
        let output = zoners(&[arguments, &["--control", &socket]].concat());
        assert!(output.status.success(), "{output:?}");
    };
    let dump = state.path().join("dump").display().to_string();
    ask(&["status"]);
    ask(&["cache", "flush", "example.com", "--subtree"]);
    ask(&["nta", "add", "broken.example", "--for", "60"]);
    ask(&["nta", "remove", "broken.example"]);
    ask(&["cache", "dump", &dump]);
    ask(&["cache", "load", &dump]);
    let user = rustix::process::geteuid().as_raw();
    for change in [
        "cache flush \"example.com\" --subtree",
        "nta add \"broken.example\" --for 60",
        "nta remove \"broken.example\"",
        "cache dump",
        "cache load",
    ] {
        let line = daemon.line_with("control: ").unwrap();
        let of_user = line.contains(&format!("control: user {user} (process "));
        assert!(of_user && line.trim_end().ends_with(change), "{line}");
    }
    daemon.signal("-TERM");
    assert!(daemon.logs("stopped"), "and nothing more");
}

#[test]
fn a_misspelt_folder_of_the_control_socket_is_told_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("tpm");
    let socket = missing.join("zoners.sock").display().to_string();
    let text = format!("[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = {socket:?}\n");
    let config = file(&folder, &text).display().to_string();
    for arguments in [&["serve", "--config", &config][..], &["check", &config]] {
        let output = zoners(arguments);
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("zoners.toml:3:11: server.control: there is no folder "), "{told}");
        assert!(told.contains("/run/zoners"), "{told}");
        assert!(!missing.exists());
    }
}

#[test]
fn pages_and_reports_do_not_follow_links() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    fs::write(&precious, "keep").unwrap();
    let pages = folder.path().join("pages");
    fs::create_dir(&pages).unwrap();
    symlink(&precious, pages.join("zoners-serve.1")).unwrap();
    assert!(zoners(&["manual", &pages.display().to_string()]).status.success());
    assert!(fs::symlink_metadata(pages.join("zoners-serve.1")).unwrap().is_file());
    let report = folder.path().join("report.html");
    symlink(&precious, &report).unwrap();
    let output =
        zoners(&["bench", "--server", "127.0.0.1:1", "--html", &report.display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no plain file"));
    assert_eq!(fs::read(&precious).unwrap(), b"keep");
}
