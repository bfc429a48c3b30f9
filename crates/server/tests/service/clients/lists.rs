//! The policy of lists in the pipeline: answers, reasons, groups, aliases, and finished answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::lab::{ServiceLab, asked, lab, lab_with, packet, with_options};
use zoners_dns::{
    Counter, Delegation, DsStatus, EdeCode, Message, NameServer, OptRcode, QueryMode, Rtype,
    Security, Transport, name, zonefile,
};
use zoners_policy::{CompiledPolicy, ListSource, MemoryStorage, PolicyCompiler};
use zoners_resolver::Answer;
use zoners_server::events::EventFilter;
use zoners_server::policy::groups::PolicyGroups;
use zoners_server::policy::{ListPolicy, PolicySurroundings};
use zoners_server::{Client, Config, Service};
use zoners_sim::world::NET_SERVERS;
use zoners_sim::{Link, Manner};

const ADULT: &str = "192.168.1.1";
const CHILD: &str = "192.168.1.2";
/// 2026-11-30 12:00 UTC.
const MONDAY_NOON: u64 = 1_796_040_000;

/// A lab with the list `ads` in force, and further lines of the configuration.
fn governed(text: &str, more: &str) -> ServiceLab {
    let text_of_config =
        format!("[policy]\n{more}[[policy.list]]\nname = \"ads\"\npath = \"/nowhere\"\n");
    let config = Config::parse(&text_of_config, "zoners.toml").unwrap();
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    let mut compiler = PolicyCompiler::new([5, 6], &scratch);
    let source = ListSource { name: "ads".into(), form: None, allows: false };
    compiler.add_list(&source, &mut text.as_bytes()).unwrap();
    compiler.finish(&*file, [0; 32]).unwrap();
    let compiled = Arc::new(CompiledPolicy::open(file, None).unwrap());
    let groups = PolicyGroups::read(&config).unwrap();
    let policy =
        ListPolicy::new(&config.policy, &groups, compiled, &PolicySurroundings::at(MONDAY_NOON));
    let policy = Arc::new(policy.unwrap());
    let lab = lab_with(&text_of_config);
    let rules = lab.service.rules().clone().with_policy(policy);
    let service = Service::new(lab.service.worker().clone(), Arc::new(rules));
    ServiceLab { service, ..lab }
}

async fn ask(lab: &ServiceLab, text: &str, rtype: Rtype, client: &str) -> Option<Message> {
    let client: IpAddr = client.parse().unwrap();
    let query = packet(&asked(text, rtype), true);
    lab.send_from(&query, Client::new(client, Transport::Udp)).await
}

/// RCODE, records and EDE of a reply.
fn show(reply: Option<Message>) -> String {
    let Some(reply) = reply else { return "nothing".into() };
    let records: Vec<String> = reply.answer.iter().map(ToString::to_string).collect();
    let ede = reply.edns.as_ref().and_then(|edns| edns.errors.first()).map(ToString::to_string);
    let denial = if reply.authority.is_empty() { "" } else { "SOA" };
    format!("{} {}{denial} {}", reply.rcode, records.join(" "), ede.unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn a_blocked_name_gets_the_null_address_and_the_reason() {
    let lab = governed("||blocked.example.com^\n", "");
    let why = "EDE 15 (Blocked): list ads, line 1: ||blocked.example.com^";
    // From the lists, and as a finished answer.
    for _ in 0..2 {
        let a = show(ask(&lab, "x.blocked.example.com", Rtype::A, ADULT).await);
        assert_eq!(a, format!("NOERROR x.blocked.example.com. 10 IN A 0.0.0.0 {why}"));
        let aaaa = show(ask(&lab, "blocked.example.com", Rtype::AAAA, ADULT).await);
        assert_eq!(aaaa, format!("NOERROR blocked.example.com. 10 IN AAAA :: {why}"));
        let https = show(ask(&lab, "blocked.example.com", Rtype::HTTPS, ADULT).await);
        assert_eq!(https, format!("NOERROR SOA {why}"));
    }
    assert!(lab.net.sent().is_empty());
    assert_eq!((lab.count(Counter::ClientPolicy), lab.count(Counter::ClientQueries)), (6, 6));
    assert!(show(ask(&lab, "www.example.com", Rtype::A, ADULT).await).starts_with("NOERROR www"));
}

#[tokio::test(start_paused = true)]
async fn a_blocked_answer_is_finished_for_its_group() {
    let kids = "[[policy.group]]\nname = \"kids\"\nclients = [\"192.168.1.2\"]\nblock-with = \"nxdomain\"\n\
                [[policy.group]]\nname = \"default\"\nlists = []\n";
    let lab = governed("0.0.0.0 www.example.com\n", kids);
    for _ in 0..4 {
        let child = show(ask(&lab, "www.example.com", Rtype::A, CHILD).await);
        assert_eq!(child, "NXDOMAIN SOA EDE 15 (Blocked): list ads, line 1: www.example.com");
        let adult = show(ask(&lab, "www.example.com", Rtype::A, ADULT).await);
        assert!(adult.starts_with("NOERROR www.example.com."), "{adult}");
    }
    assert_eq!(lab.count(Counter::ClientPolicy), 4);
}

#[tokio::test(start_paused = true)]
async fn styles_and_actions_have_their_replies() {
    let zone = "@ SOA a. b. 1 2 3 4 5\ndrop.example.com CNAME rpz-drop.\ntcp.example.com CNAME rpz-tcp-only.\n\
                own.example.com A 192.0.2.7\nown.example.com A 192.0.2.8\nnot.example.com CNAME *.\n";
    let lab = governed(zone, "");
    assert_eq!(show(ask(&lab, "drop.example.com", Rtype::A, ADULT).await), "nothing");
    let truncated = ask(&lab, "tcp.example.com", Rtype::A, ADULT).await.unwrap();
    assert!(truncated.header.tc() && truncated.answer.is_empty());
    let own = show(ask(&lab, "own.example.com", Rtype::A, ADULT).await);
    assert!(own.contains("192.0.2.7") && own.contains("192.0.2.8"), "{own}");
    assert!(
        show(ask(&lab, "not.example.com", Rtype::A, ADULT).await).starts_with("NOERROR SOA EDE 15")
    );
    let refusing = governed("0.0.0.0 www.example.com\n", "block-with = \"refused\"\n");
    let refused = ask(&refusing, "www.example.com", Rtype::A, ADULT).await.unwrap();
    assert_eq!(refused.rcode, OptRcode::REFUSED);
    assert_eq!(refused.edns.unwrap().errors[0].code, EdeCode::BLOCKED);
}

#[tokio::test(start_paused = true)]
async fn an_alias_of_a_blocked_name_is_blocked_however_often() {
    let lab = governed("0.0.0.0 www.example.com\n", "");
    lab.net.change("example.com", |zone| {
        let sets = zonefile::parse("alias 300 CNAME www\n", &zone.origin).unwrap();
        sets.into_iter().for_each(|set| zone.add(set));
    });
    for _ in 0..4 {
        let reply = show(ask(&lab, "alias.example.com", Rtype::A, ADULT).await);
        assert!(reply.starts_with("NOERROR alias.example.com. 10 IN A 0.0.0.0 EDE 15"), "{reply}");
        assert!(reply.ends_with("(for www.example.com)"), "{reply}");
    }
    assert_eq!(lab.count(Counter::ClientPolicy), 4);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_during_the_recursion_to_the_target_of_a_rule_has_an_outcome() {
    let zone = "@ SOA a. b. 1 2 3 4 5\n32.2.115.0.203.rpz-ip CNAME target.example.net.\n";
    let lab = governed(zone, "");
    lab.link_all(NET_SERVERS, Manner::Dead);
    let query = packet(&asked("www.example.com", Rtype::A), true);
    let answered = lab.send(&query, Transport::Tcp);
    assert!(tokio::time::timeout(Duration::from_secs(1), answered).await.is_err());
    assert!(NET_SERVERS.iter().any(|server| lab.net.sent_to(server) > 0));
    assert_eq!((lab.count(Counter::ClientDropped), lab.count(Counter::ClientQueries)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_answer_has_the_recursion_to_the_target_of_a_rule() {
    let zone = "@ SOA a. b. 1 2 3 4 5\n32.2.115.0.203.rpz-ip CNAME www.example.net.\n";
    let lab = governed(zone, "");
    for server in NET_SERVERS {
        lab.net.link(server, Link::of(300));
    }
    let mut events = lab.service.events().attach(1, EventFilter::default());
    let reply = show(ask(&lab, "www.example.com", Rtype::A, ADULT).await);
    assert!(reply.contains("CNAME www.example.net."), "{reply}");
    let took = events.next_event().unwrap().took;
    assert!(took >= Duration::from_millis(300), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_on_which_no_rule_decides_is_as_without_a_policy() {
    let (plain, lab) = (lab(), governed("0.0.0.0 other.example.com\n", ""));
    // The TTL counts down.
    let without_ttl = |reply: String| reply.replace(" 299 ", " 300 ");
    for _ in 0..4 {
        let with = without_ttl(show(ask(&lab, "www.example.com", Rtype::A, ADULT).await));
        let without = without_ttl(show(ask(&plain, "www.example.com", Rtype::A, ADULT).await));
        assert_eq!(with, without);
    }
    assert_eq!(lab.count(Counter::ClientCached), plain.count(Counter::ClientCached));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_judged_by_the_servers_of_its_zones() {
    let zone = |entry: &str| {
        format!("@ SOA a. b. 1 2 3 4 5\n{entry}\nfree.example.com CNAME rpz-passthru.\n")
    };
    for (entry, denial) in [
        ("ns1.example.com.rpz-nsdname CNAME .", "NXDOMAIN"),
        ("*.example.com.rpz-nsdname CNAME *.", "NOERROR"),
        ("32.1.114.0.203.rpz-nsip CNAME .", "NXDOMAIN"),
        ("24.0.114.0.203.rpz-nsip CNAME *.", "NOERROR"),
    ] {
        let lab = governed(&zone(entry), "");
        lab.net.change("net", |zone| {
            let text = "alias.example 300 CNAME www.example.com.\nwww.example 300 A 203.0.115.9\n";
            let sets = zonefile::parse(text, &zone.origin).unwrap();
            sets.into_iter().for_each(|set| zone.add(set));
        });
        for round in 0..3 {
            for name in ["www.example.com", "gone.example.com", "alias.example.net"] {
                let reply = show(ask(&lab, name, Rtype::A, ADULT).await);
                let is_denied = reply.starts_with(&format!("{denial} SOA EDE 15"));
                assert!(is_denied && reply.ends_with("(for ns1.example.com)"), "{round}: {reply}");
            }
            let other = show(ask(&lab, "www.example.net", Rtype::A, ADULT).await);
            assert!(other.starts_with("NOERROR www.example.net."), "{entry}: {other}");
            let free = show(ask(&lab, "free.example.com", Rtype::A, ADULT).await);
            assert!(!free.contains("EDE 15"), "{entry}: {free}");
            // The delegation expires before the answer.
            tokio::time::sleep(Duration::from_secs(100)).await;
        }
    }
    let above = governed(&zone("*.nic.com.rpz-nsdname CNAME ."), "");
    let reply = show(ask(&above, "www.example.com", Rtype::A, ADULT).await);
    assert!(reply.starts_with("NXDOMAIN"), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_for_it_gets_the_reason_as_json() {
    let contact = "contact = \"mailto:admin@example.net\"\n";
    let lab = governed("||blocked.example.com^\n", contact);
    let query = |options: &[u8]| with_options(&asked("blocked.example.com", Rtype::A), options);
    let told = |reply: Option<Message>| reply.unwrap().edns.unwrap().errors[0].text.clone();
    let plain = "list ads, line 1: ||blocked.example.com^";
    let json = r#"{"c":["mailto:admin@example.net"],"j":"list ads, line 1: ||blocked.example.com^","s":6,"l":"en"}"#;
    for _ in 0..2 {
        for (options, expected) in [
            // The option for that, with and without a value; an EDE, as in earlier drafts; a different option.
            (&[0, 26, 0, 0][..], json),
            (&[0, 26, 0, 1, 9], json),
            (&[0, 15, 0, 2, 0, 0], plain),
            (&[0, 12, 0, 0], plain),
        ] {
            let client = Client::new(ADULT.parse().unwrap(), Transport::Udp);
            assert_eq!(told(lab.send_from(&query(options), client).await), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_servers_shown_to_the_policy_are_bounded() {
    let lab = lab();
    let worker = lab.service.worker();
    let now = worker.shared().now();
    let mut zone = "example.org".to_owned();
    for depth in 0..5 {
        zone = format!("d{depth}.{zone}");
        let server = |number| {
            NameServer::plain(
                name::parse(&format!("ns{number}.{zone}")).unwrap(),
                (0..20).map(|last| ([192, 0, 2, last], 53).into()).collect(),
            )
        };
        let delegation = Delegation {
            zone: name::parse(&zone).unwrap(),
            mode: QueryMode::Iterative,
            transport: Transport::Udp,
            servers: (0..20).map(server).collect(),
            signing: DsStatus::Unknown,
            expires: now.after_seconds(60),
        };
        assert!(worker.shared().cache.insert_delegation(&delegation, now));
    }
    let answer = Answer {
        rcode: OptRcode::NXDOMAIN,
        answer: vec![],
        authority: vec![],
        additional: vec![],
        security: Security::Unchecked,
        stale: false,
        hearsay: false,
    };
    let servers = worker.path_servers(&asked(&zone, Rtype::A), &answer);
    assert_eq!(servers.len(), 64);
    assert!(servers.iter().all(|server| server.addresses.len() == 16));
    assert_eq!(lab.count(Counter::LimitPathServers), 1);
    assert!(worker.path_servers(&asked("example.net", Rtype::A), &answer).is_empty());
    assert_eq!(lab.count(Counter::LimitPathServers), 1);
}
