//! `zoners restart`: a new daemon takes over.

use std::io::Read;
use std::net::TcpStream;
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use zoners_dns::Rtype;

use crate::common::authority::{Authority, ask};
use crate::common::waiting::until;
use crate::common::{Daemon, ask_until, localhost, send, shell_program, zoners};

/// Restarts while clients ask.
const RESTARTS: usize = 5;

/// A daemon with a control socket in its folder, and the processes that took over.
struct Restarting {
    daemon: Daemon,
    latest: Option<Pid>,
}

impl Restarting {
    fn start(more: &str) -> Self {
        Restarting { daemon: Daemon::start(more), latest: None }
    }

    fn control(&self) -> String {
        self.daemon.folder.path().join("run/zoners.sock").display().to_string()
    }

    fn restart(&self, more: &[&str]) -> Output {
        zoners(&[&["restart", "--control", &self.control()], more].concat())
    }

    /// A restart that succeeds.
    fn take_over(&mut self) {
        let done = self.restart(&[]);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
        let process = said.split_whitespace().nth(1).unwrap().parse().unwrap();
        self.latest = Pid::from_raw(process);
    }

    /// A restart that fails, with this reason; the daemon serves on.
    fn is_refused(&self, more: &[&str], reason: &str) {
        let failed = self.restart(more);
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert_eq!(failed.status.code(), Some(1), "{said}");
        assert!(said.contains("serves on") && said.contains(reason), "{said}");
        assert_eq!(self.daemon.ask(&localhost(3, Rtype::A))[3] & 0x0F, 0);
        assert!(zoners(&["stats", "--control", &self.control()]).status.success());
    }

    /// A program with these lines of a shell, where `$ZONERS` is ours.
    fn program(&self, lines: &str) -> String {
        shell_program(self.daemon.folder.path(), lines)
    }
}

impl Drop for Restarting {
    fn drop(&mut self) {
        if let Some(latest) = self.latest {
            let _ = kill_process(latest, Signal::KILL);
        }
    }
}

#[test]
fn no_query_is_lost_while_daemons_take_over_and_the_cache_comes_along() {
    let authority = Authority::start();
    let mut daemons = Restarting::start(&format!("threads = 2\n{}", authority.stub()));
    ask(&daemons.daemon, 1);
    let (done, over_udp, over_tcp) =
        (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let address = daemons.daemon.address;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| ask_until(&done, address, &over_udp));
        }
        scope.spawn(|| {
            let mut stream = TcpStream::connect(address).unwrap();
            while !done.load(Ordering::Relaxed) {
                // A closed connection is opened anew (RFC 7766 section 6.2.4).
                while answer(&mut stream).is_err() {
                    stream = TcpStream::connect(address).unwrap();
                }
                over_tcp.fetch_add(1, Ordering::Relaxed);
            }
        });
        for _ in 0..RESTARTS {
            let before = (over_udp.load(Ordering::Relaxed), over_tcp.load(Ordering::Relaxed));
            daemons.take_over();
            until("replies over UDP", || over_udp.load(Ordering::Relaxed) > before.0);
            until("replies over TCP", || over_tcp.load(Ordering::Relaxed) > before.1);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(daemons.daemon.child.wait().unwrap().success(), "the first one has ended");
    assert!(test_kill_process(daemons.latest.unwrap()).is_ok(), "the last one serves");
    let asked = authority.count();
    authority.silent.store(true, Ordering::Relaxed);
    ask(&daemons.daemon, 1);
    assert_eq!(authority.count(), asked, "from the cache");
    assert!(daemons.daemon.logs("cache: loaded "), "in the log of the first");
}

/// Asks over TCP.
fn answer(stream: &mut TcpStream) -> std::io::Result<()> {
    send(stream, &localhost(6, Rtype::A))?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    stream.read_exact(&mut vec![0; u16::from_be_bytes(length).into()])
}

#[test]
fn a_program_that_does_not_come_up_leaves_the_old_daemon_serving() {
    let daemons = Restarting::start("");
    let run = |lines: &str, reason: &str| {
        daemons.is_refused(&["--program", &daemons.program(lines)], reason);
    };
    let hang = |lines: &str| {
        let program = daemons.program(lines);
        daemons.is_refused(&["--timeout", "2s", "--program", &program], "not ready within 2s");
    };
    daemons.is_refused(&["--program", "/nowhere/zoners"], "/nowhere/zoners: No such file");
    run("echo 'cannot load libx.so' >&2; exit 127", "cannot load libx.so");
    hang("exec sleep 1000");
    let rehearses = "case \"$*\" in *--rehearse*) exec $ZONERS \"$@\";; esac\n";
    run(&format!("{rehearses}echo 'of no use' >&2; exit 1"), "of no use");
    hang(&format!("{rehearses}exec sleep 1000"));
    run(&format!("{rehearses}exec $ZONERS \"$@\" </dev/null"), "gave no leave");
}

#[test]
fn a_configuration_that_is_wrong_by_now_leaves_the_old_daemon_serving() {
    let daemons = Restarting::start("");
    let path = daemons.daemon.folder.path().join("zoners.toml");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    write("[server]\nlisten = [\"127.0.0.1:0\"]\nthread = 2\n");
    daemons.is_refused(&[], "thread");
    write("[server]\nlisten = [\"127.0.0.1:0\"]\nstate = \"/dev/null/state\"\n");
    daemons.is_refused(&[], "keeps the cache across restarts");
}

#[test]
fn a_new_daemon_that_goes_away_with_the_sockets_changes_nothing() {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    let mut daemons = Restarting::start("");
    for _ in 0..2 {
        let mut stream = UnixStream::connect(daemons.control()).unwrap();
        stream.write_all(b"{\"do\":\"hand-over\"}\n").unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 1);
        drop(stream);
        assert!(daemons.daemon.logs("this one serves on"));
    }
    assert_eq!(daemons.daemon.ask(&localhost(3, Rtype::A))[3] & 0x0F, 0);
    daemons.take_over();
}
