//! Lists of the policy that are transferred as zones, by AXFR and IXFR with a key.

use zoners_dns::{EdeCode, Message, OptRcode, Rtype};

use super::lists::ListLab;
use crate::common::primary::Primary;
use crate::common::query_for;
use crate::common::waiting::until;

const LIST: &str = "zone = \"rpz.example\"";

fn ask(lab: &ListLab, name: &str) -> Message {
    Message::parse(&lab.daemon.ask(&query_for(7, name, Rtype::A)).into()).unwrap()
}

#[test]
fn a_transferred_zone_is_a_list_and_a_notify_brings_its_next_version() {
    let primary = Primary::start();
    primary.has(1, &["bad.example 60 CNAME .", "worse.example 60 CNAME ."]);
    let mut lab = ListLab::start(LIST, &primary.tables());
    assert!(lab.daemon.logs("policy: lists in force: 1, rules: 2"));
    until("a name is blocked", || ask(&lab, "bad.example").rcode == OptRcode::NXDOMAIN);
    assert_eq!(primary.take_requests(), [Rtype::SOA, Rtype::AXFR]);

    primary.has(2, &["bad.example 60 CNAME .", "new.example 60 CNAME ."]);
    primary.notify(lab.daemon.address);
    assert!(lab.daemon.logs("zone rpz.example.: serial 2 in force"));
    until("the next version is in force", || lab.has_rule("new.example"));
    assert!(lab.has_rule("bad.example") && !lab.has_rule("worse.example"));
    assert_eq!(primary.take_requests(), [Rtype::SOA, Rtype::IXFR]);

    let source = lab.policy(&["lists"])["sources"][0].clone();
    assert_eq!((&source["origin"], &source["rules"]), (&"zone rpz.example.".into(), &2.into()));
    assert!(source["error"].is_null(), "{source}");
}

#[test]
fn clients_get_no_answer_of_the_zone_behind_a_list() {
    let primary = Primary::start();
    let lab = ListLab::start(LIST, &primary.tables());
    let is_refused = |name| ask(&lab, name).rcode == OptRcode::REFUSED;
    assert!(is_refused("bad.example.rpz.example"), "before the first transfer");
    primary.has(1, &["bad.example 60 CNAME ."]);
    lab.policy(&["update", "ads"]);
    until("the list is in force", || lab.has_rule("bad.example"));
    assert!(is_refused("bad.example.rpz.example") && is_refused("rpz.example"));
}

#[test]
fn a_list_is_there_after_a_restart_without_its_primary() {
    let primary = Primary::start();
    primary.has(1, &["bad.example 60 CNAME ."]);
    let mut lab = ListLab::start(LIST, &primary.tables());
    until("the list is in force", || lab.has_rule("bad.example"));
    // Every connection of the next daemon is refused.
    let absent = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    lab.replace(&primary.address.to_string(), &absent.to_string());
    lab.restart();
    let blocked = ask(&lab, "bad.example");
    assert_eq!(blocked.rcode, OptRcode::NXDOMAIN);
    assert_eq!(blocked.edns.unwrap().errors[0].code, EdeCode::BLOCKED);
}
