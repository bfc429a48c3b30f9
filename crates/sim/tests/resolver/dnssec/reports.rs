//! Reports to the agents of zones that fail validation (RFC 9567).

use std::time::Duration;

use crate::common::signed::{ask, code, signed_net};
use crate::common::{Lab, question};
use tokio::time::sleep;
use zoners_dns::{
    Checking, Counter, Delegation, DsStatus, NameServer, QueryMode, Question, Rtype, Transport,
    name,
};
use zoners_resolver::Lack;
use zoners_resolver::PER_AGENT;
use zoners_sim::sign::Signing as Keys;
use zoners_sim::{Link, Manner, SimNetwork};

const SERVERS: [&str; 2] = ["203.0.114.1", "203.0.114.2"];
const AGENT: &str = "203.0.114.77";

/// The servers of `example.com.` forge addresses and name `agent` in replies; `agent.net.` has a
/// server.
fn forged(agent: &str, on: bool) -> Lab {
    let (net, mut settings) = signed_net(&Keys::default());
    net.change("net", |zone| {
        let text = format!("agent 3600 NS ns.agent\nns.agent A {AGENT}\n");
        zoners_dns::zonefile::parse(&text, &zone.origin).unwrap().into_iter().for_each(|set| {
            zone.add(set);
        });
    });
    net.zone("agent.net", &[AGENT], &format!("@ NS ns\nns A {AGENT}\n* 60 TXT \"thank you\"\n"));
    names(&net, Some(agent));
    for server in SERVERS {
        net.link(server, Link::of(20).with(Manner::Forges));
    }
    settings.report_failures = on;
    Lab::with(net, settings)
}

fn names(net: &SimNetwork, agent: Option<&str>) {
    net.change("example.com", |zone| zone.agent = agent.map(|agent| name::parse(agent).unwrap()));
}

/// The report queries, each once, after work under way has ended.
async fn reports(net: &SimNetwork) -> Vec<Question> {
    sleep(Duration::from_secs(20)).await;
    let mut reports: Vec<Question> = Vec::new();
    for sent in net.sent() {
        let text = sent.question.name.to_string();
        let whole = text.starts_with("_er.") && text.contains("._er.");
        if whole && sent.question.rtype == Rtype::TXT && !reports.contains(&sent.question) {
            reports.push(sent.question);
        }
    }
    reports
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_validated_is_told_once_to_the_agent_that_the_zone_names() {
    let lab = forged("agent.net", true);
    for _ in 0..3 {
        assert!(ask(&lab, "WWW.example.com", Rtype::A).await.is_err());
        sleep(Duration::from_secs(120)).await;
    }
    let told = reports(&lab.net).await;
    let expected = question("_er.1.www.example.com.6._er.agent.net", Rtype::TXT);
    assert_eq!(told, [expected]);
    assert_eq!(lab.count(Counter::DnssecReportsSent), 1);
    sleep(Duration::from_secs(3600)).await;
    assert!(ask(&lab, "www.example.com", Rtype::A).await.is_err());
    reports(&lab.net).await;
    assert_eq!(lab.count(Counter::DnssecReportsSent), 2, "an hour later");
}

#[tokio::test(start_paused = true)]
async fn the_client_waits_no_longer_for_a_report() {
    let took = async |on| {
        let lab = forged("agent.net", on);
        lab.net.link(AGENT, Link::of(20).with(Manner::Dead));
        let before = lab.net.now();
        assert_eq!(code(&lab, "www.example.com", Rtype::A).await, 6);
        let took = lab.net.now() - before;
        reports(&lab.net).await;
        (took, lab.net.sent_to(AGENT) > 0)
    };
    let (without, told) = took(false).await;
    assert!(!told, "nothing is told unless it is asked for");
    assert_eq!(took(true).await, (without, true));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_reported_that_is_not_the_zones_fault_or_goes_in_circles() {
    let none = async |agent: &str, prepare: fn(&Lab)| {
        let lab = forged(agent, true);
        prepare(&lab);
        assert!(ask(&lab, "www.example.com", Rtype::A).await.is_err() || agent.is_empty());
        let told = reports(&lab.net).await;
        assert!(told.is_empty(), "{agent}: {told:?}");
        assert_eq!(lab.count(Counter::DnssecReportsSent), 0);
    };
    for circular in ["example.com", "agent.example.com", "com", "x._er.agent.net", "."] {
        none(circular, |_| {}).await;
    }
    // A timeout is no failure of validation.
    none("agent.net", |lab| {
        SERVERS.iter().for_each(|server| {
            lab.net.link(server, Link::of(20).with(Manner::Dead));
        });
    })
    .await;
    none("agent.net", |lab| names(&lab.net, None)).await;
    // A query with CD meets no failure of validation.
    let lab = forged("agent.net", true);
    let www = question("www.example.com", Rtype::A);
    lab.worker.resolve_for(None, &www, Checking::Disabled, Lack::Everything, None).await.unwrap();
    assert!(reports(&lab.net).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_report_that_fails_is_not_reported() {
    let lab = forged("agent.net", true);
    // The agent's zone fails in the same way, and names an agent too.
    lab.net.sign(&["agent.net"], &Keys::default());
    lab.net.change("agent.net", |zone| zone.agent = Some(name::parse("agent.net").unwrap()));
    lab.net.link(AGENT, Link::of(20).with(Manner::ServFail));
    assert!(ask(&lab, "www.example.com", Rtype::A).await.is_err());
    assert!(ask(&lab, "_er.1.www.6._er.wild.example.com", Rtype::A).await.is_err());
    reports(&lab.net).await;
    assert_eq!(lab.count(Counter::DnssecReportsSent), 1);
}

#[tokio::test(start_paused = true)]
async fn an_agent_is_told_no_more_than_ten_failures_a_minute() {
    let lab = forged("agent.net", true);
    let all = PER_AGENT + 5;
    for number in 0..all {
        let name = format!("n{number}.wild.example.com");
        assert!(ask(&lab, &name, Rtype::A).await.is_err());
    }
    assert_eq!(lab.count(Counter::DnssecReportsSent), u64::from(PER_AGENT));
    assert_eq!(lab.count(Counter::DnssecReportsWithheld), u64::from(all - PER_AGENT));
    assert_eq!(reports(&lab.net).await.len() as u32, PER_AGENT);
}

#[tokio::test(start_paused = true)]
async fn an_outsider_names_no_agent_behind_a_configured_route() {
    let (net, mut settings) = signed_net(&Keys::default());
    names(&net, Some("agent.lan"));
    for server in SERVERS {
        net.link(server, Link::of(20).with(Manner::Forges));
    }
    net.zone("lan", &["10.0.0.1"], "@ NS ns\nns A 10.0.0.1\n* TXT x\n");
    settings.report_failures = true;
    settings.routes = vec![Delegation {
        zone: name::parse("lan").unwrap(),
        mode: QueryMode::Stub,
        transport: Transport::Udp,
        servers: vec![NameServer::plain(name::root(), vec!["10.0.0.1:53".parse().unwrap()])],
        signing: DsStatus::Unknown,
        expires: zoners_dns::Moment::NEVER,
    }];
    let lab = Lab::with(net, settings);
    assert!(ask(&lab, "www.example.com", Rtype::A).await.is_err());
    reports(&lab.net).await;
    assert_eq!(lab.net.sent_to("10.0.0.1"), 0);
}
