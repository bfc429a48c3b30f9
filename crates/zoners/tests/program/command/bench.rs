//! `zoners bench`, asked as a person does.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::Demo;
use crate::common::waiting::{travel, until};

/// More than the noise of this machine adds to a cache hit.
const LATE: Duration = Duration::from_millis(20);

/// Names of several zones of the demonstration.
const GOOD: [&str; 10] = [
    "www.fast.demo",
    "fast.demo",
    "www.slow.demo",
    "www.shop.demo",
    "x.old.moved.demo",
    "www.lame.demo",
    "big.fast.demo",
    "x.wild.fast.demo",
    "www.halfdead.demo",
    "gone.fast.demo",
];

/// The command with its own folder of baselines.
struct Bench(tempfile::TempDir);

/// The result of a call: exit code, standard output and standard error.
type Called = (Option<i32>, String, String);

impl Bench {
    fn new() -> Self {
        Bench(tempfile::tempdir().unwrap())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zoners"));
        command.arg("bench").env("XDG_STATE_HOME", self.0.path().join("state"));
        command
    }

    fn call(&self, arguments: &[&str]) -> Called {
        self.call_with(arguments, "")
    }

    /// Runs the command with `input` on standard input.
    fn call_with(&self, arguments: &[&str], input: &str) -> Called {
        // Servers other than this machine are not asked.
        let alone: &[&str] = match arguments[0].starts_with("--") {
            true => &["--no-gateway"],
            false => &[],
        };
        let mut child = self
            .command()
            .args(arguments)
            .args(alone)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command may leave the input unread.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}

/// A server denying every name with NODATA, except names beginning with x.
struct Stub {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Stub {
    fn start() -> Self {
        Stub::late(Duration::ZERO)
    }

    /// A server answering after `late`.
    fn late(late: Duration) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, asked) = (socket.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let count = asked.clone();
        std::thread::spawn(move || {
            let mut octets = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut octets) {
                count.fetch_add(1, Ordering::Relaxed);
                if length > 13 && !octets[13].eq_ignore_ascii_case(&b'x') {
                    // The query with QR set: NOERROR without an answer.
                    octets[2] |= 0x80;
                    let (socket, answer) = (socket.try_clone().unwrap(), octets[..length].to_vec());
                    std::thread::spawn(move || {
                        travel(late);
                        let _ = socket.send_to(&answer, from);
                    });
                }
            }
        });
        Stub { address, asked }
    }
}

fn assert_fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn a_run_is_told_kept_and_compared() {
    let (bench, demo) = (Bench::new(), Demo::start());
    let server = demo.addresses[0].to_string();
    let names = bench.file("names", &GOOD.join("\n"));
    let asked = ["--server", &server, "--names", &names, "--rounds", "3"];
    let (code, told, _) = bench.call(&[&asked[..], &["--save", "before", "--all"]].concat());
    assert_eq!(code, Some(0), "{told}");
    assert_fits(&told);
    for part in
        ["10 names of", "first", "0 of 30", "0 of 150", "How long", "What stands out", "fast.demo"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    // The server has the names cached now, which must not count as an improvement.
    let against = ["--against", "before", "--fail-on", "loss"];
    let (code, told, _) = bench.call(&[&asked[..], &against].concat());
    assert_eq!(code, Some(0), "{told}");
    assert_fits(&told);
    assert!(told.contains("First asks are not compared: the server knew"), "{told}");
    assert!(!told.contains("first: typically"), "{told}");
    let (_, listed, _) = bench.call(&["list"]);
    assert!(listed.starts_with("before  20") && listed.contains("10 names"), "{listed}");
    let (_, shown, _) = bench.call(&["show", "before"]);
    assert!(shown.contains("10 names of") && shown.contains("0 of 150"), "{shown}");
    let (_, shown, _) = bench.call(&["show", "before", "--against", "before"]);
    assert!(shown.contains("no significant change, by 10 names"), "{shown}");
    assert_eq!(bench.call(&["remove", "before"]).0, Some(0));
    let (code, _, told) = bench.call(&["show", "before"]);
    assert!(code == Some(2) && told.contains("--save NAME makes one"), "{told}");
}

#[test]
fn servers_are_set_beside_each_other() {
    let (bench, quick, slow) = (Bench::new(), Stub::start(), Stub::late(LATE));
    // Enough names that some late answers of the quick server do not change the verdict.
    let names: String = (0..40).map(|name| format!("n{name}.test\n")).collect();
    let names = bench.file("names", &names);
    let (quick, slow) = (quick.address.to_string(), slow.address.to_string());
    let asked = ["--server", &quick, "--server", &slow, "--names", &names, "--types", "A"];
    let (code, told, _) = bench.call(&asked);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(&format!("Beside {quick}\n  slower, by 40 names")), "{told}");
}

#[test]
fn programs_can_read_what_came_of_it() {
    let (bench, stub) = (Bench::new(), Stub::start());
    let server = stub.address.to_string();
    let log = "dnsmasq[811]: query[A] www.example.com from 192.168.1.5\nnothing\n\
               dnsmasq[811]: query[AAAA] mail.example.org from 192.168.1.5\n";
    let asked = ["--server", &server, "--names", "-", "--format", "query-log", "--types", "mx"];
    let (code, json, _) = bench.call_with(&[&asked[..], &["--json"]].concat(), log);
    assert_eq!(code, Some(0), "{json}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["names"], &json["source"]), (&2.into(), &"standard input".into()));
    assert_eq!(json["targets"][0]["summary"]["cold"]["count"], 2);
    let (_, csv, _) = bench.call_with(&[&asked[..], &["--csv"]].concat(), log);
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("server,name,provider,mean_ms") && lines.len() == 3, "{csv}");
    assert!(lines[1].starts_with(&format!("{server},www.example.com,")), "{csv}");
}

#[test]
fn what_is_lost_counts_and_can_fail_a_build() {
    let (bench, stub) = (Bench::new(), Stub::start());
    let server = stub.address.to_string();
    let ask = |names: &str, more: &[&str]| {
        let names = bench.file("names", names);
        let asked = ["--server", &server, "--names", &names, "--timeout", "500", "--types", "A"];
        bench.call(&[&asked[..], more].concat())
    };
    let (code, told, _) = ask("a.test\nb.test\n", &["--fail-on", "loss"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told, error) =
        ask("a.test\nx.test\n", &["--fail-on", "loss,regression", "--against", "x"]);
    assert_eq!(code, Some(2), "{told}{error}");
    let (code, told, error) = ask("a.test\nx.test\n", &["--fail-on", "loss"]);
    assert_eq!(code, Some(4), "{told}{error}");
    assert!(told.contains("1 of 2") && told.contains("2 x no answer in time"), "{told}");
    assert!(told.contains("x.test") && error.contains("a loss, as --fail-on forbids"), "{error}");
}

#[test]
fn a_rate_is_kept_whatever_comes_back() {
    let (bench, stub) = (Bench::new(), Stub::start());
    let server = stub.address.to_string();
    let names = bench.file("names", "a.test\nb.test\n");
    let asked = ["--server", &server, "--names", &names, "--rate", "100..500", "--time", "2"];
    let (code, told, _) = bench.call(&asked);
    assert_eq!(code, Some(0), "{told}");
    assert_fits(&told);
    assert!(told.contains("As the rate grew") && told.contains("questions a second"), "{told}");
    // 300 a second in the mean, for two seconds; first asks and nameservers beside.
    let count = stub.asked.load(Ordering::Relaxed);
    assert!((600..630).contains(&count), "{count}");
}

#[test]
fn who_has_enough_gets_what_there_is() {
    let (bench, stub) = (Bench::new(), Stub::start());
    let names: String = (0..1000).map(|name| format!("n{name}.test\n")).collect();
    let child = bench
        .command()
        .args(["--server", &stub.address.to_string(), "--pace", "100", "--no-gateway"])
        .args(["--names", &bench.file("names", &names)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("it has begun", || stub.asked.load(Ordering::Relaxed) >= 20);
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.contains("It ended before all was asked") && told.contains("first"), "{told}");
}

#[test]
fn what_cannot_be_measured_is_told_with_what_to_do() {
    let bench = Bench::new();
    let stub = Stub::start().address.to_string();
    let closed =
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().to_string();
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let names = bench.file("names", "a.test\nb.test\n");
    let other = bench.file("other", "a.test\nc.test\n");
    let (empty, wrong) =
        (bench.file("empty", "# nothing\n"), bench.file("wrong", "a.test\na..b\n"));
    let kept = ["--server", &stub, "--names", &names, "--types", "A", "--save", "kept"];
    assert_eq!(bench.call(&kept).0, Some(0));
    let page = bench.path("missing/page.html");
    let cases: &[(&[&str], &str)] = &[
        (&["--server", &stub, "--names", &empty], "there is no name in it"),
        (&["--server", &stub, "--names", &wrong], "line 2: \"a..b\" is no name"),
        (&["--server", &stub, "--names", "/nowhere"], "--names /nowhere: No such file"),
        (&["--server", &stub, "--names", &names, "--types", "A,NONSENSE"], "no type, such as A"),
        (&["--server", &closed, "--names", &names], "connection refused"),
        (&["--server", &silent, "--names", &names, "--timeout", "50"], "no answer in time"),
        (&["--server", "example.com", "--names", &names], "no IP address"),
        (&["--server", "tls://192.0.2.1", "--names", &names], "not there yet"),
        (&["--server", &stub, "--names", &names, "--against", "missing"], "there are: kept"),
        (
            &["--server", &stub, "--names", &other, "--types", "A", "--against", "kept"],
            "of another list",
        ),
        (&["--server", &stub, "--names", &names, "--against", "kept"], "other types"),
        (&["--server", &stub, "--names", &names, "--save", "../x"], "no name for a baseline"),
        (&["--server", &stub, "--fail-on", "regression"], "--against says since when"),
        (&["--server", &stub, "--html", &page], "no file in a folder that is there"),
        (&["--server", &stub, "--rate", "0"], "such as 200"),
        (&["--server", &stub, "--pace", "-1"], "--pace: from 0"),
        // Never sent: strangers are not asked that fast.
        (&["--server", "192.0.2.1", "--rate", "101"], "--i-run-this-server"),
        (&["--server", &stub, "--server", "192.0.2.1", "--pace", "0"], "--i-run-this-server"),
        (&["--in-process", "--config", "/nowhere"], "/nowhere"),
        (&["show", "missing"], "there are: kept"),
        (&["remove", "missing"], "there are: kept"),
    ];
    for (arguments, expected) in cases {
        let (code, told, error) = bench.call(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {told}{error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
        assert!(!told.contains("mean"), "{arguments:?}: no figure that looks valid: {told}");
    }
}

/// Headless Chromium without network access.
fn browser(folder: &Path, more: &[&str]) -> Vec<u8> {
    let mut child = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1100,2400"])
        .arg(format!("--user-data-dir={}", folder.join("browser").display()))
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("chromium: {error}; scripts/tools installs it"));
    let mut output = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
    assert!(child.wait().unwrap().success());
    output
}

#[test]
fn the_page_opens_in_a_browser() {
    let (bench, demo) = (Bench::new(), Demo::start());
    let server = demo.addresses[0].to_string();
    let names = bench.file("names", &GOOD.join("\n"));
    let page = bench.path("page.html");
    let asked = ["--server", &server, "--names", &names, "--html", &page];
    assert_eq!(bench.call(&asked).0, Some(0));
    let address = format!("file://{page}");
    let shown = String::from_utf8(browser(bench.0.path(), &["--dump-dom", &address])).unwrap();
    for part in ["How 10 names resolve", "class=\"curve", "www.fast.demo", "</html>"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let pictures = [("light", "1"), ("dark", "0")].map(|(mode, preferred)| {
        let picture = bench.path(&format!("{mode}.png"));
        let colours = format!("--blink-settings=preferredColorScheme={preferred}");
        let file = format!("--screenshot={picture}");
        browser(bench.0.path(), &[&colours, &file, &address]);
        std::fs::read(picture).unwrap()
    });
    assert!(
        pictures.iter().all(|picture| picture.starts_with(b"\x89PNG") && picture.len() > 20_000)
    );
    assert_ne!(pictures[0], pictures[1], "light and dark");
}
