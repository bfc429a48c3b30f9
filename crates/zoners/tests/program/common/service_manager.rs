//! A service manager with a store of sockets, as systemd; see `service_manager.py`.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The program, a script of Python.
const PROGRAM: &str = include_str!("service_manager.py");

/// A running service manager with a daemon.
pub(crate) struct ServiceManager {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    pub(crate) folder: tempfile::TempDir,
}

impl ServiceManager {
    /// Starts a daemon with this configuration, which is ready when this returns; and the number of the process.
    pub(crate) fn start(config: &str) -> (Self, u32) {
        ServiceManager::start_with_sockets(config, &[])
    }

    /// As [`ServiceManager::start`], with sockets that the manager has bound.
    pub(crate) fn start_with_sockets(config: &str, sockets: &[SocketAddr]) -> (Self, u32) {
        let folder = tempfile::tempdir().unwrap();
        // A daemon that is root no longer finds the manager.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let lines: Vec<String> = sockets.iter().map(SocketAddr::to_string).collect();
        if !lines.is_empty() {
            std::fs::write(folder.path().join("sockets"), lines.join("\n")).unwrap();
        }
        let mut child = Command::new("python3")
            .args(["-c", PROGRAM])
            .arg(folder.path())
            .args([env!("CARGO_BIN_EXE_zoners"), "serve", "--config"])
            .arg(folder.path().join("zoners.toml"))
            .env("WATCHDOG_USEC", "10000000")
            .env("STATE_DIRECTORY", folder.path().join("state"))
            .env("RUNTIME_DIRECTORY", folder.path().join("run"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut manager = ServiceManager { child, said, folder };
        manager.configure(config);
        let process = manager.ready();
        (manager, process)
    }

    /// Writes the configuration file. The state folder is made with it.
    pub(crate) fn configure(&self, config: &str) {
        let folder = self.folder.path();
        std::fs::create_dir_all(folder.join("state")).unwrap();
        std::fs::write(folder.join("zoners.toml"), config).unwrap();
    }

    /// The path of the control socket.
    pub(crate) fn control(&self) -> PathBuf {
        self.folder.path().join("run/zoners.sock")
    }

    /// `systemctl reload` for this daemon; returns the exit code.
    pub(crate) fn reload(&self) -> Option<i32> {
        let program = self.folder.path().join("bin/systemctl");
        Command::new(program).args(["reload", "zoners.service"]).status().unwrap().code()
    }

    /// `zoners restart` for this daemon, with more arguments.
    pub(crate) fn restart(&self, more: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap();
        let program = self.folder.path().join("bin").display().to_string();
        Command::new(env!("CARGO_BIN_EXE_zoners"))
            .args(["restart", "--service", "zoners.service", "--control"])
            .arg(self.control())
            .args(more)
            .env("PATH", format!("{program}:{path}"))
            .output()
            .unwrap()
    }

    /// Gives the manager a command.
    pub(crate) fn order(&mut self, word: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{word}").unwrap();
    }

    /// Reads up to a line that begins with this word; returns the rest of it, and the lines before.
    pub(crate) fn says(&mut self, word: &str) -> (String, Vec<String>) {
        let mut before = Vec::new();
        loop {
            let line = self.said.next().unwrap_or_else(|| panic!("no `{word}`: {before:?}"));
            let line = line.unwrap();
            match line.strip_prefix(word) {
                Some(rest) => return (rest.trim().to_owned(), before),
                None => before.push(line),
            }
        }
    }

    /// Waits for a daemon that is ready; returns the number of the process.
    pub(crate) fn ready(&mut self) -> u32 {
        self.says("ready").0.parse().unwrap()
    }
}

impl Drop for ServiceManager {
    fn drop(&mut self) {
        let _ = writeln!(self.child.stdin.as_mut().unwrap(), "end");
        let _ = self.child.wait();
    }
}

/// An address of this machine whose port is free at all addresses. The port is below those that the kernel gives to
/// clients: a client of another test at any address would stand in the way of the wildcard address.
pub(crate) fn free_address() -> SocketAddr {
    const PORTS: std::ops::Range<u32> = 20_000..32_000;
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let is_free = |port: &u16| {
        let wildcard = (Ipv4Addr::UNSPECIFIED, *port);
        TcpListener::bind(wildcard).is_ok() && UdpSocket::bind(wildcard).is_ok()
    };
    let next = |_| {
        let number = std::process::id().wrapping_mul(64);
        let number = number.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed));
        u16::try_from(PORTS.start + number % (PORTS.end - PORTS.start)).unwrap()
    };
    let port = PORTS.map(next).find(is_free).expect("a free port");
    (Ipv4Addr::LOCALHOST, port).into()
}
