//! A Redis server replaced by a replica.

use std::fs;
use std::ops::Range;
use std::process::{Command, Stdio};

use crate::common::Daemon;
use crate::common::authority::{Authority, ask};
use crate::common::redis::{Redis, free_port};
use crate::common::sharing::{SECRET, count, node};
use crate::common::waiting::until;

/// Has a server's followers begin at once.
const PROMPT: [&str; 2] = ["--repl-diskless-sync-delay", "0"];

/// Whether a server is a replica and in sync.
fn follows(server: &Redis) -> bool {
    let role = server.says(&[b"ROLE"]);
    role[0] == "slave" && role[3] == "connected"
}

fn counts(server: &Redis) -> bool {
    server.says(&[b"ROLE"])[0] == "master"
}

/// Makes `node` write answers to new names until one arrives.
fn tells(node: &Daemon, numbers: &mut Range<usize>, arrived: impl Fn() -> bool) {
    let numbers = std::cell::RefCell::new(numbers);
    until("it is told", || {
        ask(node, numbers.borrow_mut().next().unwrap());
        arrived()
    });
}

#[test]
fn sentinels_name_the_one_that_counts_now() {
    let (authority, folder) = (Authority::start(), tempfile::tempdir().unwrap());
    let mut first = Redis::start(&PROMPT);
    let watched = first.port.to_string();
    let second = Redis::start(&[&PROMPT[..], &["--replicaof", "127.0.0.1", &watched]].concat());
    until("the second follows", || follows(&second));
    let (file, port) = (folder.path().join("sentinel.conf"), free_port());
    let settings = format!(
        "port {port}\nsentinel monitor main 127.0.0.1 {watched} 1\n\
         sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n"
    );
    fs::write(&file, settings).unwrap();
    let sentinel = Redis::sentinel(&file, port);
    until("the sentinel knows both", || {
        !sentinel.says(&[b"SENTINEL", b"REPLICAS", b"main"]).is_empty()
    });
    let settings = format!("url = [\"{}\"]\nsentinel = \"main\"\n{SECRET}", sentinel.url());
    let (node, mut numbers) = (node(&authority, &settings), 0..10_000);
    tells(&node, &mut numbers, || !first.keys().is_empty());
    first.kill();
    until("the second counts", || counts(&second));
    let before = second.keys().len();
    tells(&node, &mut numbers, || second.keys().len() > before);
    // The first comes back, and counts again, while the second lives on and follows.
    first.restart();
    until("the first follows", || follows(&first));
    until("the first counts", || {
        sentinel.says(&[b"SENTINEL", b"FAILOVER", b"main"]);
        counts(&first)
    });
    let before = first.keys().len();
    tells(&node, &mut numbers, || first.keys().len() > before);
    assert_eq!(count(&node, "client_servfail"), 0);
}

#[test]
fn a_cluster_goes_on_without_one_of_its_servers() {
    let authority = Authority::start();
    let own = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
    let own = [&PROMPT[..], &own].concat();
    let mut servers: Vec<Redis> = (0..6).map(|_| Redis::start(&own)).collect();
    let addresses = servers.iter().map(|server| format!("127.0.0.1:{}", server.port));
    let made = Command::new("redis-cli")
        .args(["--cluster", "create"])
        .args(addresses)
        .args(["--cluster-replicas", "1", "--cluster-yes"])
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let urls: Vec<String> = servers.iter().map(|server| format!("\"{}\"", server.url())).collect();
    let settings = format!("url = [{}]\ncluster = true\n{SECRET}", urls.join(", "));
    let (node, mut numbers) = (node(&authority, &settings), 0..10_000);
    until("three follow the others", || servers.iter().filter(|one| follows(one)).count() == 3);
    for server in servers.iter().filter(|server| counts(server)) {
        tells(&node, &mut numbers, || !server.keys().is_empty());
    }
    let gone = servers.iter().position(counts).unwrap();
    drop(servers.remove(gone));
    until("another takes its place", || servers.iter().filter(|one| counts(one)).count() == 3);
    for server in servers.iter().filter(|server| counts(server)) {
        let before = server.keys().len();
        tells(&node, &mut numbers, || server.keys().len() > before);
    }
    assert_eq!(count(&node, "client_servfail"), 0);
}
