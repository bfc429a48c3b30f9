//! The start of a daemon, alone and beside a second daemon.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;

use crate::common::{Daemon, file, localhost, query_for, zoners};
use zoners_dns::{Message, Rtype};

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

/// Stops the daemon with SIGTERM, so that the cache is saved.
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
    // A killed daemon holds no lock.
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
    assert!(
        third.is_ready_and("cache: not kept across restarts"),
        "no third place for the same address"
    );
    stop(first);
    stop(second);
    let state = home.path().join("zoners");
    assert!(state.join("cache").exists() && state.join("127.0.0.1:0/cache").exists());
}

#[test]
fn a_second_start_with_the_same_configuration_says_that_it_runs_already() {
    let home = tempfile::tempdir().unwrap();
    let first = started("", home.path());
    // The port of the first daemon, as if it were configured.
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

#[test]
fn a_second_start_without_a_state_folder_learns_it_from_the_first() {
    let home = tempfile::tempdir().unwrap();
    let address = started("", home.path()).address;
    let socket = home.path().join("socket").display().to_string();
    let again = || {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("[server]\nlisten = [\"{address}\"]\ncontrol = {socket:?}\n");
        file(&folder, &format!("{text}[cache]\npersist = false\n"));
        Daemon::at_home(folder, home.path())
    };
    let mut first = again();
    assert!(first.is_ready());
    let mut second = again();
    let told = second.line_with("already running").unwrap();
    let process = format!("already running, process {}: {address}: ", first.child.id());
    assert!(told.contains(&process), "{told}");
    assert_eq!(second.child.wait().unwrap().code(), Some(1));
    let status = zoners(&["status", "--control", &socket]);
    assert!(status.status.success(), "the first keeps its control socket");
}

/// A daemon started by root to become the user nobody, with a state folder and a folder for the
/// control socket that do not exist yet.
fn for_nobody(place: &Path) -> Daemon {
    let folder = tempfile::tempdir().unwrap();
    // The files of a reload must be readable by the user nobody.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let at = |name: &str| place.join(name).display().to_string();
    let text = format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\nuser = \"nobody\"\nstate = {:?}\n[local]\nhosts = {:?}\n",
        at("lib/state"),
        at("hosts")
    );
    file(&folder, &text);
    Daemon::in_environment(folder, &[("RUNTIME_DIRECTORY", &place.join("run"))])
}

fn owner(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().uid()
}

#[test]
fn what_root_makes_is_for_the_user_that_it_becomes_and_a_reload_works_as_that_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root becomes another user");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    let (state, socket) = (place.path().join("lib/state"), place.path().join("run/zoners.sock"));
    let hosts = place.path().join("hosts");
    fs::write(&hosts, "192.168.1.2 nas.lan\n").unwrap();
    fs::set_permissions(&hosts, Permissions::from_mode(0o600)).unwrap();

    let mut daemon = for_nobody(place.path());
    let told = daemon.line_with("local.hosts: ").unwrap();
    assert!(told.contains("Permission denied") && told.contains("read it as nobody"), "{told}");
    assert!(daemon.is_ready());
    let nobody = owner(&state);
    assert_ne!(nobody, 0);
    for file in ["lock", "cache.key"] {
        assert_eq!(owner(&state.join(file)), nobody, "{file}");
    }
    assert_eq!((owner(&socket), owner(socket.parent().unwrap())), (nobody, nobody));
    let status = zoners(&["status", "--control", &socket.display().to_string()]);
    assert!(status.status.success(), "root is heard");

    let nas = |daemon: &Daemon| {
        let reply = Message::parse(&daemon.ask(&query_for(1, "nas.lan", Rtype::A)).into()).unwrap();
        reply.answer[0].addresses().next().unwrap().to_string()
    };
    daemon.signal("-HUP");
    assert!(daemon.logs("reload: refused"));
    assert!(daemon.line_with("local.hosts: ").unwrap().contains("Permission denied"));
    assert_eq!(nas(&daemon), "192.168.1.2");
    let other = place.path().join("other");
    fs::write(&other, "192.168.1.3 nas.lan\n").unwrap();
    fs::set_permissions(&other, Permissions::from_mode(0o644)).unwrap();
    fs::rename(&other, &hosts).unwrap();
    daemon.signal("-HUP");
    assert!(daemon.logs("reload: the new configuration is in force"));
    assert_eq!(nas(&daemon), "192.168.1.3");
    stop(daemon);
    assert!(state.join("cache").exists() && !socket.exists());

    // As left by a daemon of root.
    for file in ["lock", "cache.key", "cache", ""] {
        lchown(state.join(file), Some(0), Some(0)).unwrap();
    }
    let mut daemon = for_nobody(place.path());
    assert!(daemon.is_ready_and("cache: loaded "), "root's cache is taken over");
    stop(daemon);
    assert_eq!((owner(&state), owner(&state.join("cache"))), (nobody, nobody));
}

#[test]
fn a_control_socket_in_a_folder_of_roots_is_for_the_user_that_root_becomes() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root becomes another user");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    let socket = place.path().join("socket");
    let started = || {
        let folder = tempfile::tempdir().unwrap();
        let text = "[server]\nlisten = [\"127.0.0.1:0\"]\nuser = \"nobody\"\ncontrol = ";
        file(&folder, &format!("{text}{:?}\n", socket.display().to_string()));
        let mut daemon = Daemon::of(folder);
        assert!(daemon.is_ready());
        daemon
    };
    for _ in 0..2 {
        let daemon = started();
        let status = zoners(&["status", "--control", &socket.display().to_string()]);
        assert!(status.status.success() && owner(&socket) != 0);
        stop(daemon);
        assert!(socket.exists(), "it cannot take it out of root's folder; the next start does");
        assert_eq!(owner(place.path()), 0);
    }
}
