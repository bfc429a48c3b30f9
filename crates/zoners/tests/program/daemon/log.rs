//! An unwritable log and an unwritable output: full, closed, or without a reader.

#[cfg(target_os = "linux")]
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::waiting::until;
use crate::common::{Daemon, client, file, localhost, zoners};
use zoners_dns::{Message, Rtype};

/// A daemon whose log the test does not read, with a control socket.
struct Unheard {
    child: Child,
    address: SocketAddr,
    socket: String,
    folder: tempfile::TempDir,
}

impl Unheard {
    /// A daemon that serves and logs to `log`.
    fn start(log: impl Into<Stdio>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control").display().to_string();
        let text = format!("[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = {socket:?}\n");
        let child = Command::new(env!("CARGO_BIN_EXE_zoners"))
            .args(["serve", "--config"])
            .arg(file(&folder, &text))
            .env("XDG_STATE_HOME", folder.path())
            .stderr(log)
            .spawn()
            .unwrap();
        let ready = || zoners(&["status", "--control", &socket]).status.success();
        until("it serves", ready);
        let mut unheard = Unheard { child, address: ([127, 0, 0, 1], 0).into(), socket, folder };
        let listen = unheard.status()["listen"][0].as_str().unwrap().to_owned();
        unheard.address = listen.parse().unwrap();
        unheard
    }

    fn status(&self) -> serde_json::Value {
        let output = zoners(&["status", "--json", "--control", &self.socket]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Makes the daemon write log lines.
    fn log(&self, lines: usize) {
        let mut stream = BufReader::new(UnixStream::connect(&self.socket).unwrap());
        let mut reply = String::new();
        for _ in 0..lines {
            stream
                .get_mut()
                .write_all(b"{\"do\":\"nta-remove\",\"name\":\"x.example\"}\n")
                .unwrap();
            stream.read_line(&mut reply).unwrap();
        }
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// The daemon answers, reloads on SIGHUP, survives the other signals, and ends on SIGTERM.
    fn works_to_the_end(mut self) {
        let socket = client(self.address.ip());
        socket.send_to(&localhost(1, Rtype::A), self.address).unwrap();
        let mut reply = [0; 1500];
        let length = socket.recv(&mut reply).unwrap();
        assert!(Message::parse(&reply[..length].to_vec().into()).is_ok());
        let reloads = self.status()["reloads"].as_u64().unwrap();
        for signal in ["-USR1", "-USR2", "-PIPE", "-HUP"] {
            self.signal(signal);
        }
        until("it reloads", || self.status()["reloads"].as_u64() > Some(reloads));
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

/// A full pipe, as long as the reader does not read.
fn stalled() -> (impl Read, impl Into<Stdio>) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut fill = writer.try_clone().unwrap();
    // Waits for room until the reader is gone.
    std::thread::spawn(move || while fill.write_all(b"in the way\n").is_ok() {});
    (reader, writer)
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_the_log_stops_nothing() {
    let daemon = Unheard::start(File::options().write(true).open("/dev/full").unwrap());
    daemon.log(10);
    until("the loss is counted", || daemon.status()["log_lost"].as_u64().unwrap() > 10);
    daemon.works_to_the_end();
}

#[test]
fn a_log_that_nobody_reads_any_more_stops_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    let daemon = Unheard::start(writer);
    let mut log = BufReader::new(reader);
    log.read_line(&mut String::new()).unwrap();
    drop(log);
    daemon.log(10);
    daemon.works_to_the_end();
}

#[test]
fn a_stalled_log_stops_nothing_and_tells_what_was_lost() {
    let (_stays, writer) = stalled();
    Unheard::start(writer).works_to_the_end();

    let (reader, writer) = std::io::pipe().unwrap();
    let daemon = Unheard::start(writer);
    // More than the pipe and the log queue hold.
    while daemon.status()["log_lost"] == 0 {
        daemon.log(500);
    }
    let lost = daemon.status()["log_lost"].as_u64().unwrap();
    let told = BufReader::new(reader).lines().map(Result::unwrap);
    let told = told.filter_map(|line| {
        let (_, lost) = line.split_once("could not be written and were lost: ")?;
        lost.parse::<u64>().ok()
    });
    assert_eq!(told.take(1).sum::<u64>(), lost);
    daemon.works_to_the_end();
}

#[test]
fn a_daemon_that_cannot_start_says_so_and_does_not_wait_for_its_log() {
    let taken = Daemon::start("");
    let folder = tempfile::tempdir().unwrap();
    let config = file(&folder, &format!("[server]\nlisten = [\"{}\"]\n", taken.address));
    let (_stays, writer) = stalled();
    let status = Command::new(env!("CARGO_BIN_EXE_zoners"))
        .args(["serve", "--config"])
        .arg(&config)
        .stderr(writer)
        .status();
    assert_eq!(status.unwrap().code(), Some(1));
    let output = zoners(&["serve", "--config", &config.display().to_string()]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("\nerror: cannot serve: ") || told.starts_with("error: "), "{told}");
}

#[test]
fn what_was_counted_is_told_when_asked_by_signal() {
    let mut daemon = Daemon::start("");
    daemon.ask(&localhost(1, Rtype::A));
    daemon.signal("-USR1");
    let told = daemon.line_with("counted so far").unwrap();
    assert!(told.contains("client_queries 1, client_local 1"), "{told}");
}

/// One command of each kind that prints; `daemon` has the control socket.
fn commands(daemon: &Unheard) -> Vec<Vec<String>> {
    let config = daemon.folder.path().join("zoners.toml").display().to_string();
    let spoken = [
        "status",
        "status --json",
        "stats",
        "servers --json",
        "cache stats",
        "cache lookup localhost",
        "cache flush localhost",
        "nta add x.example",
        "nta list",
        "nta remove x.example",
        "lookup localhost A --daemon",
    ];
    let plain = [
        "--help",
        "--version",
        "help bench",
        "lookup localhost A",
        "lookup localhost A --json",
        "bench list",
        "completions bash",
        "demo --port 0",
    ];
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let spoken = spoken
        .iter()
        .map(|text| [words(text), words(&format!("--control {}", daemon.socket))].concat());
    let checked = std::iter::once(vec!["check".to_owned(), config]);
    spoken.chain(plain.iter().map(|text| words(text))).chain(checked).collect()
}

fn printing(arguments: &[String], output: impl Into<Stdio>, state: &Path) -> (Option<i32>, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_zoners"))
        .args(arguments)
        .env("XDG_STATE_HOME", state)
        .stdout(output)
        .output()
        .unwrap();
    (child.status.code(), String::from_utf8_lossy(&child.stderr).into_owned())
}

#[test]
#[cfg(target_os = "linux")]
fn commands_that_cannot_print_say_so() {
    let daemon = Unheard::start(Stdio::null());
    for arguments in commands(&daemon) {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, told) = printing(&arguments, full, daemon.folder.path());
        let right = "error: standard output: No space left on device (os error 28)\n";
        assert_eq!((code, told.as_str()), (Some(1), right), "{arguments:?}");
    }
    // Text on standard error changes nothing.
    let full = File::options().write(true).open("/dev/full").unwrap();
    for (arguments, code) in
        [("check /no/such/file", 2), ("nonsense", 2), ("status --control /x", 1)]
    {
        let status = Command::new(env!("CARGO_BIN_EXE_zoners"))
            .args(arguments.split(' '))
            .stderr(full.try_clone().unwrap())
            .status();
        assert_eq!(status.unwrap().code(), Some(code), "{arguments}");
    }
}

#[test]
fn commands_whose_reader_went_away_end_quietly() {
    let daemon = Unheard::start(Stdio::null());
    for arguments in commands(&daemon) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = printing(&arguments, writer, daemon.folder.path());
        assert_eq!(ended, (Some(141), String::new()), "{arguments:?}");
    }
}
