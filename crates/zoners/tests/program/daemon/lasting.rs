//! The cache outlives the process that filled it.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use crate::common::authority::{Authority, ask};
use crate::common::{Daemon, zoners};

/// A daemon with the authority as upstream and the cache in `state`. The cache may still be loading.
fn keeping(authority: &Authority, state: &Path) -> Daemon {
    started(authority, state, "")
}

/// A restarted daemon, after its cache is loaded.
fn restarted(authority: &Authority, state: &Path) -> Daemon {
    started(authority, state, "cache: loaded ")
}

fn started(authority: &Authority, state: &Path, part: &str) -> Daemon {
    let (state, stub) = (state.display(), authority.stub());
    let mut daemon = Daemon::unready(&format!(
        "state = \"{state}\"\ncontrol = \"{state}/socket\"\n[cache]\npersist-every = 0\n{stub}"
    ));
    assert!(daemon.is_ready_and(part));
    daemon
}

/// Stops the daemon with SIGTERM and waits for the end.
fn stop(mut daemon: Daemon) {
    daemon.signal("-TERM");
    assert!(daemon.child.wait().unwrap().success());
}

#[test]
fn what_was_asked_before_a_restart_is_answered_after_it_without_asking_anyone() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let daemon = keeping(&authority, state.path());
    (0..500).for_each(|number| ask(&daemon, number));
    stop(daemon);
    let before = authority.count();
    authority.silent.store(true, Ordering::Relaxed);
    let daemon = restarted(&authority, state.path());
    (0..500).for_each(|number| ask(&daemon, number));
    assert_eq!(authority.count(), before);
    // Cache entries are shown, dumped, flushed and loaded.
    let socket = state.path().join("socket");
    let cache = |arguments: &[&str]| {
        let output =
            zoners(&[&["cache"], arguments, &["--control", socket.to_str().unwrap()]].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(cache(&["stats"]).contains("answered from the cache"));
    assert!(cache(&["lookup", "n7.example"]).contains("n7.example. "));
    let (dump, name) = (state.path().join("dump"), "n7.example");
    assert!(cache(&["dump", dump.to_str().unwrap()]).contains("octets written"));
    let kept = state.path().join("cache");
    assert!(kept.exists());
    cache(&["flush", "example", "--subtree"]);
    assert!(!kept.exists(), "until the next write");
    assert!(cache(&["lookup", name]).contains("no entry of"));
    assert!(cache(&["load", dump.to_str().unwrap()]).contains("entries loaded"));
    assert!(cache(&["lookup", name]).contains("n7.example. "));
    fs::write(&dump, "no dump").unwrap();
    let refused =
        zoners(&["cache", "load", dump.to_str().unwrap(), "--control", socket.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}

#[test]
fn a_file_that_is_no_cache_is_put_aside_in_one_line() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let daemon = keeping(&authority, state.path());
    (0..20).for_each(|number| ask(&daemon, number));
    stop(daemon);
    let file = state.path().join("cache");
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let mut newer = whole.clone();
    newer[13] += 1;
    for octets in [b"mine".to_vec(), vec![], whole[..whole.len() - 1].to_vec(), changed, newer] {
        fs::write(&file, &octets).unwrap();
        let (state, server) = (state.path().display().to_string(), authority.address);
        let mut daemon = Daemon::unready(&format!(
            "state = \"{state}\"\n[[stub]]\nzone = \"example\"\nservers = [\"{server}\"]\n"
        ));
        assert!(daemon.is_ready_and("put aside as cache.bad"));
        ask(&daemon, 3);
        assert_eq!(fs::read(Path::new(&state).join("cache.bad")).unwrap(), octets);
        daemon.child.kill().unwrap();
    }
}

#[test]
fn killed_at_any_moment_it_starts_again_and_says_nothing_wrong() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let first = keeping(&authority, state.path());
    (0..3_000).for_each(|number| ask(&first, number));
    stop(first);
    // From the moment of loading up to the time after the first write.
    for round in 0..200u64 {
        let mut daemon = keeping(&authority, state.path());
        if round % 4 > 0 {
            (0..5).for_each(|number| ask(&daemon, number * 400 + round as usize));
            ask(&daemon, 3_000 + round as usize);
        }
        (0..round as usize * 7919 % 200).for_each(|number| ask(&daemon, number));
        daemon.child.kill().unwrap();
        assert!(!state.path().join("cache.bad").exists(), "round {round}");
    }
    authority.silent.store(true, Ordering::Relaxed);
    let before = authority.count();
    let last = restarted(&authority, state.path());
    (0..3_000).for_each(|number| ask(&last, number));
    assert_eq!(authority.count(), before);
}
