//! Groups of clients in the pipeline: schedules, services, safe search, and families of addresses.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use crate::lab::{ServiceLab, asked, lab, packet};
use zoners_dns::{Counter, Message, Rtype, Transport, zonefile};
use zoners_policy::{CompiledPolicy, MemoryStorage, PolicyCompiler};
use zoners_server::client::ClientIdentity;
use zoners_server::config::ClientNaming;
use zoners_server::pipeline::policy::{Policy, PolicyTerm};
use zoners_server::policy::groups::PolicyGroups;
use zoners_server::policy::{ListPolicy, PolicySurroundings};
use zoners_server::{Client, Config, Service};

const ADULT: &str = "192.168.1.1";
const CHILD: &str = "192.168.1.2";
/// The present address of a client that is named by hardware address, and of a client named by name.
const TABLET: &str = "192.168.1.3";
const PHONE: &str = "fd00::4";
/// 2026-11-30, a Monday, at 12:00 UTC.
const MONDAY_NOON: u64 = 1_796_040_000;
const HOUR: u64 = 3600;

/// The policy of a group `kids` with the child, at a moment in Unix time.
fn kids(keys: &str, unix_seconds: u64) -> ListPolicy {
    let text = format!(
        "[policy]\ntime-zone = \"UTC\"\nblock-with = \"nxdomain\"\n\
         [[policy.group]]\nname = \"kids\"\nclients = [\"{CHILD}\", \"02:00:5e:10:00:01\", \"phone.lan\"]\n\
         identities = [\"laptop\"]\n{keys}"
    );
    let config = Config::parse(&text, "zoners.toml").unwrap();
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    PolicyCompiler::new([5, 6], &scratch).finish(&*file, [0; 32]).unwrap();
    let compiled = Arc::new(CompiledPolicy::open(file, None).unwrap());
    let groups = PolicyGroups::read(&config).unwrap();
    let addresses_of = |client: &ClientNaming| match client {
        ClientNaming::Hardware(_) => vec![TABLET.parse().unwrap()],
        ClientNaming::Name(_) => vec![PHONE.parse().unwrap()],
        ClientNaming::Prefix(_) => vec![],
    };
    let now =
        PolicySurroundings { addresses_of: &addresses_of, ..PolicySurroundings::at(unix_seconds) };
    ListPolicy::new(&config.policy, &groups, compiled, &now).unwrap()
}

fn governed(lab: ServiceLab, policy: ListPolicy, generation: u32) -> ServiceLab {
    let rules = lab.service.rules().governed(Some(Arc::new(policy)), generation);
    let service = Service::new(lab.service.worker().clone(), Arc::new(rules));
    ServiceLab { service, ..lab }
}

async fn ask(lab: &ServiceLab, text: &str, rtype: Rtype, client: &str) -> String {
    let client: IpAddr = client.parse().unwrap();
    let query = packet(&asked(text, rtype), true);
    show(lab.send_from(&query, Client::new(client, Transport::Udp)).await)
}

/// RCODE, records and EDE of a reply.
fn show(reply: Option<Message>) -> String {
    let Some(reply) = reply else { return "nothing".into() };
    let records = reply.answer.iter().flat_map(|set| {
        let data = set.records.iter().map(|_| set.rtype.to_string());
        data.map(|data| format!("{} {data}", set.owner)).collect::<Vec<_>>()
    });
    let ede = reply.edns.as_ref().and_then(|edns| edns.errors.first()).map(ToString::to_string);
    let records: Vec<String> = records.filter(|record| !record.ends_with("RRSIG")).collect();
    format!("{} [{}] {}", reply.rcode, records.join(", "), ede.unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn finished_answers_end_with_their_schedule() {
    let keys = "[[policy.group.schedule]]\nname = \"bedtime\"\nhours = [\"21:00-07:00\"]\nblock-everything = true\n";
    let bedtime = "NXDOMAIN [] EDE 15 (Blocked): schedule bedtime: every name";
    let by_day = kids(keys, MONDAY_NOON);
    let until = MONDAY_NOON + 9 * HOUR;
    assert_eq!(by_day.term(), Some(PolicyTerm { since: MONDAY_NOON, until: Some(until) }));
    let mut lab = governed(lab(), by_day, 1);
    for (at, generation, blocked) in [(0, 1, false), (9, 2, true), (19, 3, false)] {
        lab = governed(lab, kids(keys, MONDAY_NOON + at * HOUR), generation);
        for _ in 0..4 {
            let child = ask(&lab, "www.example.com", Rtype::A, CHILD).await;
            assert_eq!(child == bedtime, blocked, "{child}");
            let adult = ask(&lab, "www.example.com", Rtype::A, ADULT).await;
            assert!(adult.starts_with("NOERROR [www.example.com A]"), "{adult}");
        }
    }
    assert_eq!(lab.count(Counter::ClientPolicy), 4);
}

#[test]
fn a_policy_ends_with_its_term_and_when_the_clock_is_set() {
    let term = PolicyTerm { since: 1000, until: Some(5000) };
    for (now, left) in [(1000, 4000), (4999, 1), (5000, 0), (9000, 0), (999, 0), (0, 0)] {
        assert_eq!(term.left(now).map(|left| left.as_secs()), Some(left), "at {now}");
        assert_eq!(term.is_over(now), left == 0, "at {now}");
    }
    let always = PolicyTerm { since: 1000, until: None };
    assert!(always.left(0).is_none() && !always.is_over(0));
}

#[tokio::test(start_paused = true)]
async fn a_service_is_blocked_for_its_group_alone() {
    let lab = governed(lab(), kids("blocked-services = [\"tiktok\"]\n", MONDAY_NOON), 1);
    for _ in 0..2 {
        let child = ask(&lab, "api.tiktok.com", Rtype::A, CHILD).await;
        assert_eq!(child, "NXDOMAIN [] EDE 15 (Blocked): service tiktok: *.tiktok.com");
    }
    assert!(lab.net.sent().is_empty());
    let adult = ask(&lab, "api.tiktok.com", Rtype::A, ADULT).await;
    assert!(!adult.contains("service"), "{adult}");
}

#[tokio::test(start_paused = true)]
async fn a_group_without_ipv6_gets_no_aaaa_records() {
    let lab = governed(lab(), kids("block-aaaa = true\n", MONDAY_NOON), 1);
    for _ in 0..3 {
        let aaaa = ask(&lab, "all.example.com", Rtype::AAAA, CHILD).await;
        assert!(aaaa.starts_with("NOERROR [] EDE 4"), "{aaaa}");
        let a = ask(&lab, "all.example.com", Rtype::A, CHILD).await;
        assert!(a.starts_with("NOERROR [all.example.com A]"), "{a}");
        let adult = ask(&lab, "all.example.com", Rtype::AAAA, ADULT).await;
        assert!(adult.starts_with("NOERROR [all.example.com AAAA]"), "{adult}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_blocked_name_of_an_address_is_hidden_from_a_group_that_wants_so() {
    let keys = "block-ptr = true\nblocked-services = [\"tiktok\"]\n";
    let lab = lab();
    let hidden = "hidden.example.com";
    lab.net.change("example.com", |zone| {
        let text = "hidden PTR api.tiktok.com.\nshown PTR www\n";
        let sets = zonefile::parse(text, &zone.origin).unwrap();
        sets.into_iter().for_each(|set| zone.add(set));
    });
    let mut lab = governed(lab, kids(keys, MONDAY_NOON), 1);
    // By recursion, and from the cache.
    for _ in 0..3 {
        let child = ask(&lab, hidden, Rtype::PTR, CHILD).await;
        assert_eq!(
            child,
            "NXDOMAIN [] EDE 15 (Blocked): service tiktok: *.tiktok.com (for api.tiktok.com)"
        );
        let other = ask(&lab, "shown.example.com", Rtype::PTR, CHILD).await;
        assert!(other.starts_with("NOERROR [shown.example.com PTR]"), "{other}");
        let adult = ask(&lab, hidden, Rtype::PTR, ADULT).await;
        assert!(adult.starts_with("NOERROR [hidden.example.com PTR]"), "{adult}");
    }
    lab = governed(lab, kids("blocked-services = [\"tiktok\"]\n", MONDAY_NOON), 2);
    let child = ask(&lab, hidden, Rtype::PTR, CHILD).await;
    assert!(child.starts_with("NOERROR [hidden.example.com PTR]"), "{child}");
}

/// The records of a reply: owner, type and RDATA of names and addresses.
async fn records(lab: &ServiceLab, text: &str, rtype: Rtype, client: &str) -> String {
    let client: IpAddr = client.parse().unwrap();
    let query = packet(&asked(text, rtype), false);
    let reply = lab.send_from(&query, Client::new(client, Transport::Udp)).await.unwrap();
    let records = reply.answer.iter().map(|set| {
        let mut words = vec![set.owner.to_string(), set.rtype.to_string()];
        words.extend(set.target().map(|target| target.to_string()));
        words.extend(set.addresses().map(|address| address.to_string()));
        words.join(" ")
    });
    format!("{} {}", reply.rcode, records.collect::<Vec<_>>().join(", "))
}

#[tokio::test(start_paused = true)]
async fn records_of_a_group_come_before_local_data_and_are_of_the_group_alone() {
    let keys =
        "records = [\"www.example.com. 60 A 192.168.1.9\", \"*.games.lan. 60 A 192.168.1.8\"]\n";
    let lab = governed(lab(), kids(keys, MONDAY_NOON), 1);
    for _ in 0..3 {
        let child = records(&lab, "www.example.com", Rtype::A, CHILD).await;
        assert_eq!(child, "NOERROR www.example.com A 192.168.1.9");
        let child = records(&lab, "a.games.lan", Rtype::A, CHILD).await;
        assert_eq!(child, "NOERROR a.games.lan A 192.168.1.8");
        let adult = records(&lab, "www.example.com", Rtype::A, ADULT).await;
        assert_eq!(adult, "NOERROR www.example.com A 203.0.115.2");
    }
}

#[tokio::test(start_paused = true)]
async fn an_alias_of_a_public_name_is_followed() {
    let keys =
        "records = [\"search.lan. 60 CNAME www.example.com.\", \"a.lan. 60 CNAME search.lan.\"]\n";
    let lab = governed(lab(), kids(keys, MONDAY_NOON), 1);
    let whole = "NOERROR a.lan CNAME search.lan, search.lan CNAME www.example.com, www.example.com A 203.0.115.2";
    // By recursion, and from the cache.
    for _ in 0..3 {
        assert_eq!(records(&lab, "a.lan", Rtype::A, CHILD).await, whole);
    }
    let alias = records(&lab, "a.lan", Rtype::CNAME, CHILD).await;
    assert_eq!(alias, "NOERROR a.lan CNAME search.lan");
    let gone = "records = [\"gone.lan. 60 CNAME no.such.example.com.\"]\n";
    let lab = governed(lab, kids(gone, MONDAY_NOON), 2);
    let gone = records(&lab, "gone.lan", Rtype::A, CHILD).await;
    assert_eq!(gone, "NXDOMAIN gone.lan CNAME no.such.example.com");
}

#[tokio::test(start_paused = true)]
async fn aliases_in_a_circle_are_refused_with_the_reason() {
    let lab = lab();
    lab.net.change("example.com", |zone| {
        let sets = zonefile::parse("back 300 CNAME www\n", &zone.origin).unwrap();
        sets.into_iter().for_each(|set| zone.add(set));
    });
    let keys = "records = [\"www.example.com. 60 CNAME back.example.com.\", \"a.lan. CNAME b.lan.\", \"b.lan. CNAME a.lan.\"]\n";
    let lab = governed(lab, kids(keys, MONDAY_NOON), 1);
    for asked in ["www.example.com", "a.lan"] {
        for _ in 0..2 {
            let reply = ask(&lab, asked, Rtype::A, CHILD).await;
            let circle = "SERVFAIL [] EDE 0 (Other): the aliases of local data or of a rule lead in a circle";
            assert_eq!(reply, circle, "{asked}");
        }
    }
    let adult = records(&lab, "back.example.com", Rtype::A, ADULT).await;
    assert_eq!(
        adult,
        "NOERROR back.example.com CNAME www.example.com, www.example.com A 203.0.115.2"
    );
}

/// A search engine, whose safe addresses have this TTL.
fn google(lab: &ServiceLab, ttl: u32) {
    let text = format!(
        "@ NS ns1\nns1 A 203.0.114.9\nforcesafesearch {ttl} A 203.0.115.20\nwww 300 A 203.0.115.21\n"
    );
    lab.net.zone("google.com", &["203.0.114.9"], &text);
    lab.net.change("com", |zone| {
        let text = "google NS ns1.google\nns1.google A 203.0.114.9\n";
        let sets = zonefile::parse(text, &zone.origin).unwrap();
        sets.into_iter().for_each(|set| zone.add(set));
    });
}

#[tokio::test(start_paused = true)]
async fn safe_search_is_an_alias_with_the_addresses_of_its_target() {
    let lab = lab();
    google(&lab, 300);
    let lab = governed(lab, kids("safe-search = [\"google\"]\n", MONDAY_NOON), 1);
    let safe = "NOERROR www.google.com CNAME forcesafesearch.google.com, forcesafesearch.google.com A 203.0.115.20";
    for round in 0..4 {
        assert_eq!(records(&lab, "www.google.com", Rtype::A, CHILD).await, safe, "{round}");
        let adult = records(&lab, "www.google.com", Rtype::A, ADULT).await;
        assert_eq!(adult, "NOERROR www.google.com A 203.0.115.21");
    }
    let told = ask(&lab, "www.google.com", Rtype::A, CHILD).await;
    assert!(
        told.ends_with("EDE 4 (Forged Answer): safe search of google: www.google.com"),
        "{told}"
    );
    assert_eq!(lab.count(Counter::ClientPolicy), 5);
}

#[tokio::test(start_paused = true)]
async fn the_ttl_of_a_finished_redirect_counts_down() {
    let keys = "safe-search = [\"google\"]\n";
    let lab = lab();
    google(&lab, 9);
    let lab = governed(lab, kids(keys, MONDAY_NOON), 1);
    let mut ttls = Vec::new();
    for _ in 0..4 {
        let client = Client::new(CHILD.parse().unwrap(), Transport::Udp);
        let query = packet(&asked("www.google.com", Rtype::A), false);
        let reply = lab.send_from(&query, client).await.unwrap();
        ttls.push(reply.answer.last().unwrap().ttl);
        tokio::time::advance(std::time::Duration::from_secs(2)).await;
    }
    assert_eq!(ttls, [9, 7, 5, 3]);
}

#[tokio::test(start_paused = true)]
async fn clients_are_known_by_hardware_address_name_and_identity() {
    let keys = "blocked-services = [\"tiktok\"]\n";
    let text = "[[policy.group]]\nname = \"kids\"\nidentities = [\"desk\", \"laptop\"]\n";
    let config = Config::parse(text, "zoners.toml").unwrap();
    assert_eq!(config.policy.client_identity("laptop").unwrap().0.get(), 2);
    assert_eq!(config.policy.client_identity("unknown"), None);
    let lab = governed(lab(), kids(keys, MONDAY_NOON), 1);
    for client in [CHILD, TABLET, PHONE] {
        let reply = ask(&lab, "tiktok.com", Rtype::A, client).await;
        assert!(reply.starts_with("NXDOMAIN [] EDE 15 (Blocked): service tiktok"), "{reply}");
    }
    let laptop = ClientIdentity(NonZeroU16::MIN);
    let (query, adult) = (packet(&asked("tiktok.com", Rtype::A), true), ADULT.parse().unwrap());
    let client = Client::new(adult, Transport::Tcp);
    assert!(show(lab.send_from(&query, client.known_as(Some(laptop))).await).contains("service"));
    assert!(!show(lab.send_from(&query, client).await).contains("service"));
}
