//! The cache outlives the process that filled it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod common;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{Daemon, query_for, zoners};
use zoners_dns::compose::{Flags, Reply, compose};
use zoners_dns::packet::Request;
use zoners_dns::{Message, Name, OptRcode, RRset, Records, Rtype};

/// The one address of a name.
fn address_of(name: &Name) -> [u8; 4] {
    let sum = name.to_string().bytes().fold(7u32, |sum, octet| {
        sum.wrapping_mul(31).wrapping_add(u32::from(octet.to_ascii_lowercase()))
    });
    sum.to_be_bytes()
}

/// A server of `example.` that has an address for each name, while it speaks.
#[derive(Clone)]
struct Authority {
    address: SocketAddr,
    silent: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Authority {
    fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let authority = Authority { address, silent: Arc::default(), asked: Arc::default() };
        let own = authority.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 1500];
            loop {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                own.asked.fetch_add(1, Ordering::Relaxed);
                let Ok(request) = Request::read(&buffer[..length]) else { continue };
                let question = request.question();
                let records = Records::from_iter([address_of(&question.name)]);
                let mut reply = compose(&Reply {
                    question: &question,
                    rcode: OptRcode::NOERROR,
                    flags: Flags { aa: true, ..Flags::default() },
                    answer: &[RRset::new(question.name.clone(), Rtype::A, 600, records)],
                    authority: &[],
                    additional: &[],
                    signatures: false,
                });
                reply[..2].copy_from_slice(&buffer[..2]);
                // That somebody before was killed is told once, instead of sending.
                let send = || socket.send_to(&reply, from).is_ok();
                let _ = own.silent.load(Ordering::Relaxed) || send() || send();
            }
        });
        authority
    }

    /// A daemon that asks it, and keeps its cache in `state`.
    fn daemon(&self, state: &Path) -> Daemon {
        let (state, server) = (state.display(), self.address);
        Daemon::start(&format!(
            "state = \"{state}\"\ncontrol = \"{state}/socket\"\n[cache]\npersist-every = 0\n\
             [[stub]]\nzone = \"example\"\nservers = [\"{server}\"]\n"
        ))
    }

    fn count(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Asks for a name, and sees to it that what comes is right.
fn ask(daemon: &Daemon, number: usize) {
    let reply = daemon.ask(&query_for(7, &format!("n{number}.example"), Rtype::A));
    let reply = Message::parse(&reply.into()).unwrap();
    let owner = &reply.question.as_ref().unwrap().name;
    let right = Records::from_iter([address_of(owner)]);
    assert_eq!(reply.answer.first().map(|set| &set.records), Some(&right), "{reply:?}");
    assert!(reply.answer[0].ttl <= 600);
}

/// Ends it well and waits until it has ended.
fn stop(mut daemon: Daemon) {
    daemon.signal("-TERM");
    assert!(daemon.child.wait().unwrap().success());
}

#[test]
fn what_was_asked_before_a_restart_is_answered_after_it_without_asking_anyone() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let daemon = authority.daemon(state.path());
    (0..500).for_each(|number| ask(&daemon, number));
    stop(daemon);
    let (before, began) = (authority.count(), Instant::now());
    authority.silent.store(true, Ordering::Relaxed);
    let daemon = authority.daemon(state.path());
    (0..500).for_each(|number| ask(&daemon, number));
    assert_eq!(authority.count(), before);
    assert!(began.elapsed() < Duration::from_secs(5), "nobody was waited for");
    // What it knows is shown, written, forgotten and brought back.
    let socket = state.path().join("socket");
    let cache = |arguments: &[&str]| {
        let output =
            zoners(&[&["cache"], arguments, &["--control", socket.to_str().unwrap()]].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(cache(&["stats"]).contains("cached"));
    assert!(cache(&["lookup", "n7.example"]).contains("n7.example. "));
    let (dump, name) = (state.path().join("dump"), "n7.example");
    assert!(cache(&["dump", dump.to_str().unwrap()]).contains("octets written"));
    cache(&["flush", "example", "--subtree"]);
    assert!(cache(&["lookup", name]).contains("nothing is known"));
    assert!(cache(&["load", dump.to_str().unwrap()]).contains("entries of 0 s ago taken"));
    assert!(cache(&["lookup", name]).contains("n7.example. "));
    fs::write(&dump, "no dump").unwrap();
    let refused =
        zoners(&["cache", "load", dump.to_str().unwrap(), "--control", socket.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}

#[test]
fn a_file_that_is_no_cache_is_put_aside_in_one_line() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let daemon = authority.daemon(state.path());
    (0..20).for_each(|number| ask(&daemon, number));
    stop(daemon);
    let file = state.path().join("cache");
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let mut newer = whole.clone();
    newer[13] += 1;
    for octets in [b"mine".to_vec(), vec![], whole[..whole.len() - 1].to_vec(), changed, newer] {
        fs::write(&file, &octets).unwrap();
        let (state, server) = (state.path().display().to_string(), authority.address);
        let mut daemon = Daemon::unready(&format!(
            "state = \"{state}\"\n[[stub]]\nzone = \"example\"\nservers = [\"{server}\"]\n"
        ));
        assert!(daemon.logs("put aside as cache.bad"));
        assert!(daemon.is_ready());
        ask(&daemon, 3);
        assert_eq!(fs::read(Path::new(&state).join("cache.bad")).unwrap(), octets);
        daemon.child.kill().unwrap();
    }
}

#[test]
fn killed_at_any_moment_it_starts_again_and_says_nothing_wrong() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let first = authority.daemon(state.path());
    (0..3_000).for_each(|number| ask(&first, number));
    stop(first);
    // From no time at all, while it reads, to some time after the first write has begun.
    for round in 0..200u64 {
        let mut daemon = authority.daemon(state.path());
        if round % 4 > 0 {
            (0..5).for_each(|number| ask(&daemon, number * 400 + round as usize));
            ask(&daemon, 3_000 + round as usize);
        }
        std::thread::sleep(Duration::from_micros(round * 7919 % 30_000));
        daemon.child.kill().unwrap();
        assert!(!state.path().join("cache.bad").exists(), "round {round}");
    }
    authority.silent.store(true, Ordering::Relaxed);
    let before = authority.count();
    let last = authority.daemon(state.path());
    (0..3_000).for_each(|number| ask(&last, number));
    assert_eq!(authority.count(), before);
}
