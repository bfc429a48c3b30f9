//! The command as a person uses it: the real binary, real sockets on the loopback interface.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::Duration;

use zoners_dns::query::{Options, query};
use zoners_dns::{Message, OptRcode, Question, Rtype, name};

fn zoners(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zoners")).args(arguments).output().unwrap()
}

fn file(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("zoners.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// A daemon on a free port of 127.0.0.1, stopped when dropped.
struct Daemon {
    child: Child,
    address: SocketAddr,
    log: BufReader<ChildStderr>,
    folder: tempfile::TempDir,
}

impl Daemon {
    fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The port is free now; should another take it before the daemon does, the daemon says so.
        let address = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let config = file(&folder, &format!("[server]\nlisten = [\"{address}\"]\n{more}\n"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_zoners"))
            .args(["serve", "--config"])
            .arg(config)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut daemon = Daemon { child, address, log, folder };
        assert!(daemon.logs(&format!("serving on {address}")));
        daemon
    }

    /// Reads the log up to a line that has `part`.
    fn logs(&mut self, part: &str) -> bool {
        let mut line = String::new();
        while self.log.read_line(&mut line).unwrap() > 0 {
            if line.contains(part) {
                return true;
            }
            line.clear();
        }
        false
    }

    fn reconfigure(&mut self, more: &str) {
        file(&self.folder, &format!("[server]\nlisten = [\"{}\"]\n{more}\n", self.address));
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    fn ask(&self, packet: &[u8]) -> Vec<u8> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
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

fn localhost(id: u16, rtype: Rtype) -> Vec<u8> {
    let question = Question::new(name::parse("LocalHost").unwrap(), rtype);
    query(&question, Options { id, recursion_desired: true, edns: true }).to_vec()
}

#[test]
fn serve_answers_over_udp_and_tcp() {
    for threads in [1, 3] {
        let daemon = Daemon::start(&format!("threads = {threads}"));
        let reply = Message::parse(&daemon.ask(&localhost(7, Rtype::A)).into()).unwrap();
        assert_eq!((reply.header.id(), reply.rcode), (7, OptRcode::NOERROR));
        assert_eq!(reply.answer[0].to_string(), "LocalHost. 10800 IN A 127.0.0.1");

        let mut stream = TcpStream::connect(daemon.address).unwrap();
        // Two queries at once: both are answered on the one connection.
        for id in [1, 2] {
            let packet = localhost(id, Rtype::AAAA);
            stream.write_all(&(packet.len() as u16).to_be_bytes()).unwrap();
            stream.write_all(&packet).unwrap();
        }
        let mut ids = vec![];
        for _ in 0..2 {
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut packet = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut packet).unwrap();
            ids.push(Message::parse(&packet.into()).unwrap().header.id());
        }
        ids.sort_unstable();
        assert_eq!(ids, [1, 2]);
    }
}

#[test]
fn an_address_that_cannot_be_had_is_told() {
    let daemon = Daemon::start("");
    let folder = tempfile::tempdir().unwrap();
    let config = file(&folder, &format!("[server]\nlisten = [\"{}\"]\n", daemon.address));
    let output = zoners(&["serve", "--config", &config.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains(&daemon.address.to_string()), "{told}");
    if cfg!(target_os = "linux") {
        let owner = format!("zoners (process {})", daemon.child.id());
        assert!(told.contains(&owner), "{told}");
    }
}

#[test]
fn a_second_daemon_is_not_let_in_beside_one_that_shares_its_port() {
    let daemon = Daemon::start("threads = 2");
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[server]\nlisten = [\"{}\"]\nthreads = 2\n", daemon.address);
    let output = zoners(&["serve", "--config", &file(&folder, &text).display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
}

/// Whether the daemon tells its version.
fn tells_version(daemon: &Daemon) -> bool {
    let class = zoners_dns::Class::CH;
    let question =
        Question { class, ..Question::new(name::parse("version.bind").unwrap(), Rtype::TXT) };
    let packet = query(&question, Options { id: 1, recursion_desired: true, edns: false });
    daemon.ask(&packet)[3] & 0x0F == 0
}

#[test]
fn a_reload_takes_all_of_a_good_file_and_nothing_of_a_bad_one() {
    let mut daemon = Daemon::start("");
    assert!(!tells_version(&daemon));
    daemon.reconfigure("version = \"1\"\nthreads = 2\n");
    assert!(daemon.logs("reloaded") && daemon.logs("needs a restart: server.threads"));
    assert!(tells_version(&daemon));
    daemon.reconfigure("versoin = \"2\"\n");
    assert!(daemon.logs("not reloaded") && daemon.logs("did you mean `version`?"));
    assert!(tells_version(&daemon));
}

#[test]
fn names_of_a_hosts_file_follow_its_changes() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, "192.168.1.2 nas.lan\n").unwrap();
    let text = format!(
        "[local]\nhosts = {:?}\nrecords = [\"x.lan. A 192.168.1.9\"]",
        hosts.display().to_string()
    );
    let mut daemon = Daemon::start(&text);
    let address = |daemon: &Daemon, name: &str| {
        let question = Question::new(name::parse(name).unwrap(), Rtype::A);
        let packet = query(&question, Options { id: 1, recursion_desired: true, edns: false });
        let reply = Message::parse(&daemon.ask(&packet).into()).unwrap();
        reply.answer[0].addresses().next().unwrap().to_string()
    };
    assert_eq!(address(&daemon, "nas.lan"), "192.168.1.2");
    assert_eq!(address(&daemon, "x.lan"), "192.168.1.9");
    std::fs::write(&hosts, "192.168.1.3 nas.lan\n").unwrap();
    std::fs::File::options()
        .append(true)
        .open(&hosts)
        .unwrap()
        .set_modified(std::time::SystemTime::now() + Duration::from_secs(5))
        .unwrap();
    assert!(daemon.logs("reloaded"));
    assert_eq!(address(&daemon, "nas.lan"), "192.168.1.3");
}

#[test]
fn sigterm_ends_it_well() {
    let mut daemon = Daemon::start("threads = 2");
    let _idle = TcpStream::connect(daemon.address).unwrap();
    daemon.signal("-TERM");
    assert!(daemon.logs("stopped"));
    assert!(daemon.child.wait().unwrap().success());
}

#[cfg(feature = "demo")]
#[test]
fn the_demonstration_shows_what_it_promises() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_zoners"))
        .args(["demo", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let address: SocketAddr =
        line.split_whitespace().find_map(|word| word.trim_end_matches('.').parse().ok()).unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    for sight in zoners_sim::demo::SIGHTS {
        let question =
            Question::new(name::parse(sight.name).unwrap(), sight.rtype.parse().unwrap());
        let packet = query(&question, Options { id: 3, recursion_desired: true, edns: true });
        socket.send_to(&packet, address).unwrap();
        let mut buffer = [0; 1500];
        let length = socket.recv(&mut buffer).unwrap();
        let reply = Message::parse(&buffer[..length].to_vec().into()).unwrap();
        let rcode = match sight.name {
            "www.dead.demo" => OptRcode::SERVFAIL,
            "gone.fast.demo" => OptRcode::NXDOMAIN,
            _ => OptRcode::NOERROR,
        };
        assert_eq!(reply.rcode, rcode, "{sight:?}");
        assert_eq!(reply.header.tc(), sight.name == "big.fast.demo");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_control_socket_says_how_the_daemon_is() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control").display().to_string();
    let daemon = Daemon::start(&format!("control = {socket:?}\nthreads = 2"));
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    let ask = |arguments: &[&str]| {
        let output = zoners(&[arguments, &["--control", &socket]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (_, status, _) = ask(&["status"]);
    assert!(status.contains(&daemon.address.to_string()), "{status}");
    for id in 0..5 {
        daemon.ask(&localhost(id, Rtype::A));
    }
    daemon.ask(&[0; 12]);
    let (_, stats, _) = ask(&["stats", "--json"]);
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    assert_eq!((&stats["client_queries"], &stats["client_local"]), (&6.into(), &5.into()));
    let (code, found, _) = ask(&["lookup", "localhost", "A", "--server"]);
    assert_eq!((code, found.as_str()), (Some(0), "localhost. 10800 IN A 127.0.0.1\n"));
    let (_, flushed, _) = ask(&["cache", "flush", "example.com", "--subtree"]);
    assert_eq!(flushed, "0 entries forgotten\n");
    let (code, _, told) = ask(&["cache", "flush", "a..b"]);
    assert!(code == Some(1) && told.contains("a..b"), "{told}");
    let mut raw = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    raw.write_all(b"nonsense\n{\"do\":\"dance\"}\n").unwrap();
    let mut lines = BufReader::new(raw).lines();
    assert!(lines.next().unwrap().unwrap().contains("error"));
    assert!(lines.next().unwrap().unwrap().contains("`lookup`"), "what is allowed is told");
    drop(daemon);
    let (code, _, told) = ask(&["status"]);
    assert!(code == Some(1) && told.contains("is a daemon running"), "{told}");
}

#[test]
fn a_control_path_that_is_a_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    std::fs::write(&precious, "keep").unwrap();
    let precious = precious.display().to_string();
    let text = format!("[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = {precious:?}\n");
    let output = zoners(&["serve", "--config", &file(&folder, &text).display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&precious));
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "keep");
}

#[test]
fn completions_and_manual_pages_are_made() {
    let bash = zoners(&["completions", "bash"]);
    assert!(String::from_utf8_lossy(&bash.stdout).contains("zoners"));
    let folder = tempfile::tempdir().unwrap();
    assert!(zoners(&["manual", &folder.path().display().to_string()]).status.success());
    let page = std::fs::read_to_string(folder.path().join("zoners-lookup.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("trace"));
}

#[test]
fn the_log_can_be_json() {
    let folder = tempfile::tempdir().unwrap();
    let config = file(&folder, "[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = \"\"\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_zoners"))
        .args(["serve", "--log-format", "json", "--config"])
        .arg(config)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(entry["level"], "INFO");
}

#[test]
fn check_says_what_is_wrong_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(&folder, "[server]\nlisten = [\"127.0.0.1:5300\"]\n");
    let output = zoners(&["check", &good.display().to_string()]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("127.0.0.1:5300"));
    let bad = file(&folder, "[server]\n\nlisen = []\n");
    let output = zoners(&["check", &bad.display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("zoners.toml:3:1") && told.contains("did you mean `listen`?"), "{told}");
    assert!(!told.contains('\u{1b}'), "no colour where there is no terminal");
}

#[test]
fn lookup_tells_bad_names_and_types_from_failures() {
    for arguments in [["lookup", "a..b", "A"], ["lookup", "example.com", "NONSENSE"]] {
        let output = zoners(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    assert_eq!(zoners(&["lookup"]).status.code(), Some(2));
}

#[test]
fn lookup_answers_special_names_without_asking_anyone() {
    let output = zoners(&["lookup", "localhost", "A", "--trace"]);
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text, "localhost. A\nlocalhost. 10800 IN A 127.0.0.1\n");
    assert_eq!(zoners(&["lookup", "printer.local", "A"]).status.code(), Some(3));
}

#[test]
fn lookup_fails_with_a_reason_that_programs_can_read() {
    // A root server that nobody is.
    let folder = tempfile::tempdir().unwrap();
    let hints = folder.path().join("hints");
    let closed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    std::fs::write(&hints, ". NS a.root.\na.root. A 127.0.0.1\n").unwrap();
    let text = format!(
        "[resolver]\nroot-hints = {:?}\npriming = false\n[[stub]]\nzone = \"stub.example\"\nservers = [\"{closed}\"]\n",
        hints.display().to_string()
    );
    let config = file(&folder, &text).display().to_string();
    let output =
        zoners(&["lookup", "www.stub.example", "A", "--json", "--trace", "--config", &config]);
    assert_eq!(output.status.code(), Some(1));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["rcode"], "SERVFAIL");
    assert_eq!(object["ede"]["code"], 23, "{object}");
    assert_eq!(object["trace"][0]["outcome"], "connection refused", "{object}");
    let plain = zoners(&["lookup", "www.stub.example", "A", "--trace", "--config", &config]);
    let text = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert!(text.contains("connection refused"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
