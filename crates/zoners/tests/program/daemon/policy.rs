//! Groups of clients with the real binary: conversations over UDP, explanations, and a pause over a restart.

#[cfg(target_os = "linux")]
use std::net::Ipv4Addr;
use std::path::Path;

#[cfg(target_os = "linux")]
use crate::common::authority::Authority;
#[cfg(target_os = "linux")]
use crate::common::client;
use crate::common::waiting::until;
use crate::common::{Daemon, query_for, zoners};
use zoners_dns::{Message, OptRcode, Rtype};

const GROUPS: &str = "[local]\nrecords = [\"nas.lan. A 192.168.1.2\", \"desk.lan. A 127.0.0.1\"]\n\
                      [policy]\nblock-with = \"nxdomain\"\n\
                      [[policy.group]]\nname = \"kids\"\nclients = [\"desk.lan\"]\n\
                      blocked-services = [\"tiktok\"]\nblock-aaaa = true\n\
                      records = [\"files.lan. 60 CNAME nas.lan.\", \"loop.lan. CNAME loop.lan.\"]\n\
                      [[policy.group.schedule]]\nname = \"always\"\ntime-zone = \"UTC\"\nblocked-services = [\"roblox\"]\n";

fn daemon(state: &Path) -> Daemon {
    let state = state.display();
    Daemon::start(&format!("state = \"{state}\"\ncontrol = \"{state}/socket\"\n{GROUPS}"))
}

fn ask(daemon: &Daemon, name: &str, rtype: Rtype) -> String {
    let reply = Message::parse(&daemon.ask(&query_for(7, name, rtype)).into()).unwrap();
    let records = reply.answer.iter().map(|set| {
        let target = set.target().map(|target| target.to_string());
        let addresses = set.addresses().map(|address| address.to_string());
        let data: Vec<String> = target.into_iter().chain(addresses).collect();
        format!("{} {} {}", set.owner, set.rtype, data.join(" "))
    });
    format!("{} {}", reply.rcode, records.collect::<Vec<_>>().join(", "))
}

fn control(state: &Path, arguments: &[&str]) -> String {
    let socket = state.join("socket").display().to_string();
    let output = zoners(&[&["policy"], arguments, &["--control", &socket]].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_group_without_lists_blocks_rewrites_and_explains() {
    let state = tempfile::tempdir().unwrap();
    let daemon = daemon(state.path());
    for _ in 0..2 {
        assert_eq!(ask(&daemon, "www.tiktok.com", Rtype::A), "NXDOMAIN ");
        assert_eq!(ask(&daemon, "www.roblox.com", Rtype::A), "NXDOMAIN ");
        assert_eq!(ask(&daemon, "www.example.com", Rtype::AAAA), "NOERROR ");
        let files = ask(&daemon, "files.lan", Rtype::A);
        assert_eq!(files, "NOERROR files.lan CNAME nas.lan, nas.lan A 192.168.1.2");
        assert_eq!(ask(&daemon, "loop.lan", Rtype::A), "SERVFAIL ");
    }
    let explain = |name: &str| control(state.path(), &["explain", name]);
    let tiktok = explain("tiktok.com");
    assert!(
        tiktok.contains("blocked") && tiktok.contains("service tiktok: *.tiktok.com"),
        "{tiktok}"
    );
    assert!(tiktok.contains("group kids, schedule always"), "{tiktok}");
    assert!(explain("files.lan").contains("records of group kids: files.lan"));
    let lists = control(state.path(), &["lists"]);
    assert!(lists.contains("group kids: 127.0.0.1: services tiktok, roblox; "), "{lists}");
    assert!(lists.contains("now in schedule always"), "{lists}");
    let output = zoners(&["policy", "services"]);
    let services = String::from_utf8(output.stdout).unwrap();
    assert!(
        services.contains("youtube  ") && services.contains("safe search: bing, "),
        "{services}"
    );
}

#[test]
fn a_pause_lasts_over_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let mut first = daemon(state.path());
    let paused = control(state.path(), &["pause", "1h", "--group", "kids"]);
    assert!(paused.contains("paused for group kids"), "{paused}");
    let is_paused = || control(state.path(), &["explain", "tiktok.com"]).contains("is paused");
    until("the pause is in force", is_paused);
    let file = state.path().join("policy.pauses");
    until("the pause is kept", || file.exists());
    first.signal("-TERM");
    assert!(first.child.wait().unwrap().success());
    drop(first);
    let second = daemon(state.path());
    assert!(is_paused());
    control(state.path(), &["pause", "0", "--group", "kids"]);
    until("the pause is over", || !is_paused());
    assert_eq!(ask(&second, "www.tiktok.com", Rtype::A), "NXDOMAIN ");
    assert_eq!(OptRcode::NXDOMAIN.to_string(), "NXDOMAIN");
}

// Other systems have no second loopback address.
#[cfg(target_os = "linux")]
#[test]
fn a_group_with_an_upstream_gets_no_answer_of_others() {
    let (all, kids) = (Authority::start(), Authority::start());
    all.place("www.example", [203, 0, 113, 1]);
    kids.place("www.example", [203, 0, 113, 2]);
    let (all, kids) = (all.address, kids.address);
    let daemon = Daemon::start(&format!(
        "[dnssec]\nvalidate = false\n[[forward]]\nzone = \".\"\nservers = [\"{all}\"]\n\
         [[policy.group]]\nname = \"kids\"\nclients = [\"127.0.0.2\"]\nforward = [\"{kids}\"]\n"
    ));
    let address = |from: [u8; 4]| {
        let socket = client(Ipv4Addr::from(from));
        socket.send_to(&query_for(7, "www.example", Rtype::A), daemon.address).unwrap();
        let mut reply = [0; 512];
        let (octets, _) = socket.recv_from(&mut reply).unwrap();
        let reply = Message::parse(&reply[..octets].to_vec().into()).unwrap();
        reply.answer.iter().flat_map(|set| set.addresses()).next().map(|it| it.to_string())
    };
    for _ in 0..3 {
        assert_eq!(address([127, 0, 0, 2]).as_deref(), Some("203.0.113.2"));
        assert_eq!(address([127, 0, 0, 1]).as_deref(), Some("203.0.113.1"));
    }
}

// The test speaks to servers at addresses of this machine.
#[cfg(target_os = "linux")]
#[test]
fn a_rule_of_the_operator_is_in_force_at_once_and_after_a_restart() {
    let (state, internet) = (tempfile::tempdir().unwrap(), Authority::start());
    internet.place("www.example", [203, 0, 113, 1]);
    let (folder, server) = (state.path().display(), internet.address);
    let configuration = format!(
        "state = \"{folder}\"\ncontrol = \"{folder}/socket\"\n[dnssec]\nvalidate = false\n\
         [[forward]]\nzone = \".\"\nservers = [\"{server}\"]\n"
    );
    let answered = "NOERROR www.example A 203.0.113.1";
    let mut first = Daemon::start(&configuration);
    let asked = |daemon: &Daemon| ask(daemon, "www.example", Rtype::A);
    assert_eq!([asked(&first), asked(&first)], [answered; 2], "the second time from the cache");
    let told = control(state.path(), &["block", "example", "--dry-run"]);
    assert!(told.contains("before: answered, as no rule matches"), "{told}");
    assert!(told.contains("blocked  rule of the operator: block example"), "{told}");
    assert_eq!(asked(&first), answered, "nothing has changed");
    control(state.path(), &["block", "example"]);
    let blocked = "NOERROR www.example A 0.0.0.0";
    assert_eq!(asked(&first), blocked);
    first.signal("-TERM");
    assert!(first.child.wait().unwrap().success());
    drop(first);
    let second = Daemon::start(&configuration);
    assert_eq!(asked(&second), blocked);
    let lists = control(state.path(), &["lists"]);
    assert!(lists.contains("rule of the operator: block example"), "{lists}");
    control(state.path(), &["allow", "www.example"]);
    assert_eq!(asked(&second), answered);
    control(state.path(), &["unblock", "www.example"]);
    assert_eq!(asked(&second), blocked);
    control(state.path(), &["unblock", "example"]);
    assert_eq!(asked(&second), answered);
    let kept = std::fs::read_to_string(state.path().join("policy.rules")).unwrap();
    assert!(kept.lines().all(|line| line.starts_with('#')), "{kept}");
}
