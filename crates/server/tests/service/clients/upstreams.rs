//! Groups with an upstream of their own: no answer reaches a client of another way.

use std::net::IpAddr;
use std::sync::Arc;

use crate::lab::{ServiceLab, asked, lab, packet};
use zoners_dns::{Counter, Rtype, Transport, zonefile};
use zoners_policy::{CompiledPolicy, MemoryStorage, PolicyCompiler};
use zoners_server::policy::groups::PolicyGroups;
use zoners_server::policy::{ListPolicy, PolicySurroundings};
use zoners_server::{Client, Config, Service};

const ADULT: &str = "192.168.1.1";
const CHILD: &str = "192.168.1.2";
const GROUP: &str = "[[policy.group]]\nname = \"kids\"\nclients = [\"192.168.1.2\"]\n\
                     forward = [\"192.0.2.53\"]\nblocked-services = [\"tiktok\"]\n";

/// A lab whose group `kids` is answered out of the Internet of a second lab, where names have other addresses.
fn labs() -> (ServiceLab, ServiceLab) {
    let (own, upstream) = (lab(), lab());
    upstream.net.change("example.com", |zone| {
        let text = "www 300 A 203.0.115.99\nkids 300 A 203.0.115.98\nrouter 300 A 192.168.1.1\n";
        let sets = zonefile::parse(text, &zone.origin).unwrap();
        sets.into_iter().for_each(|set| zone.add(set));
    });
    let config = Config::parse(GROUP, "zoners.toml").unwrap();
    let (scratch, file) = (MemoryStorage::default(), Arc::new(MemoryStorage::default()));
    PolicyCompiler::new([5, 6], &scratch).finish(&*file, [0; 32]).unwrap();
    let compiled = Arc::new(CompiledPolicy::open(file, None).unwrap());
    let (groups, now) = (PolicyGroups::read(&config).unwrap(), PolicySurroundings::at(0));
    let policy = ListPolicy::new(&config.policy, &groups, compiled, &now).unwrap();
    let rules = own.service.rules().governed(Some(Arc::new(policy)), 1);
    let service = Service::new(own.service.worker().clone(), Arc::new(rules));
    let service = service.with_upstreams(vec![upstream.service.worker().clone()]);
    (ServiceLab { service, ..own }, upstream)
}

/// RCODE and addresses.
async fn ask(lab: &ServiceLab, name: &str, client: &str) -> String {
    let client: IpAddr = client.parse().unwrap();
    let query = packet(&asked(name, Rtype::A), true);
    let reply = lab.send_from(&query, Client::new(client, Transport::Udp)).await.unwrap();
    let addresses = reply.answer.iter().flat_map(|set| set.addresses());
    let addresses: Vec<String> = addresses.map(|address| address.to_string()).collect();
    format!("{} {}", reply.rcode, addresses.join(" "))
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_an_upstream_is_for_its_group_alone() {
    let (lab, _upstream) = labs();
    // From the upstream, out of its cache, and finished; and the same of the resolver of all clients.
    for _ in 0..4 {
        assert_eq!(ask(&lab, "www.example.com", CHILD).await, "NOERROR 203.0.115.99");
        assert_eq!(ask(&lab, "www.example.com", ADULT).await, "NOERROR 203.0.115.2");
    }
    for _ in 0..3 {
        assert_eq!(ask(&lab, "kids.example.com", ADULT).await, "NXDOMAIN ");
        assert_eq!(ask(&lab, "kids.example.com", CHILD).await, "NOERROR 203.0.115.98");
    }
}

#[tokio::test(start_paused = true)]
async fn the_rules_of_the_group_and_the_protection_hold_for_the_upstream_too() {
    let (lab, upstream) = labs();
    for _ in 0..2 {
        assert_eq!(ask(&lab, "www.tiktok.com", CHILD).await, "NOERROR 0.0.0.0");
        assert_eq!(ask(&lab, "router.example.com", CHILD).await, "NOERROR ");
    }
    assert_eq!(lab.count(Counter::ClientPolicy), 2);
    assert!(lab.net.sent().is_empty(), "no query of the group leaves by the other way");
    assert!(!upstream.net.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn other_rules_keep_the_upstream() {
    let (lab, _upstream) = labs();
    let rules = lab.service.rules().clone();
    let service = lab.service.with_rules(Arc::new(rules));
    let lab = ServiceLab { service, ..lab };
    assert_eq!(ask(&lab, "www.example.com", CHILD).await, "NOERROR 203.0.115.99");
}
