//! The daemon as met by the operating system and by clients.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::waiting::{PATIENCE, until};
use crate::common::{Daemon, client, file, localhost, query_for, receive, send, zoners};
use zoners_dns::query::{QueryOptions, query};
use zoners_dns::{Message, OptRcode, Question, Rtype, name};

#[test]
fn serve_answers_over_udp_and_tcp() {
    for threads in [1, 3] {
        let daemon = Daemon::start(&format!("threads = {threads}"));
        let reply = Message::parse(&daemon.ask(&localhost(7, Rtype::A)).into()).unwrap();
        assert_eq!((reply.header.id(), reply.rcode), (7, OptRcode::NOERROR));
        assert_eq!(reply.answer[0].to_string(), "LocalHost. 10800 IN A 127.0.0.1");

        let mut stream = TcpStream::connect(daemon.address).unwrap();
        // Two queries at once: both are answered on one connection.
        for id in [1, 2] {
            send(&mut stream, &localhost(id, Rtype::AAAA)).unwrap();
        }
        let mut ids = [(); 2].map(|()| receive(&mut stream).header.id());
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
    // A sandboxed daemon does not show its open files to other processes of its user.
    if cfg!(target_os = "linux") && rustix::process::geteuid().is_root() {
        let owner = format!("already running, process {}", daemon.child.id());
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
    let packet = query(&question, QueryOptions { id: 1, recursion_desired: true, edns: false });
    daemon.ask(&packet)[3] & 0x0F == 0
}

#[test]
fn a_reload_takes_all_of_a_good_file_and_nothing_of_a_bad_one() {
    let mut daemon = Daemon::start("");
    assert!(!tells_version(&daemon));
    daemon.reconfigure("version = \"1\"\nthreads = 2\n");
    assert!(
        daemon.logs("reload: the new configuration is in force")
            && daemon.logs("needs a restart: server.threads")
    );
    assert!(tells_version(&daemon));
    daemon.reconfigure("versoin = \"2\"\n");
    assert!(daemon.logs("reload: refused") && daemon.logs("did you mean `version`?"));
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
    let daemon = Daemon::start(&text);
    let address = |daemon: &Daemon, name: &str| {
        let reply = daemon.ask(&query_for(1, name, Rtype::A));
        let reply = Message::parse(&reply.into()).unwrap();
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
    // The file is checked while clients ask.
    until("the file is read again", || address(&daemon, "nas.lan") == "192.168.1.3");
}

#[test]
fn sigterm_ends_it_well() {
    let mut daemon = Daemon::start("threads = 2");
    let _idle = TcpStream::connect(daemon.address).unwrap();
    daemon.signal("-TERM");
    assert!(daemon.logs("stopped"));
    assert!(daemon.child.wait().unwrap().success());
}

#[test]
fn the_log_can_be_json() {
    let folder = tempfile::tempdir().unwrap();
    let config = file(&folder, "[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = \"\"\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_zoners"))
        .args(["serve", "--log-format", "json", "--config"])
        .arg(config)
        .env("XDG_STATE_HOME", folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(matches!(entry["level"].as_str(), Some("INFO" | "WARN")), "{entry}");
}

/// A daemon started by a service manager, played by this test; the notifications in order.
#[test]
fn a_service_manager_hears_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let notices = UnixDatagram::bind(&path).unwrap();
    notices.set_read_timeout(Some(PATIENCE)).unwrap();
    let config = file(&folder, "[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = \"\"\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_zoners"))
        .args(["serve", "--config"])
        .arg(config)
        .env("XDG_STATE_HOME", folder.path())
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "100000")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let told = || {
        let mut buffer = [0; 200];
        let length = notices.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    };
    let first = ["udp", "tcp"].map(|_| told());
    assert!(
        first.iter().all(|notice| notice.starts_with("FDSTORE=1\nFDNAME=zoners/")),
        "{first:?}"
    );
    assert_eq!(told(), "READY=1");
    assert_eq!([told(), told()], ["WATCHDOG=1", "WATCHDOG=1"]);
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(status.unwrap().success());
    while told() != "STOPPING=1" {}
    assert!(child.wait().unwrap().success());
}

/// As systemd does for a unit with a socket: binds, then starts the program with the sockets as
/// descriptors from 3 on.
pub(crate) const ACTIVATE: &str = "
import os, socket, sys
for port in range(20000, 30000):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        udp.bind(('127.0.0.1', port))
        tcp.bind(('127.0.0.1', port))
        break
    except OSError:
        continue
tcp.listen()
if 'TABLE' in os.environ:
    with open(sys.argv[-1], 'a') as config:
        config.write(f'[[listen]]\\naddress = \"udp://127.0.0.1:{port}\"\\nallow = []\\n')
spare = [os.dup(s.fileno()) for s in (udp, tcp)]
spare = [os.dup2(fd, 100 + at) for at, fd in enumerate(spare)]
for at, fd in enumerate(spare):
    os.dup2(fd, 3 + at, inheritable=True)
os.environ.update(LISTEN_FDS='2', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])
";

#[test]
fn sockets_of_a_service_manager_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let config = file(&folder, "[server]\ncontrol = \"\"\nthreads = 2\n");
    let mut child = Command::new("python3")
        .args(["-c", ACTIVATE, env!("CARGO_BIN_EXE_zoners"), "serve", "--config"])
        .arg(config)
        .env("XDG_STATE_HOME", folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = served_address(&mut log);
    let mut buffer = [0; 1500];
    for _ in 0..10 {
        let client = client(Ipv4Addr::LOCALHOST);
        client.send_to(&localhost(1, Rtype::A), address).unwrap();
        assert!(client.recv(&mut buffer).unwrap() > 12);
        let mut stream = TcpStream::connect(address).unwrap();
        send(&mut stream, &localhost(2, Rtype::A)).unwrap();
        assert_eq!(receive(&mut stream).answer.len(), 1);
    }
    // The sockets belong to the manager, whatever the configuration says later.
    file(&folder, "[server]\ncontrol = \"\"\nthreads = 2\nlisten = [\"127.0.0.1:53\"]\n");
    let hangup = Command::new("kill").args(["-HUP", &child.id().to_string()]).status();
    assert!(hangup.unwrap().success());
    assert!(
        log.any(|line| line
            .unwrap()
            .contains("needs a restart: server.listen (the service manager"))
    );
    let client = client(Ipv4Addr::LOCALHOST);
    client.send_to(&localhost(1, Rtype::A), address).unwrap();
    assert!(client.recv(&mut buffer).unwrap() > 12);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_socket_of_a_service_manager_has_the_clients_of_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let config = file(&folder, "[server]\ncontrol = \"\"\n");
    let mut child = Command::new("python3")
        .args(["-c", ACTIVATE, env!("CARGO_BIN_EXE_zoners"), "serve", "--config"])
        .arg(config)
        .envs([("XDG_STATE_HOME", folder.path().as_os_str()), ("TABLE", "yes".as_ref())])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let address = served_address(&mut BufReader::new(child.stderr.take().unwrap()).lines());
    let (client, mut buffer) = (client(Ipv4Addr::LOCALHOST), [0; 1500]);
    client.send_to(&localhost(1, Rtype::A), address).unwrap();
    let length = client.recv(&mut buffer).unwrap();
    let reply = Message::parse(&buffer[..length].to_vec().into()).unwrap();
    assert_eq!(reply.rcode, OptRcode::REFUSED, "the table has UDP");
    let mut stream = TcpStream::connect(address).unwrap();
    send(&mut stream, &localhost(2, Rtype::A)).unwrap();
    assert_eq!(receive(&mut stream).rcode, OptRcode::NOERROR, "the table has no TCP");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The first address of which the log tells.
fn served_address(log: &mut impl Iterator<Item = std::io::Result<String>>) -> SocketAddr {
    let address = log.find_map(|line| {
        let line = line.unwrap();
        let (_, rest) = line.split_once("serving on ")?;
        rest.split(',').next()?.parse().ok()
    });
    address.unwrap()
}

#[test]
fn root_becomes_the_user_that_is_configured() {
    let mut daemon = Daemon::unready("user = \"nobody\"");
    if !rustix::process::geteuid().is_root() {
        assert!(daemon.logs("not started as root"));
        return;
    }
    assert!(daemon.logs("running as nobody") && daemon.is_ready());
    for task in std::fs::read_dir(format!("/proc/{}/task", daemon.child.id())).unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let uids = status.lines().find(|line| line.starts_with("Uid:")).unwrap();
        assert!(uids.split_whitespace().skip(1).all(|uid| uid != "0"), "{uids}");
        assert!(status.contains("NoNewPrivs:\t1"));
    }
    assert!(Message::parse(&daemon.ask(&localhost(1, Rtype::A)).into()).is_ok());
    let mut nobody = Daemon::unready("user = \"no-such-user-anywhere\"");
    assert!(nobody.logs("server.user: `no-such-user-anywhere`"));
    assert_eq!(nobody.child.wait().unwrap().code(), Some(2));
}
