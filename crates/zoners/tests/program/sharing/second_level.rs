//! Several daemons sharing a Redis, which may be gone, stopped, full or corrupt.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::atomic::Ordering;

use crate::common::authority::{Authority, ask};
use crate::common::networks::in_a_network;
use crate::common::redis::{Redis, certificate, free_port};
use crate::common::sharing::{SECRET, at, connected, control, count, node};
use crate::common::waiting::until;
use crate::common::{Daemon, zoners};

/// Makes a node resolve names and write the answers.
fn learn(node: &Daemon, redis: &Redis, names: std::ops::Range<usize>) {
    let all = names.end;
    names.for_each(|number| ask(node, number));
    until("all is told", || redis.keys().len() == all);
}

#[test]
fn what_one_learned_another_knows_without_asking() {
    let (authority, redis) = (Authority::start(), Redis::start(&[]));
    let one = node(&authority, &at(&redis));
    learn(&one, &redis, 0..100);
    authority.silent.store(true, Ordering::Relaxed);
    for settings in [at(&redis), format!("url = \"{}\"\n", redis.url())] {
        let other = node(&authority, &settings);
        (0..100).for_each(|number| ask(&other, number));
        assert_eq!(count(&other, "second_level_hits"), 100);
    }
    assert_eq!(count(&one, "second_level_writes"), 100);
    let ttl = redis.says(&[b"PTTL", b"zoners:2:q:n7.example.:A"])[0].parse::<u64>().unwrap();
    assert!((1..=600_000).contains(&ttl), "as long as the record: {ttl}");
}

/// A daemon whose root server is at this address, with a shared cache as in `redis`.
fn recursing(root: Ipv4Addr, redis: &str) -> Daemon {
    let folder = tempfile::tempdir().unwrap().keep();
    let (hints, control) = (folder.join("hints"), folder.join("control"));
    fs::write(&hints, format!(". NS a.root.\na.root. A {root}\n")).unwrap();
    Daemon::start(&format!(
        "control = {control:?}\n[cache.redis]\n{redis}\n[dnssec]\nvalidate = false\n\
         [policy]\nrebinding-protection = false\n[resolver]\npriming = false\nroot-hints = {hints:?}\n"
    ))
}

#[test]
fn a_trial_of_encryption_by_one_is_known_to_another() {
    in_a_network(|| {
        const ROOT: Ipv4Addr = Ipv4Addr::new(127, 0, 153, 53);
        // An authority at the port of DNS is tried at port 853.
        let authority = Authority::on(UdpSocket::bind((ROOT, 53)).unwrap());
        let redis = Redis::start(&[]);
        let key = format!("zoners:2:e:{}", authority.address);
        let one = recursing(ROOT, &at(&redis));
        // 200 queries earn a trial; the authority has no TLS.
        (0..300).for_each(|number| ask(&one, number));
        until("it is told", || redis.says(&[b"EXISTS", key.as_bytes()]) == ["1"]);
        assert_eq!(count(&one, "upstream_tls_trials"), 1);
        let ttl = redis.says(&[b"PTTL", key.as_bytes()])[0].parse::<u64>().unwrap();
        assert!((86_000_000..=86_400_000).contains(&ttl), "a day: {ttl}");
        let other = recursing(ROOT, &at(&redis));
        until("it is heard", || {
            ask(&other, 300 + count(&other, "client_queries") as usize);
            count(&other, "second_level_trials") == 1
        });
        (1000..1400).for_each(|number| ask(&other, number));
        assert_eq!(count(&other, "upstream_tls_trials"), 0, "damped for a day");
        // A damaged result is none.
        redis.says(&[b"SETRANGE", key.as_bytes(), b"50", b"x"]);
        let third = recursing(ROOT, &at(&redis));
        until("it is refused", || {
            ask(&third, 2000 + count(&third, "client_queries") as usize);
            count(&third, "second_level_rejected") == 1
        });
        assert_eq!(count(&third, "second_level_trials"), 0);
    });
}

#[test]
fn one_that_is_gone_or_stopped_costs_nothing_and_is_found_again() {
    let (authority, mut redis) = (Authority::start(), Redis::start(&[]));
    let mut node = node(&authority, &at(&redis));
    learn(&node, &redis, 0..10);
    redis.signal("-STOP");
    (10..40).for_each(|number| ask(&node, number));
    assert!(node.logs("redis: circuit breaker open"));
    (40..50).for_each(|number| ask(&node, number));
    redis.signal("-CONT");
    assert!(node.logs("redis: circuit breaker closed"));
    redis.kill();
    (50..90).for_each(|number| ask(&node, number));
    assert!(node.logs("redis: circuit breaker open"));
    let status = zoners(&["status", "--control", &control(&node)]);
    assert!(String::from_utf8(status.stdout).unwrap().contains("not used for a time"));
    redis.restart();
    assert!(node.logs("redis: circuit breaker closed"));
    (100..110).for_each(|number| ask(&node, number));
    until("it is told again", || redis.keys().len() == 10);
    assert!(count(&node, "second_level_circuit_opened") == 2);
    assert_eq!(count(&node, "client_servfail"), 0);
    // A Redis that is down at the start does not prevent service.
    redis.kill();
    let late = self::node(&authority, &at(&redis));
    (0..10).for_each(|number| ask(&late, number));
}

#[test]
fn one_that_is_full_is_read_on() {
    let (authority, redis) =
        (Authority::start(), Redis::start(&["--maxmemory-policy", "noeviction"]));
    let mut one = node(&authority, &at(&redis));
    (0..10).for_each(|number| ask(&one, number));
    until("it is told", || redis.keys().len() == 10);
    // As if other programs had filled the server.
    assert_eq!(redis.says(&[b"CONFIG", b"SET", b"maxmemory", b"100000"]), ["OK"]);
    (10..100).for_each(|number| ask(&one, number));
    assert!(one.logs("redis: server full or read-only"));
    assert!(count(&one, "second_level_writes_dropped") > 0);
    authority.silent.store(true, Ordering::Relaxed);
    let other = node(&authority, &at(&redis));
    (0..10).for_each(|number| ask(&other, number));
    assert_eq!(count(&other, "second_level_hits"), 10);
}

#[test]
fn garbage_under_our_keys_is_not_believed() {
    let (authority, redis) = (Authority::start(), Redis::start(&[]));
    let one = node(&authority, &at(&redis));
    learn(&one, &redis, 0..60);
    let keys = redis.keys();
    let whole = |key: &str| {
        let output = Command::new("redis-cli")
            .args(["-p", &redis.port.to_string(), "--raw", "GET", key])
            .output()
            .unwrap();
        let mut value = output.stdout;
        value.pop();
        value
    };
    for (number, key) in keys.iter().enumerate() {
        let mut value = whole(key);
        let another = whole(&keys[(number + 1) % keys.len()]);
        match number % 6 {
            0 => value = b"garbage".to_vec(),
            1 => value.truncate(value.len() / 2),
            2 => value = another,
            3 => value.iter_mut().skip(41).for_each(|octet| *octet = octet.wrapping_mul(7)),
            4 => value = vec![1; 300_000],
            _ => {
                redis.says(&[b"DEL", key.as_bytes()]);
                redis.says(&[b"LPUSH", key.as_bytes(), b"a list"]);
                continue;
            }
        }
        redis.says(&[b"SET", key.as_bytes(), &value, b"PX", b"100000"]);
    }
    let other = connected(&authority, &at(&redis));
    authority.delay.store(50, Ordering::Relaxed);
    (0..60).for_each(|number| ask(&other, number));
    assert_eq!(count(&other, "second_level_hits"), 0);
    // Each key but the lists, where the authority did not happen to be first.
    assert!((20..=50).contains(&count(&other, "second_level_rejected")));
    assert_eq!(count(&other, "client_servfail"), 0);
}

#[test]
fn it_is_reached_over_tls_by_a_socket_with_a_password_in_a_cluster_and_by_sentinels() {
    let authority = Authority::start();
    let works = |settings: &str| {
        let one = connected(&authority, settings);
        (0..5).for_each(|number| ask(&one, number));
        until("all is told", || count(&one, "second_level_writes") == 5);
        let other = connected(&authority, settings);
        authority.delay.store(200, Ordering::Relaxed);
        (0..5).for_each(|number| ask(&other, number));
        authority.delay.store(0, Ordering::Relaxed);
        assert_eq!(count(&other, "second_level_hits"), 5, "{settings}");
        let flush = |daemon: &Daemon| {
            let arguments = ["cache", "flush", "example", "--subtree", "--control"];
            let output = zoners(&[&arguments[..], &[&control(daemon)]].concat());
            String::from_utf8(output.stdout).unwrap()
        };
        assert!(flush(&one).contains("5 questions removed from the second level"), "{settings}");
    };
    let folder = tempfile::tempdir().unwrap();
    let (own, key) = certificate(folder.path());
    let [own, key] = [&own, &key].map(|path| path.to_str().unwrap());
    let port = free_port().to_string();
    let mut tls = vec!["--tls-port", &port, "--tls-cert-file", own, "--tls-key-file", key];
    tls.extend(["--tls-ca-cert-file", own, "--tls-auth-clients", "no"]);
    let _redis = Redis::start(&tls);
    works(&format!("url = \"rediss://127.0.0.1:{port}\"\nca-file = \"{own}\"\n{SECRET}"));
    let untrusted = format!("url = \"rediss://127.0.0.1:{port}\"\n{SECRET}");
    let mut wary = node(&authority, &untrusted);
    assert!(wary.logs("redis: circuit breaker open"));

    let socket = folder.path().join("socket");
    let socket = socket.to_str().unwrap();
    let redis = Redis::start(&["--unixsocket", socket, "--requirepass", "pass word"]);
    works(&format!("url = \"unix://{socket}?pass=pass%20word\"\n{SECRET}"));
    works(&format!("url = \"redis://:pass%20word@127.0.0.1:{}\"\n{SECRET}", redis.port));

    let redis = Redis::start(&["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"]);
    redis.says(&[b"CLUSTER", b"ADDSLOTSRANGE", b"0", b"16383"]);
    until("the cluster is whole", || {
        redis.says(&[b"CLUSTER", b"INFO"])[0].contains("cluster_state:ok")
    });
    works(&format!("{}cluster = true\n", at(&redis)));

    let redis = Redis::start(&[]);
    let file = folder.path().join("sentinel.conf");
    let (port, own) = (free_port(), redis.port);
    fs::write(&file, format!("port {port}\nsentinel monitor main 127.0.0.1 {own} 1\n")).unwrap();
    let sentinel = Redis::sentinel(&file, port);
    let settings = format!("url = [\"{}\"]\nsentinel = \"main\"\n{SECRET}", sentinel.url());
    works(&settings);
}

#[test]
fn one_works_a_question_out_and_the_others_wait_for_it() {
    let (authority, redis) = (Authority::start(), Redis::start(&[]));
    let settings = format!("{}single-flight = true\n", at(&redis));
    let nodes: Vec<Daemon> = (0..3).map(|_| node(&authority, &settings)).collect();
    // Each node is connected.
    nodes.iter().enumerate().for_each(|(number, node)| ask(node, 900 + number));
    until("all is told", || redis.keys().len() == 3);
    authority.delay.store(60, Ordering::Relaxed);
    for number in 0..10 {
        std::thread::scope(|scope| {
            nodes.iter().for_each(|node| {
                scope.spawn(move || ask(node, number));
            });
        });
    }
    let shared: u64 = nodes.iter().map(|node| count(node, "second_level_hits")).sum();
    assert!((15..=20).contains(&shared), "{shared} of 30 questions");
}

#[test]
fn what_is_wrong_with_the_settings_is_told() {
    for (settings, told) in [
        ("url = \"http://127.0.0.1\"", "must be the address of a server"),
        ("url = []", "must have at least one address"),
        ("namespace = \"x\"", "cache.redis: `url` is missing"),
        ("url = \"redis://h\"\nsecret = \"short\"", "at least 16 characters"),
        ("url = \"redis://h\"\nsecret-file = \"/nowhere\"", "cache.redis.secret-file: /nowhere"),
        ("url = \"redis://h\"\nca-file = \"/nowhere\"", "cache.redis.ca-file: /nowhere"),
        (
            "url = \"redis://h\"\ncluster = true\nsentinel = \"m\"",
            "must be absent where cache.redis.cluster is true",
        ),
        ("url = \"redis://h\"\nsingle-fligth = true", "single-fligth"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = crate::common::file(&folder, &format!("[cache.redis]\n{settings}\n"));
        let output = zoners(&["check", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(told), "{settings}: {said}");
    }
}
