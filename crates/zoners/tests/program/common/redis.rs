//! A Redis of the test's own, from Debian.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::waiting::PATIENCE;

/// A free port that stays free: below the ephemeral ports (from 32768), and not given before. The
/// port of a cluster's bus, 10,000 above, is free as well.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 11_000;
    const PORTS: u32 = 10_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    loop {
        // Parallel runs start at different ports.
        let number = std::process::id().wrapping_mul(97) + GIVEN.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (number % PORTS) as u16;
        if is_free(port) && is_free(port + 10_000) {
            return port;
        }
    }
}

/// A server, killed when dropped.
pub(crate) struct Redis {
    child: Child,
    pub(crate) port: u16,
    _folder: tempfile::TempDir,
    arguments: Vec<String>,
}

impl Redis {
    /// Starts a server on a free port, with further settings.
    pub(crate) fn start(more: &[&str]) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let own = ["--port", &port.to_string(), "--save", "", "--bind", "127.0.0.1", "--dir"];
        let arguments = own.iter().copied().chain([folder.path().to_str().unwrap()]);
        let arguments: Vec<String> =
            arguments.chain(more.iter().copied()).map(str::to_owned).collect();
        let child = run(&arguments, "Ready to accept connections");
        Redis { child, port, _folder: folder, arguments }
    }

    /// Starts a sentinel with a configuration file, which the sentinel rewrites.
    pub(crate) fn sentinel(file: &std::path::Path, port: u16) -> Self {
        let arguments = vec![file.to_str().unwrap().to_owned(), "--sentinel".to_owned()];
        let child = run(&arguments, "Sentinel ID is");
        Redis { child, port, _folder: tempfile::tempdir().unwrap(), arguments }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the server again, empty.
    pub(crate) fn restart(&mut self) {
        self.child = run(&self.arguments, "Ready to accept connections");
    }

    /// Sends commands, and returns the first line of each reply; of lists, each element.
    pub(crate) fn says(&self, command: &[&[u8]]) -> Vec<String> {
        // A server whose role changes closes open connections.
        (0..10).find_map(|_| self.said(command)).unwrap()
    }

    fn said(&self, command: &[&[u8]]) -> Option<Vec<String>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!("*{}\r\n", command.len()).into_bytes();
        for part in command {
            request.extend(format!("${}\r\n", part.len()).into_bytes());
            request.extend_from_slice(part);
            request.extend(b"\r\n");
        }
        stream.write_all(&request).ok()?;
        let mut replies = Vec::new();
        read(&mut BufReader::new(stream), &mut replies).map(|()| replies)
    }

    /// The keys of stored answers.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.says(&[b"KEYS", b"zoners:2:q:*"])
    }
}

/// Reads one reply (RESP2); `None` if the stream ends before.
fn read(stream: &mut impl BufRead, replies: &mut Vec<String>) -> Option<()> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let (kind, rest) = line.trim_end().split_at_checked(1)?;
    match (kind, rest.parse::<i64>()) {
        ("*", Ok(count)) => return (0..count).try_for_each(|_| read(stream, replies)),
        ("$", Ok(length @ 0..)) => {
            let mut octets = vec![0; length as usize + 2];
            stream.read_exact(&mut octets).ok()?;
            octets.truncate(length as usize);
            replies.push(String::from_utf8_lossy(&octets).into_owned());
        }
        _ => replies.push(rest.to_owned()),
    }
    Some(())
}

/// Starts a server and waits for `ready` in its log, after which the server accepts connections.
///
/// The name of the program decides its role; Debian's tools package has the same program under a
/// different name, without the service.
fn run(arguments: &[String], ready: &str) -> Child {
    let mut child = Command::new("redis-check-rdb")
        .arg0("redis-server")
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-tools: `scripts/tools` installs them");
    let (mut log, mut said) = (BufReader::new(child.stdout.take().unwrap()), String::new());
    while !said.contains(ready) {
        assert!(log.read_line(&mut said).unwrap() > 0, "Redis ended: {arguments:?}\n{said}");
    }
    // A pipe without a reader would stop the server once full.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    child
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

/// A certificate of 127.0.0.1 and its key, in a folder.
pub(crate) fn certificate(folder: &std::path::Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("own.crt"), folder.join("own.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=zoners test", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl: `scripts/tools` installs it").success());
    (certificate, key)
}
