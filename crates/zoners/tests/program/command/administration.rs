//! Commands for changes and checks of a running daemon.

use std::process::Output;

use serde_json::Value;

use crate::common::{Daemon, zoners};

/// A daemon, with the path of the control socket.
fn daemon(more: &str) -> (Daemon, String) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.keep().join("control").display().to_string();
    (Daemon::start(&format!("control = {socket:?}\n{more}")), socket)
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes another configuration, without a signal.
fn configure(daemon: &Daemon, more: &str) {
    let text = format!("[server]\nlisten = [\"127.0.0.1:0\"]\n{more}\n");
    std::fs::write(daemon.folder.path().join("zoners.toml"), text).unwrap();
}

#[test]
fn reload_tells_what_came_of_it() {
    let (mut daemon, socket) = daemon("");
    let reload = |more: &[&str]| zoners(&[&["reload", "--control", &socket], more].concat());
    let control = format!("control = {socket:?}");
    configure(
        &daemon,
        &format!("{control}\nthreads = 7\n[local]\nrecords = [\"nas.test. A 192.0.2.1\"]"),
    );
    let reloaded = reload(&[]);
    assert_eq!(reloaded.status.code(), Some(0), "{}", stderr(&reloaded));
    assert!(stdout(&reloaded).contains("zoners.toml is in force"), "{}", stdout(&reloaded));
    assert!(stderr(&reloaded).contains("restart: server.threads"), "{}", stderr(&reloaded));
    assert!(daemon.logs("control: user "));
    let found = zoners(&["healthcheck", "--name", "nas.test", "--control", &socket]);
    assert!(stdout(&found).contains("NOERROR"), "{}", stderr(&found));
    // A fault changes nothing, and is reported with the line.
    configure(&daemon, &format!("{control}\nlisen = []"));
    let refused = reload(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("not reloaded"), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("zoners.toml:4:1: "), "{}", stderr(&refused));
    let object: Value = serde_json::from_str(&stdout(&reload(&["--json"]))).unwrap();
    assert_eq!((&object["reply"], &object["reloaded"]), (&"reload".into(), &false.into()));
    assert_eq!(object["errors"].as_array().unwrap().len(), 1, "{object}");
    let status = zoners(&["status", "--json", "--control", &socket]);
    let status: Value = serde_json::from_str(&stdout(&status)).unwrap();
    assert_eq!(status["reloads"], 1);
}

#[test]
fn a_reload_logs_old_names_of_keys_as_a_start_does() {
    let (mut daemon, socket) = daemon("");
    let control = format!("control = {socket:?}");
    let reload = || zoners(&["reload", "--control", &socket]);
    configure(&daemon, &format!("{control}\n[cache]\nttl-floor = 7"));
    let reloaded = reload();
    assert_eq!(reloaded.status.code(), Some(0), "{}", stderr(&reloaded));
    let line = daemon.line_with("the name of this key is now").unwrap();
    assert!(line.contains("zoners.toml:5:13: cache.ttl-floor: "), "{line}");
    assert!(stderr(&reloaded).contains("`cache.min-ttl`"), "{}", stderr(&reloaded));
    // A remark that was logged is not logged again.
    reload();
    configure(&daemon, &format!("{control}\n[cache]\nttl-cap = 70"));
    reload();
    let line = daemon.line_with("the name of this key is now").unwrap();
    assert!(line.contains("cache.ttl-cap: "), "{line}");
}

#[test]
fn a_start_logs_old_names_of_keys() {
    let mut daemon = Daemon::unready("waiting = 9000");
    assert!(daemon.is_ready_and("server.waiting: the name of this key is now"));
}

#[test]
fn requests_to_reload_at_the_same_time_are_all_answered() {
    let (daemon, socket) = daemon("");
    configure(&daemon, &format!("control = {socket:?}"));
    let codes: Vec<Option<i32>> = std::thread::scope(|scope| {
        let reload = || zoners(&["reload", "--control", &socket]).status.code();
        let reloads: Vec<_> = (0..8).map(|_| scope.spawn(reload)).collect();
        reloads.into_iter().map(|reload| reload.join().unwrap()).collect()
    });
    assert_eq!(codes, [Some(0); 8]);
}

#[test]
fn a_health_check_asks_the_daemon_where_it_serves() {
    let (daemon, socket) = daemon("");
    let check = |more: &[&str]| zoners(&[&["healthcheck", "--name", "localhost"], more].concat());
    let well = check(&["--control", &socket]);
    assert_eq!(well.status.code(), Some(0), "{}", stderr(&well));
    assert!(
        stdout(&well).starts_with(&format!("healthy: {}", daemon.address)),
        "{}",
        stdout(&well)
    );
    let address = daemon.address.to_string();
    let well = check(&["--server", &address, "--json"]);
    let object: Value = serde_json::from_str(&stdout(&well)).unwrap();
    assert_eq!((&object["healthy"], &object["rcode"]), (&true.into(), &"NOERROR".into()));
    drop(daemon);
    let ill = check(&["--server", &address, "--json"]);
    let object: Value = serde_json::from_str(&stdout(&ill)).unwrap();
    assert_eq!((ill.status.code(), &object["healthy"]), (Some(1), &false.into()));
    assert!(object["error"].is_string() && ill.stderr.is_empty(), "{object}");
    let ill = check(&["--control", &socket]);
    assert_eq!(ill.status.code(), Some(1));
    assert!(stderr(&ill).contains("no daemon is running"), "{}", stderr(&ill));
}

#[test]
fn status_tells_how_the_first_recursion_went() {
    let (mut daemon, socket) = daemon("");
    assert!(daemon.logs("recursion: "));
    let status = zoners(&["status", "--json", "--control", &socket]);
    let object: Value = serde_json::from_str(&stdout(&status)).unwrap();
    let first = &object["network"]["first_recursion"];
    assert!(first["state"].is_string() && first["text"].is_string(), "{object}");
    let page = zoners(&["status", "--control", &socket]);
    assert!(stdout(&page).contains("tried by the server"), "{}", stdout(&page));
}

#[test]
fn a_cache_is_emptied_as_a_whole_only_where_that_is_said() {
    let (_daemon, socket) = daemon("");
    let flush = |more: &[&str]| zoners(&[&["cache", "flush", "--control", &socket], more].concat());
    assert_eq!(stdout(&flush(&["--all"])), "0 entries removed\n");
    for wrong in [&[][..], &["example.com", "--all"], &["--all", "--subtree"]] {
        assert_eq!(flush(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[cfg(feature = "demo")]
#[test]
fn each_command_that_the_demonstration_shows_works() {
    let demo = crate::common::Demo::start();
    let server = demo.addresses[0].to_string();
    let healthy = zoners(&["healthcheck", "--server", &server, "--name", "www.fast.demo"]);
    assert!(healthy.status.success(), "{}", stderr(&healthy));
    assert!(demo.commands.len() >= 4, "{:?}", demo.commands);
    for command in &demo.commands {
        let shown = zoners(&command.split(' ').collect::<Vec<_>>());
        assert!(
            shown.status.success() && !shown.stdout.is_empty(),
            "{command}: {}",
            stderr(&shown)
        );
    }
    for (name, reason) in [
        ("www.dead.demo", "(EDE 22: No Reachable Authority)"),
        ("www.expired.demo", "the signature has expired (EDE 7: Signature Expired)"),
    ] {
        let failed = zoners(&["healthcheck", "--server", &server, "--name", name]);
        assert_eq!(failed.status.code(), Some(1));
        let told = stderr(&failed);
        assert!(told.contains("answered SERVFAIL") && told.contains(reason), "{told}");
    }
    let socket = demo.commands[0].split(' ').next_back().unwrap();
    let reload = zoners(&["reload", "--control", socket]);
    assert!(stderr(&reload).contains("no configuration to reload"), "{}", stderr(&reload));
}
