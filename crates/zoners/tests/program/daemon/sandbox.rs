//! The privileges that the daemon gives up, as the kernel and `zoners status` report.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{Daemon, file, localhost, zoners};
use serde_json::Value;
use zoners_dns::Rtype;

/// A daemon with a control socket beside its configuration, and the path of the socket.
fn daemon(more: &str) -> (Daemon, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    (Daemon::start(&format!("control = {:?}\n{more}", socket.display().to_string())), folder)
}

/// The layers of the sandbox.
fn layers(folder: &tempfile::TempDir) -> Value {
    let socket = folder.path().join("socket").display().to_string();
    let output = zoners(&["status", "--json", "--control", &socket]);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    status["sandbox"].clone()
}

fn layer<'a>(layers: &'a Value, name: &str) -> &'a Value {
    layers.as_array().unwrap().iter().find(|layer| layer["name"] == name).unwrap()
}

fn is_on(layers: &Value, name: &str) -> bool {
    layer(layers, name)["on"] == true
}

#[test]
fn whoever_serves_has_given_up_everything_else() {
    let (daemon, folder) = daemon("threads = 2");
    let layers = layers(&folder);
    for name in ["no_new_privileges", "capabilities", "core_dumps", "seccomp"] {
        assert!(is_on(&layers, name), "{layers}");
    }
    let landlock = layer(&layers, "landlock")["text"].as_str().unwrap();
    assert!(is_on(&layers, "landlock") || landlock.starts_with("the kernel"), "{layers}");
    let mut tasks = 0;
    for task in fs::read_dir(format!("/proc/{}/task", daemon.child.id())).unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let has = |line: &str| status.lines().any(|own| own == line);
        assert!(has("Seccomp:\t2") && has("NoNewPrivs:\t1"), "{status}");
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert!(has(&format!("{set}:\t0000000000000000")), "{status}");
        }
        let could = rustix::process::geteuid().is_root();
        assert!(!could || has("CapBnd:\t0000000000000000"), "{status}");
        tasks += 1;
    }
    assert!(tasks >= 3, "the workers too");
    assert!(daemon.ask(&localhost(1, Rtype::A)).len() > 12);
}

#[test]
fn a_reload_that_needs_more_than_was_granted_is_refused_with_its_key() {
    let elsewhere = tempfile::tempdir().unwrap();
    let hosts = elsewhere.path().join("hosts");
    fs::write(&hosts, "192.0.2.1 nas.lan\n").unwrap();
    let control = tempfile::tempdir().unwrap();
    let socket = control.path().join("socket").display().to_string();
    let text = |more: &str| format!("control = {socket:?}\nversion = \"1\"\n{more}");
    let mut daemon = Daemon::start(&text(""));
    let held = is_on(&layers(&control), "landlock");
    let table = format!("[local]\nhosts = {:?}\n", hosts.display().to_string());
    daemon.reconfigure(&text(&table));
    if !held {
        assert!(daemon.logs("reload: the new configuration is in force"));
        return;
    }
    assert!(daemon.logs("reload: refused"));
    assert!(daemon.logs("local.hosts: the sandbox does not allow reading files in "));
    // As editors do: a new file replaces the old file.
    let path = daemon.folder.path().join("zoners.toml");
    let own = daemon.folder.path().join("hosts");
    fs::write(&own, "192.0.2.1 nas.lan\n").unwrap();
    let old = fs::read_to_string(&path).unwrap();
    let new = old.replace(&hosts.display().to_string(), &own.display().to_string());
    assert_ne!(old, new);
    fs::write(path.with_extension("edited"), new).unwrap();
    fs::rename(path.with_extension("edited"), &path).unwrap();
    daemon.signal("-HUP");
    assert!(daemon.logs("reload: the new configuration is in force"));
    daemon.reconfigure(&text("[[forward]]\nzone = \"lan\"\nservers = [\"127.0.0.1:5353\"]\n"));
    assert!(
        daemon.logs("reload: refused")
            && daemon.logs("forward: the sandbox does not allow connections to TCP port 5353")
    );
    daemon.reconfigure(&text("[[forward]]\nzone = \"lan\"\nservers = [\"127.0.0.1\"]\n"));
    assert!(daemon.logs("reload: the new configuration is in force"));
}

#[test]
fn it_can_be_left_out() {
    let (daemon, folder) = daemon("sandbox = \"off\"");
    let layers = layers(&folder);
    for name in ["capabilities", "landlock", "seccomp"] {
        let layer = layer(&layers, name);
        assert_eq!(layer["on"], false);
        assert_eq!(layer["text"], "server.sandbox is \"off\"");
    }
    assert!(is_on(&layers, "no_new_privileges"), "as ever");
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    assert!(!status.contains("Seccomp:\t2"), "{status}");
    assert!(status.contains("NoNewPrivs:\t1"));
}

/// As in some containers: the system calls for a sandbox do not exist.
const CONTAINER: &str = "
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
refused = [317, 444] if os.uname().machine == 'x86_64' else [277, 444]
code = struct.pack('HBBI', 0x20, 0, 0, 0)
for number in refused:
    code += struct.pack('HBBI', 0x15, 0, 1, number) + struct.pack('HBBI', 6, 0, 0, 0x50026)
code += struct.pack('HBBI', 6, 0, 0, 0x7fff0000)
buffer = ctypes.create_string_buffer(code)
program = struct.pack('HxxxxxxP', len(code) // 8, ctypes.addressof(buffer))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.create_string_buffer(program), 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
";

fn contained(config: &Path, state: &Path) -> Command {
    let mut command = Command::new("python3");
    command
        .args(["-c", CONTAINER, env!("CARGO_BIN_EXE_zoners"), "serve", "--config"])
        .arg(config)
        .env("XDG_STATE_HOME", state)
        .stderr(Stdio::piped());
    command
}

#[test]
fn a_container_that_knows_no_sandboxes_is_served_in_unless_one_is_required() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        |more: &str| format!("[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = \"\"\n{more}\n");
    let config = file(&folder, &text(""));
    let mut child = contained(&config, folder.path()).spawn().unwrap();
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let (mut told, mut line) = (false, String::new());
    while !line.contains("serving on") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut log, &mut line).unwrap() > 0, "it ended");
        told |= line.contains("sandbox: not all layers are closed")
            && line.contains("landlock: the kernel has none")
            && line.contains("seccomp: ");
    }
    assert!(told);
    child.kill().unwrap();
    child.wait().unwrap();
    let config = file(&folder, &text("sandbox = \"required\""));
    let mut child = contained(&config, folder.path()).spawn().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("server.sandbox is \"required\", but landlock: "), "{log}");
}
