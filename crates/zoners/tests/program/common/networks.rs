//! Network namespaces of a test, so that changes of interfaces do not reach this machine.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::waiting::PATIENCE;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A query without a reply is repeated after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// Names the test that runs in a namespace of its own.
const INSIDE: &str = "ZONERS_INSIDE";

/// Runs the calling test again in a process with a network and mounts of its own; there `test` runs.
/// If the system forbids namespaces, the test is skipped with a message.
pub(crate) fn in_a_network<T: FnOnce()>(test: T) {
    let name = caller_of::<T>();
    if std::env::var(INSIDE).is_ok_and(|inside| inside == name) {
        ip("link set lo up");
        return test();
    }
    let root = rustix::process::geteuid().is_root();
    let own: &[&str] = match root {
        true => &["--net", "--mount"],
        false => &["--user", "--map-root-user", "--net", "--mount"],
    };
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(own).arg("--");
        command
    };
    let allowed = unshare().args(["ip", "link", "set", "lo", "up"]).output();
    if !allowed.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED {name}: no network namespace is to be had: {allowed:?}");
        return;
    }
    let output = unshare()
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, name)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let (passed, log) = (told.contains("1 passed"), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && passed, "in its own network:\n{told}\n{log}");
}

/// The libtest name of the function that has the closure `T`.
fn caller_of<T>() -> &'static str {
    let path = std::any::type_name::<T>();
    let (_, path) = path.split_once("::").unwrap();
    path.strip_suffix("::{{closure}}").unwrap()
}

/// Runs `ip` with these words.
pub(crate) fn ip(words: &str) {
    assert!(may_ip(words), "ip {words}");
}

/// Runs `ip` with these words; false if it fails.
pub(crate) fn may_ip(words: &str) -> bool {
    Command::new("ip").args(words.split(' ')).status().unwrap().success()
}

/// A second machine, removed when dropped.
pub(crate) struct Machine {
    holder: Child,
}

impl Machine {
    /// A machine connected to this machine: here the link is called `link`, there `eth0`.
    pub(crate) fn at(link: &str) -> Self {
        let mut holder = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo there; read end"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "there\n");
        ip(&format!("link add {link} type veth peer name eth0 netns {}", holder.id()));
        ip(&format!("link set {link} up"));
        let machine = Machine { holder };
        machine.ip("link set eth0 up");
        machine
    }

    /// Calls `ip` there.
    pub(crate) fn ip(&self, words: &str) {
        self.there(|| ip(words));
    }

    /// Does something there.
    pub(crate) fn there<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let network = File::open(format!("/proc/{}/ns/net", self.holder.id())).unwrap();
        let go = || {
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        };
        std::thread::scope(|scope| scope.spawn(go).join().unwrap())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        self.holder.wait().unwrap();
    }
}

/// Asks over UDP from this address, and again each second: a refusal above the rate limit has no reply. Returns the
/// reply from the asked address; `None` if the port is closed or no reply came.
pub(crate) fn ask(from: &str, to: SocketAddr, packet: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind(format!("{from}:0")).unwrap();
    socket.set_read_timeout(Some(AGAIN)).unwrap();
    socket.connect(to).ok()?;
    let mut buffer = [0; 1500];
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        socket.send(packet).ok()?;
        match socket.recv(&mut buffer) {
            Ok(length) => return Some(buffer[..length].to_vec()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return None,
        }
    }
    None
}
