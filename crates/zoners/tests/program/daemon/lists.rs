//! Lists of the policy: by address, from servers that do well and badly, and from files.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use serde_json::Value;
use zoners_dns::{Message, Rtype};

use crate::common::authority::Authority;
use crate::common::list_server::{ListConduct, ListServer};
use crate::common::waiting::until;
use crate::common::{Daemon, localhost, query_for, zoners};

/// A daemon with the list `ads`, and its folder of state and control socket.
pub(super) struct ListLab {
    pub(super) daemon: Daemon,
    text: String,
    state: tempfile::TempDir,
}

impl ListLab {
    /// A daemon with these lines of the list's table, and further tables.
    pub(super) fn start(list: &str, more: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let path = |name: &str| state.path().join(name).display().to_string();
        let text = format!(
            "state = {:?}\ncontrol = {:?}\n{more}[[policy.list]]\nname = \"ads\"\n{list}\n",
            path("state"),
            path("socket")
        );
        ListLab { daemon: Daemon::start(&text), text, state }
    }

    /// The same list from the server at its address.
    fn of(server: &ListServer) -> Self {
        ListLab::start(&format!("url = \"http://{}/ads.txt\"\nmax-size = 4096", server.address), "")
    }

    /// Replaces a text of the configuration, for the next start.
    pub(super) fn replace(&mut self, text: &str, new: &str) {
        self.text = self.text.replace(text, new);
    }

    pub(super) fn restart(&mut self) {
        self.daemon.signal("-TERM");
        assert!(self.daemon.child.wait().unwrap().success());
        self.daemon = Daemon::start(&self.text);
    }

    /// The reply of a command of the policy.
    pub(super) fn policy(&self, words: &[&str]) -> Value {
        let socket = self.state.path().join("socket").display().to_string();
        let output = zoners(&[&["policy"], words, &["--json", "--control", &socket]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }

    fn accept(&self) {
        let socket = self.state.path().join("socket").display().to_string();
        assert!(zoners(&["policy", "accept", "ads", "--control", &socket]).status.success());
    }

    /// Downloads the list; the state of its source after.
    fn update(&self) -> Value {
        self.policy(&["update", "ads"])["sources"][0].clone()
    }

    /// The workers get new rules a moment after the line in the log.
    fn await_block(&self, name: &str) {
        until(&format!("{name} is blocked"), || self.is_blocked(name));
    }

    fn is_blocked(&self, name: &str) -> bool {
        let reply = self.daemon.ask(&query_for(7, name, Rtype::A));
        let reply = Message::parse(&reply.into()).unwrap();
        let null = reply.answer.iter().flat_map(|set| set.addresses());
        null.into_iter().any(|address| address.is_unspecified())
    }

    /// Whether a rule concerns a name, without a query.
    pub(super) fn has_rule(&self, name: &str) -> bool {
        !self.policy(&["explain", name])["rules"].as_array().unwrap().is_empty()
    }

    /// A problem in `zoners status` about the list.
    fn problem(&self) -> String {
        let socket = self.state.path().join("socket").display().to_string();
        let output = zoners(&["status", "--json", "--control", &socket]);
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let texts =
            status["problems"].as_array().unwrap().iter().map(|problem| problem["text"].as_str());
        texts.flatten().find(|text| text.starts_with("List ads")).unwrap_or_default().to_owned()
    }

    fn counter(&self, name: &str) -> u64 {
        let socket = self.state.path().join("socket").display().to_string();
        let output = zoners(&["stats", "--json", "--control", &socket]);
        let stats: Value = serde_json::from_slice(&output.stdout).unwrap();
        stats["counters"][name].as_u64().unwrap()
    }
}

fn names(beginning: &str, count: usize) -> String {
    (0..count).map(|number| format!("0.0.0.0 {beginning}{number}.example\n")).collect()
}

#[test]
fn a_list_by_address_comes_into_force_and_is_there_at_once_after_a_restart() {
    let server = ListServer::start(&names("ad", 3));
    let mut lab = ListLab::of(&server);
    assert!(lab.daemon.logs("policy: lists in force: 1, rules: 3"));
    lab.await_block("ad2.example");
    server.does(ListConduct::Hang);
    let asked = server.requests().len();
    lab.restart();
    lab.await_block("ad2.example");
    let source = lab.policy(&["lists"])["sources"][0].clone();
    assert_eq!((&source["rules"], &source["error"]), (&3.into(), &Value::Null), "{source}");
    assert_eq!(server.requests().len(), asked, "the list is a moment old");
}

#[test]
fn a_start_does_not_wait_for_a_server_that_hangs() {
    let server = ListServer::start("");
    server.does(ListConduct::Hang);
    let lab = ListLab::of(&server);
    assert!(!lab.daemon.ask(&localhost(1, Rtype::A)).is_empty());
    let source = lab.policy(&["lists"])["sources"][0].clone();
    assert_eq!((&source["rules"], &source["age_s"]), (&Value::Null, &Value::Null), "{source}");
}

#[test]
fn a_server_that_does_badly_is_told_and_the_former_list_stays() {
    let server = ListServer::start(&names("ad", 3));
    let lab = ListLab::of(&server);
    assert_eq!(lab.update()["rules"], 3);
    let page = "<!DOCTYPE html><html><body>Log in</body></html>";
    let spoiled = |reply: &str| {
        server.replies(reply);
        lab.update()
    };
    let cases = [
        (format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len()), "web page"),
        ("HTTP/1.1 302 Found\r\nLocation: /ads.txt\r\n\r\n".to_owned(), "more than 5 redirects"),
        (
            "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n".to_owned(),
            "must begin with",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n0.0.0.0 x.ex".to_owned(), "broke off"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n0.0.0.0 x.test\n\r\n"
                .to_owned(),
            "broke off",
        ),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(), "status 404"),
        // No version was named, since the server names none.
        ("HTTP/1.1 304 Not Modified\r\n\r\n".to_owned(), "status 304"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n".to_owned(), "more than 4096"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nnothing at all".to_owned(),
            "looks like a rule",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx".to_owned(),
            "gzip",
        ),
    ];
    let count = cases.len() as u64;
    for (reply, reason) in cases {
        let source = spoiled(&reply);
        assert!(source["error"].as_str().unwrap().contains(reason), "{reason}: {source}");
        assert_eq!(source["rules"], 3, "{source}");
    }
    server.does(ListConduct::Endless(b"HTTP/1.1 200 OK\r\n\r\n0.0.0.0 x.example\n".repeat(50)));
    let source = lab.update();
    assert!(source["error"].as_str().unwrap().contains("more than 4096"), "{source}");
    assert_eq!(source["failures"].as_u64(), Some(count + 1));
    lab.await_block("ad2.example");
    assert!(!lab.has_rule("x.example"));
    assert_eq!(lab.counter("policy_downloads_failed"), count + 1);
    // A list may change its form.
    server.has("||new.example^\n||ad2.example^\n");
    let source = lab.update();
    assert_eq!((&source["rules"], &source["error"]), (&2.into(), &Value::Null), "{source}");
    lab.await_block("www.new.example");
    assert!(!lab.has_rule("ad1.example"));
}

#[test]
fn a_server_without_tls_is_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("url = \"https://{}/ads.txt\"", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = (&stream).write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let lab = ListLab::start(&url, "");
    let error = lab.update()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("no secure connection"), "{error}");
}

#[test]
fn a_list_without_news_is_not_sent_again() {
    let list = names("ad", 3);
    let server = ListServer::start("");
    server.replies(&format!(
        "HTTP/1.1 200 OK\r\nETag: \"7\"\r\nContent-Length: {}\r\n\r\n{list}",
        list.len()
    ));
    let lab = ListLab::of(&server);
    assert_eq!(lab.update()["rules"], 3);
    server.replies("HTTP/1.1 304 Not Modified\r\n\r\n");
    let source = lab.update();
    assert_eq!((&source["rules"], &source["error"]), (&3.into(), &Value::Null), "{source}");
    let requests = server.requests();
    assert!(requests.last().unwrap().contains("if-none-match: \"7\"\r\n"), "{requests:?}");
    // The copy is the newest version also after a restart.
    let mut lab = lab;
    lab.restart();
    assert_eq!(lab.update()["error"], Value::Null);
}

#[test]
fn a_list_may_block_the_name_of_its_own_server() {
    let authority = Authority::start();
    authority.place("lists.example", [127, 0, 0, 1]);
    let server = ListServer::start("||lists.example^\n");
    let url = format!("url = \"http://lists.example:{}/ads.txt\"", server.address.port());
    let lab = ListLab::start(&url, &authority.stub());
    assert_eq!(lab.update()["rules"], 1);
    lab.await_block("lists.example");
    server.has("||lists.example^\n||other.example^\n");
    let source = lab.update();
    assert_eq!((&source["rules"], &source["former_rules"]), (&2.into(), &1.into()), "{source}");
}

#[test]
fn a_list_that_shrinks_much_waits_for_a_day_or_a_word_also_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ads.txt");
    fs::write(&path, names("ad", 1000)).unwrap();
    let mut lab = ListLab::start(&format!("path = {:?}", path.display().to_string()), "");
    assert_eq!(lab.update()["rules"], 1000);
    replace(&path, &names("ad", 400));
    let source = lab.update();
    assert_eq!(
        (&source["rules"], &source["held"]["rules"]),
        (&1000.into(), &400.into()),
        "{source}"
    );
    let left = source["held"]["left_s"].as_u64().unwrap();
    assert!((86_000..=86_400).contains(&left), "{left}");
    lab.restart();
    lab.await_block("ad900.example");
    assert!(lab.problem().contains("shrank by more than half, from 1000 to 400 rules"));
    lab.accept();
    lab.await_block("ad399.example");
    assert!(!lab.has_rule("ad900.example"));
    let source = lab.policy(&["lists"])["sources"][0].clone();
    assert_eq!((&source["rules"], &source["held"]), (&400.into(), &Value::Null), "{source}");
    assert_eq!(lab.problem(), "");
    replace(&path, &names("ad", 10));
    assert_eq!(lab.update()["held"]["left_s"], Value::Null, "a person has to look");
}

#[test]
fn in_a_storm_of_changes_one_compilation_is_under_way_and_the_last_list_wins() {
    const CHANGES: usize = 30;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ads.txt");
    fs::write(&path, "0.0.0.0 first.example\n").unwrap();
    let lab = ListLab::start(&format!("path = {:?}", path.display().to_string()), "");
    std::thread::scope(|scope| {
        for change in 0..CHANGES {
            replace(&path, &format!("0.0.0.0 n{change}.example\n"));
            scope.spawn(|| lab.update());
        }
    });
    assert_eq!(lab.update()["rules"], 1);
    lab.await_block(&format!("n{}.example", CHANGES - 1));
    assert!(lab.counter("policy_compilations") <= CHANGES as u64 + 1);
}

/// Replaces a file as editors do.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}
