//! The real binary, as a user starts it.

pub(crate) mod authority;
#[cfg(target_os = "linux")]
pub(crate) mod certificate;
#[cfg(target_os = "linux")]
pub(crate) mod heard;
#[cfg(target_os = "linux")]
pub(crate) mod http3_client;
pub(crate) mod list_server;
#[cfg(target_os = "linux")]
pub(crate) mod networks;
pub(crate) mod primary;
#[cfg(target_os = "linux")]
pub(crate) mod quic_client;
pub(crate) mod redis;
#[cfg(target_os = "linux")]
pub(crate) mod service_manager;
pub(crate) mod sharing;
pub(crate) mod terminal;
pub(crate) mod waiting;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{Message, Question, Rtype, name};

pub(crate) fn zoners(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zoners")).args(arguments).output().unwrap()
}

/// A program in `folder` with these lines of a shell, where `$ZONERS` is ours.
pub(crate) fn shell_program(folder: &Path, lines: &str) -> String {
    let path = folder.join("program").display().to_string();
    let ours = env!("CARGO_BIN_EXE_zoners");
    let text = format!("#!/bin/sh\nZONERS={ours}\n{lines}\n");
    // By a program of its own: a file open here for writing could be inherited by a program that a different test
    // starts, and then not be executed.
    let write = "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let written = Command::new("sh").args(["-c", write, "sh", &text, &path]).status();
    assert!(written.unwrap().success());
    path
}

pub(crate) fn file(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("zoners.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// A configuration of a daemon on a free port of 127.0.0.1.
fn configure(folder: &tempfile::TempDir, more: &str) -> PathBuf {
    file(folder, &format!("[server]\nlisten = [\"127.0.0.1:0\"]\n{more}\n"))
}

/// Starts a program with few descriptors, and without the right of root to have more.
const FEW: &str = "
import ctypes, os, resource, sys
PR_CAPBSET_DROP, CAP_SYS_RESOURCE = 24, 24
if sys.platform == 'linux':
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
most = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
os.execv(sys.argv[2], sys.argv[2:])
";

/// A daemon on a free port of 127.0.0.1, stopped when dropped.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    /// The lines of its log.
    log: Mutex<Receiver<String>>,
    pub(crate) folder: tempfile::TempDir,
}

impl Daemon {
    /// A daemon that serves.
    pub(crate) fn start(more: &str) -> Self {
        let mut daemon = Daemon::unready(more);
        assert!(daemon.is_ready());
        daemon
    }

    /// A daemon that may or may not become ready.
    pub(crate) fn unready(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        configure(&folder, more);
        Daemon::of(folder)
    }

    /// A daemon that serves, limited to `most` descriptors.
    pub(crate) fn with_descriptors(most: usize, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        configure(&folder, more);
        let mut python = Command::new("python3");
        python.args(["-c", FEW, &most.to_string(), env!("CARGO_BIN_EXE_zoners")]);
        python.env("XDG_STATE_HOME", folder.path());
        python.env("RUNTIME_DIRECTORY", folder.path().join("run"));
        let mut daemon = Daemon::run(&mut python, folder);
        assert!(daemon.is_ready());
        daemon
    }

    /// A daemon with the `zoners.toml` of this folder.
    pub(crate) fn of(folder: tempfile::TempDir) -> Self {
        let state = folder.path().to_owned();
        Daemon::at_home(folder, &state)
    }

    /// A daemon with the `zoners.toml` of this folder, of a user with this state folder.
    pub(crate) fn at_home(folder: tempfile::TempDir, state: &Path) -> Self {
        let runtime = folder.path().join("run");
        Daemon::in_environment(
            folder,
            &[("XDG_STATE_HOME", state), ("RUNTIME_DIRECTORY", &runtime)],
        )
    }

    /// A daemon with the `zoners.toml` of this folder and these environment variables.
    pub(crate) fn in_environment(folder: tempfile::TempDir, variables: &[(&str, &Path)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zoners"));
        Daemon::run(command.envs(variables.iter().copied()), folder)
    }

    fn run(command: &mut Command, folder: tempfile::TempDir) -> Self {
        let mut child = command
            .args(["serve", "--config"])
            .arg(folder.path().join("zoners.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Daemon { child, address: (Ipv4Addr::UNSPECIFIED, 0).into(), log: Mutex::new(log), folder }
    }

    /// Waits until the daemon serves; false if the daemon ends instead.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.is_ready_and("")
    }

    /// Waits until the daemon serves and its log has a line with `part`, in either order.
    pub(crate) fn is_ready_and(&mut self, part: &str) -> bool {
        let (mut serves, mut logged) = (false, false);
        while !(serves && logged) {
            let Some(line) = self.line_with("") else { return false };
            // Shown where the test fails.
            println!("{line}");
            if let Some((_, rest)) = line.split_once("serving on ") {
                self.address = rest.split(',').next().unwrap().parse().unwrap();
                serves = true;
            }
            logged |= line.contains(part);
        }
        true
    }

    /// Reads the log up to a line with `part`.
    pub(crate) fn logs(&mut self, part: &str) -> bool {
        self.line_with(part).is_some()
    }

    /// The next line of the log with `part`.
    pub(crate) fn line_with(&mut self, part: &str) -> Option<String> {
        loop {
            match self.log.get_mut().unwrap().recv_timeout(waiting::PATIENCE) {
                Ok(line) if line.contains(part) => return Some(line),
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("no line of the log has {part:?}"),
            }
        }
    }

    /// The reply to a command, by the control socket.
    pub(crate) fn json(&self, command: &str) -> serde_json::Value {
        let socket = self.folder.path().join("run/zoners.sock").display().to_string();
        let reply = zoners(&[command, "--json", "--control", &socket]).stdout;
        serde_json::from_slice(&reply).unwrap()
    }

    /// The count of an event.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        self.json("stats")["counters"][name].as_u64().unwrap()
    }

    pub(crate) fn reconfigure(&mut self, more: &str) {
        configure(&self.folder, more);
        self.signal("-HUP");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn ask(&self, packet: &[u8]) -> Vec<u8> {
        let socket = client(Ipv4Addr::LOCALHOST);
        socket.send_to(packet, self.address).unwrap();
        let mut buffer = [0; 1500];
        let length = socket.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

pub(crate) fn localhost(id: u16, rtype: Rtype) -> Vec<u8> {
    query_for(id, "LocalHost", rtype)
}

/// The demonstration on a free port of this machine, ended when dropped.
pub(crate) struct Demo {
    child: Child,
    /// 127.0.0.1, and ::1 where there is IPv6.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The DS record of the demonstration's root zone.
    pub(crate) anchor: String,
    /// The shown commands for the control socket, without `zoners`.
    pub(crate) commands: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Demo {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("control").display().to_string();
        let mut child = Command::new(env!("CARGO_BIN_EXE_zoners"))
            .args(["demo", "--port", "0", "--control", &control, "--quiet"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
        let line = lines.next().unwrap();
        let (mut commands, mut anchor) = (Vec::new(), String::new());
        for line in lines.by_ref() {
            match line.trim().strip_prefix("zoners ") {
                Some(command) if command.contains("--control") => commands.push(command.to_owned()),
                _ if line.contains(" IN DS ") => {
                    line.trim().clone_into(&mut anchor);
                    break;
                }
                _ => {}
            }
        }
        let words = line.split_whitespace().map(|word| word.trim_end_matches('.'));
        let addresses = words.filter_map(|word| word.parse().ok()).collect();
        drop(lines);
        Demo { addresses, anchor, commands, child, _folder: folder }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

/// A client socket on `address` with a time-out for replies.
pub(crate) fn client(address: impl Into<IpAddr>) -> UdpSocket {
    let socket = UdpSocket::bind((address.into(), 0)).unwrap();
    socket.set_read_timeout(Some(waiting::PATIENCE)).unwrap();
    socket
}

/// Asks one query after the other over UDP until `done`, and counts the replies; each query must get one.
pub(crate) fn ask_until(done: &AtomicBool, server: SocketAddr, replies: &AtomicUsize) {
    let socket = client(server.ip());
    while !done.load(Ordering::Relaxed) {
        socket.send_to(&localhost(5, Rtype::A), server).unwrap();
        socket.recv(&mut [0; 512]).expect("a reply to each query");
        replies.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends a message over a stream.
pub(crate) fn send(stream: &mut TcpStream, packet: &[u8]) -> std::io::Result<()> {
    stream.write_all(&[&(packet.len() as u16).to_be_bytes(), packet].concat())
}

/// Receives a message over a stream.
pub(crate) fn receive(stream: &mut TcpStream) -> Message {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut packet = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut packet).unwrap();
    Message::parse(&packet.into()).unwrap()
}

/// A query with RD and EDNS.
pub(crate) fn query_for(id: u16, text: &str, rtype: Rtype) -> Vec<u8> {
    let question = Question::new(name::parse(text).unwrap(), rtype);
    query(&question, QueryOptions { id, recursion_desired: true, edns: true }).to_vec()
}
