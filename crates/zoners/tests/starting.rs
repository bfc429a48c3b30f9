//! How a daemon starts, and beside what.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod common;

use std::path::Path;

use common::{Daemon, file, localhost};
use zoners_dns::Rtype;

/// A folder with a configuration of a daemon on a free port, without a control socket.
fn configured(more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    file(&folder, &format!("[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = \"\"\n{more}"));
    folder
}

fn started(more: &str, home: &Path) -> Daemon {
    let mut daemon = Daemon::at_home(configured(more), home);
    assert!(daemon.is_ready());
    daemon
}

/// Ends it well, so that it keeps its cache.
fn stop(mut daemon: Daemon) {
    daemon.signal("-TERM");
    assert!(daemon.child.wait().unwrap().success());
}

#[test]
fn a_state_folder_has_one_daemon() {
    let home = tempfile::tempdir().unwrap();
    let more = format!("state = {:?}\n", home.path().join("state").display().to_string());
    let first = started(&more, home.path());
    let mut second = Daemon::at_home(configured(&more), home.path());
    let told = second.line_with("already running").unwrap();
    assert!(told.contains(&format!("process {}: ", first.child.id())), "{told}");
    assert_eq!(second.child.wait().unwrap().code(), Some(1));
    assert!(first.ask(&localhost(1, Rtype::A)).len() > 12, "the first goes on");
    // A daemon that was killed holds nothing.
    drop(first);
    drop(started(&more, home.path()));
}

#[test]
fn daemons_of_one_user_that_serve_elsewhere_keep_their_caches_apart() {
    let home = tempfile::tempdir().unwrap();
    let first = started("", home.path());
    let second = started("", home.path());
    for daemon in [&first, &second] {
        assert!(daemon.ask(&localhost(1, Rtype::A)).len() > 12);
    }
    let mut third = Daemon::at_home(configured(""), home.path());
    assert!(third.is_ready_and("the cache is not kept"), "no third place for the same address");
    stop(first);
    stop(second);
    let state = home.path().join("zoners");
    assert!(state.join("cache").exists() && state.join("127.0.0.1:0/cache").exists());
}

#[test]
fn a_second_start_with_the_same_configuration_says_that_it_runs_already() {
    let home = tempfile::tempdir().unwrap();
    let first = started("", home.path());
    // The port that the first was given, as if it were configured.
    let address = first.address;
    drop(first);
    let again = || {
        let folder = tempfile::tempdir().unwrap();
        file(&folder, &format!("[server]\nlisten = [\"{address}\"]\ncontrol = \"\"\n"));
        Daemon::at_home(folder, home.path())
    };
    let mut first = again();
    assert!(first.is_ready());
    let mut second = again();
    let told = second.line_with("already running").unwrap();
    assert!(told.contains(&format!("process {}: ", first.child.id())), "{told}");
    assert_eq!(second.child.wait().unwrap().code(), Some(1));
}
