//! The window of a captive portal, and probes of systems without any network.

use std::sync::Arc;

use crate::lab::{ServiceLab, above, lab};
use tokio::time::{Duration, sleep};
use zoners_cache::ExportCursor;
use zoners_dns::{Message, Random, Rtype, Transport, name, zonefile};
use zoners_resolver::{Event, Shared};
use zoners_server::Service;
use zoners_server::pipeline::PortalTerms;
use zoners_sim::middlebox::ADDRESS;
use zoners_sim::{Manner, Middlebox, SimNetwork};

const ROUTER: &str = "192.168.1.1:53";
const PROBE: &str = "captive.apple.com";
/// TTLs of answers in the window, at most.
const MAX_TTL: u32 = 5;

fn shared(lab: &ServiceLab) -> &Arc<Shared> {
    lab.service.worker().shared()
}

/// The same service with a window, in which the router answers.
fn behind_portal(lab: &ServiceLab) -> Service<SimNetwork> {
    let names = vec![name::parse(PROBE).unwrap(), name::parse("login.example").unwrap()];
    let settings = lab.service.worker().settings();
    let (clock, random) = (lab.clock.clone(), Random::seeded(9));
    let terms = PortalTerms::new(names, &[ROUTER.parse().unwrap()], settings, clock, random);
    let rules = Arc::new(lab.service.rules().clone());
    let service = Service::new(lab.service.worker().clone(), rules);
    service.behind_portal(Some(Arc::new(terms).window(lab.net.clone())))
}

async fn captive() -> ServiceLab {
    let mut lab = lab();
    lab.ask("www.example.com", Rtype::A, Transport::Udp).await;
    lab.net.interpose(Middlebox::PORTAL);
    shared(&lab).notify(Event::NetworkChanged);
    lab.service = behind_portal(&lab);
    lab
}

fn address(reply: &Message) -> Option<([u8; 4], u32)> {
    let set = reply.answer.iter().find(|set| set.rtype == Rtype::A)?;
    let octets = set.records.iter().next()?;
    Some((octets.as_ref().try_into().ok()?, set.ttl))
}

/// Whether the octets of the portal's address are part of any entry of the cache.
fn has_portal_data(lab: &ServiceLab) -> bool {
    let (mut progress, mut entries) = (ExportCursor::default(), Vec::new());
    let shared = shared(lab);
    while shared.cache.export(&mut progress, shared.now(), &mut entries) {}
    entries.windows(4).any(|octets| octets == ADDRESS)
}

#[tokio::test(start_paused = true)]
async fn names_of_the_portal_and_names_without_an_answer_go_to_the_resolver_of_the_network() {
    let lab = captive().await;
    for name in [PROBE, "start.login.example", "www.example.net", "www.example.net", PROBE] {
        let reply = lab.ask(name, Rtype::A, Transport::Udp).await;
        let (octets, ttl) = address(&reply).unwrap_or_else(|| panic!("{name}: {reply:?}"));
        assert_eq!(octets, ADDRESS, "{name}");
        assert!(ttl <= MAX_TTL && !reply.header.ad(), "{name}: {ttl}");
        sleep(Duration::from_secs(1)).await;
    }
    let known = lab.ask("www.example.com", Rtype::A, Transport::Udp).await;
    assert_eq!(address(&known).unwrap().0, [203, 0, 115, 2], "known from before");
    assert!(!has_portal_data(&lab));
}

#[tokio::test(start_paused = true)]
async fn the_window_leads_to_private_addresses_and_not_to_this_machine() {
    let mut lab = lab();
    lab.net.change("example.com", |zone| {
        let text = "login 300 A 192.168.1.9\nself 300 A 127.0.0.1\n";
        let sets = zonefile::parse(text, &zone.origin).unwrap();
        sets.into_iter().for_each(|set| zone.add(set));
    });
    lab.net.serve("example.com", "192.168.1.1");
    lab.service = behind_portal(&lab);
    let open = lab.ask("login.example.com", Rtype::A, Transport::Udp).await;
    assert_eq!(address(&open), None, "an answer of the Internet");
    shared(&lab).cache.flush(&name::parse("com").unwrap(), true);
    lab.link_all(above().chain(["203.0.114.1", "203.0.114.2"]), Manner::Dead);
    let captive = lab.ask("login.example.com", Rtype::A, Transport::Udp).await;
    assert_eq!(address(&captive).unwrap().0, [192, 168, 1, 9]);
    let own = lab.ask("self.example.com", Rtype::A, Transport::Udp).await;
    assert_eq!((address(&own), own.rcode), (None, zoners_dns::OptRcode::NOERROR));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_the_portal_is_left_once_it_opens() {
    let mut lab = captive().await;
    for name in [PROBE, "a.b.ent.example.com", "ns1.example.com"] {
        lab.ask(name, Rtype::A, Transport::Udp).await;
    }
    lab.net.interpose(None);
    shared(&lab).notify(Event::NetworkChanged);
    lab.service = lab.service.behind_portal(None);
    let reply = lab.ask("a.b.ent.example.com", Rtype::A, Transport::Udp).await;
    assert_eq!(address(&reply).unwrap().0, [203, 0, 115, 5]);
    assert!(!has_portal_data(&lab));
}

#[tokio::test(start_paused = true)]
async fn probes_of_systems_get_an_address_while_there_is_no_network_and_not_longer() {
    let lab = lab();
    let online = lab.ask(PROBE, Rtype::A, Transport::Udp).await;
    assert_eq!(address(&online), None, "the name does not exist in the lab");
    shared(&lab).cache.flush(&name::parse("com").unwrap(), true);
    lab.net.interpose(Middlebox::Drops);
    shared(&lab).notify(Event::NetworkChanged);
    let mut answered = None;
    for _ in 0..10 {
        let reply = lab.ask(PROBE, Rtype::A, Transport::Udp).await;
        answered = address(&reply);
        if answered.is_some() {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(answered, Some(([198, 51, 100, 1], MAX_TTL)));
    let other = lab.ask("www.example.net", Rtype::A, Transport::Udp).await;
    assert_eq!(address(&other), None, "no name but those of probes");
    let ipv6 = lab.ask(PROBE, Rtype::AAAA, Transport::Udp).await;
    assert!(ipv6.answer.is_empty() && ipv6.rcode == zoners_dns::OptRcode::NOERROR);
}
