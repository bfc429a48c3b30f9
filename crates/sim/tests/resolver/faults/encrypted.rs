//! Forwarders over TLS: those that are silent, close, lie about their name or are slow cost nothing, and nothing is ever
//! asked in clear.

use std::fmt::Write as _;
use std::time::Duration;

use crate::common::many::ms;
use crate::common::{Lab, question, settings};
use tokio::time::{Instant, sleep};
use zoners_cache::{ServerFault, ServerInfo};
use zoners_dns::{
    Checking, Clock, Counter, Delegation, DsStatus, EdeCode, Encryption, Endpoint, IdentityId,
    Moment, Name, NameServer, QueryMode, Rtype, ServerIdentity, Transport, name,
};
use zoners_dnssec::chain::Ds;
use zoners_resolver::{Anchor, Settings};
use zoners_sim::sign::Signing;
use zoners_sim::{Link, Manner, SimNetwork, TlsManner, world};

const GOOD: &str = "203.0.119.1";
const SILENT: &str = "203.0.119.2";
const RESETTING: &str = "203.0.119.3";
const WRONG: &str = "203.0.119.4";
const SLOW: &str = "203.0.119.5";
const NAMES: usize = 200;

fn over_tls(name: Name, addresses: &[&str]) -> NameServer {
    let identity = ServerIdentity { name: "dns.example".into(), ..ServerIdentity::default() };
    let identity = IdentityId::intern(identity).unwrap();
    let encryption = Some(Encryption { transport: Transport::Tls, port: 853, identity });
    let addresses =
        addresses.iter().map(|ip| (ip.parse::<std::net::IpAddr>().unwrap(), 853).into());
    NameServer { name, addresses: addresses.collect(), encryption }
}

fn forwarded(zone: &str, servers: Vec<NameServer>) -> Settings {
    let route = Delegation {
        zone: name::parse(zone).unwrap(),
        mode: QueryMode::Forward,
        transport: Transport::Udp,
        servers,
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    };
    Settings { routes: vec![route], ..settings() }
}

/// Forwarders over TLS with these links, which know the names of `corp`.
fn corp(links: &[(&str, Link)]) -> Lab {
    corp_over(Transport::Tls, links)
}

fn corp_over(transport: Transport, links: &[(&str, Link)]) -> Lab {
    let net = SimNetwork::new(5);
    let mut names = String::new();
    for number in 0..NAMES {
        let _ = writeln!(names, "n{number} A 10.1.0.{}", number % 250);
    }
    let addresses: Vec<&str> = links.iter().map(|(address, _)| *address).collect();
    net.zone("corp", &addresses, &names);
    for (address, link) in links {
        net.link(address, link.clone());
    }
    let over = |address: &&str| {
        let mut server = over_tls(name::root(), &[address]);
        server.encryption.iter_mut().for_each(|encryption| encryption.transport = transport);
        server
    };
    let servers = addresses.iter().map(over).collect();
    Lab::with(net, forwarded("corp", servers))
}

/// The times of questions for each name, in order of length.
async fn ask_all(lab: &Lab) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in 0..NAMES {
        let started = Instant::now();
        let answer = lab.ask(&format!("n{number}.corp"), Rtype::A).await;
        assert!(answer.contains("10.1.0."), "n{number}: {answer}");
        times.push(started.elapsed());
        sleep(ms(100)).await;
    }
    times.sort();
    times
}

/// Whether each query for a name of the route was encrypted. The root servers may be asked whether the uplink works.
fn is_all_encrypted(lab: &Lab) -> bool {
    is_all_over(Transport::Tls, lab)
}

fn is_all_over(transport: Transport, lab: &Lab) -> bool {
    let (sent, corp) = (lab.net.sent(), name::parse("corp").unwrap());
    let mut routed = sent.iter().filter(|sent| name::is_within(&sent.question.name, &corp));
    routed.all(|sent| sent.to.transport == transport && sent.to.identity.is_some())
}

#[tokio::test(start_paused = true)]
async fn one_good_forwarder_is_enough_and_the_rest_cost_a_hedge_at_most() {
    for (transport, counter) in [
        (Transport::Tls, Counter::UpstreamTls),
        (Transport::Https, Counter::UpstreamHttps),
        (Transport::Quic, Counter::UpstreamQuic),
    ] {
        let good = Link::of(30).speaking(TlsManner::Good);
        let slow = Link::of(150).speaking(TlsManner::Good);
        let links = [
            (SILENT, Link::of(10).speaking(TlsManner::Silent)),
            (RESETTING, Link::of(10).speaking(TlsManner::Resets)),
            (WRONG, Link::of(10).speaking(TlsManner::WrongCertificate)),
            (SLOW, slow),
            (GOOD, good),
        ];
        let lab = corp_over(transport, &links);
        let times = ask_all(&lab).await;
        let (median, p99) = (times[NAMES / 2], times[NAMES * 99 / 100]);
        assert!(median <= ms(32), "the good one: {median:?}");
        // A handshake takes two round trips, and a hedge is as late as the slow one usually is.
        assert!(p99 <= ms(150 * 3), "{p99:?}");
        assert!(is_all_over(transport, &lab));
        assert!(lab.count(Counter::UpstreamUntrusted) > 0);
        assert_eq!(lab.count(Counter::UpstreamTcp), 0);
        assert_eq!(lab.count(counter), lab.count(Counter::UpstreamQueries));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_certificate_is_told_and_never_followed_by_a_query_in_clear() {
    for (tls, counter, told) in [
        (
            TlsManner::WrongCertificate,
            Counter::UpstreamUntrusted,
            "the certificate is for another name",
        ),
        (TlsManner::NoTls, Counter::UpstreamHandshakesFailed, "TLS failed"),
        (TlsManner::Closed, Counter::UpstreamConnectionRefused, "connection refused"),
        (TlsManner::Resets, Counter::UpstreamConnectionRefused, "connection closed"),
    ] {
        let lab = corp(&[(WRONG, Link::of(10).speaking(tls))]);
        let started = Instant::now();
        let ede = lab.resolve("n1.corp", Rtype::A).await.unwrap_err().ede;
        assert_eq!(ede.code, EdeCode::NETWORK_ERROR, "{tls:?}");
        assert!(ede.text.contains(told) && ede.text.contains(WRONG), "{tls:?}: {}", ede.text);
        assert!(started.elapsed() < ms(3000), "{tls:?}: {:?}", started.elapsed());
        assert!(is_all_encrypted(&lab) && lab.count(counter) > 0, "{tls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forwarder_over_https_without_dns_messages_is_told_and_costs_nothing_beside_a_good_one() {
    let missing = (WRONG, Link::of(10).speaking(TlsManner::NotFound));
    let lab = corp_over(Transport::Https, std::slice::from_ref(&missing));
    let ede = lab.resolve("n1.corp", Rtype::A).await.unwrap_err().ede;
    assert_eq!(ede.code, EdeCode::NETWORK_ERROR);
    assert!(ede.text.contains("HTTP status 404") && ede.text.contains(WRONG), "{}", ede.text);
    assert!(is_all_over(Transport::Https, &lab) && lab.count(Counter::UpstreamHttpFaults) > 0);
    let good = (GOOD, Link::of(30).speaking(TlsManner::Good));
    let lab = corp_over(Transport::Https, &[missing, good]);
    let times = ask_all(&lab).await;
    assert!(times[NAMES / 2] <= ms(32), "{:?}", times[NAMES / 2]);
    assert!(is_all_over(Transport::Https, &lab));
    assert_eq!(lab.count(Counter::UpstreamHttps), lab.count(Counter::UpstreamQueries));
}

#[tokio::test(start_paused = true)]
async fn a_silent_forwarder_says_nothing_of_the_paths_to_other_servers() {
    let lab = corp(&[(SILENT, Link::of(10).speaking(TlsManner::Silent))]);
    for number in 0..20 {
        assert!(lab.resolve(&format!("n{number}.corp"), Rtype::A).await.is_err());
    }
    assert_eq!(lab.worker.shared().broken_paths(), zoners_resolver::BrokenPaths::default());
    assert!(is_all_encrypted(&lab));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_forgotten_is_opened_anew() {
    let link = Link { forgets: vec![ms(5050)], ..Link::of(30).speaking(TlsManner::Good) };
    let lab = corp(&[(GOOD, link)]);
    let times = ask_all(&lab).await;
    assert!(times[NAMES - 1] < ms(600), "{:?}", times[NAMES - 1]);
    assert!(is_all_encrypted(&lab));
}

/// A forwarder of all that the configuration names without its address, which the zone example.com has.
fn named_alone(address: &str) -> Lab {
    let net = world::small(1);
    net.change("example.com", |zone| {
        let text = format!("dns.example.com. A {address}\n");
        let sets = zoners_dns::zonefile::parse(&text, &name::root()).unwrap();
        sets.into_iter().for_each(|set| zone.add(set));
    });
    net.zone("corp", &[address], "nas 60 A 10.0.0.1\n");
    net.link(address, Link::of(30).speaking(TlsManner::Good));
    let server = over_tls(name::parse("dns.example.com").unwrap(), &[]);
    Lab::with(net, forwarded(".", vec![server]))
}

#[tokio::test(start_paused = true)]
async fn the_address_of_a_forwarder_is_looked_up_around_its_route() {
    let lab = named_alone(GOOD);
    assert!(lab.ask("nas.corp", Rtype::A).await.contains("10.0.0.1"));
    let (tls, clear): (Vec<_>, Vec<_>) =
        lab.net.sent().into_iter().partition(|sent| sent.to.transport == Transport::Tls);
    assert!(
        tls.iter()
            .all(|sent| sent.to.address == (GOOD.parse::<std::net::IpAddr>().unwrap(), 853).into())
    );
    let corp = name::parse("corp").unwrap();
    assert!(
        !tls.is_empty() && clear.iter().all(|sent| !name::is_within(&sent.question.name, &corp))
    );
}

#[tokio::test(start_paused = true)]
async fn a_forwarder_with_a_name_alone_gives_fresh_answers_and_prefetches() {
    let lab = named_alone(GOOD);
    assert!(lab.ask("nas.corp", Rtype::A).await.contains("10.0.0.1"));
    lab.net.zone("corp", &[], "nas 60 A 10.0.0.2\n");
    sleep(ms(61_000)).await;
    let fresh = lab.resolve("nas.corp", Rtype::A).await.unwrap();
    assert!(!fresh.stale && fresh.answer[0].to_string().contains("10.0.0.2"), "{fresh:?}");
    let (asked, made) = (question("nas.corp", Rtype::A), lab.clock.now());
    lab.worker.refresh(&asked, Checking::Enabled, made, made.after_seconds(60));
    assert_eq!(lab.count(Counter::CachePrefetches), 1);
}

#[tokio::test(start_paused = true)]
async fn a_forwarder_with_a_name_alone_is_asked_at_a_private_address() {
    let lab = named_alone("10.9.0.1");
    assert!(lab.ask("nas.corp", Rtype::A).await.contains("10.0.0.1"));
    assert_eq!(lab.count(Counter::UpstreamAddressesForbidden), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bogus_answer_counts_against_the_encrypted_forwarder() {
    let net = SimNetwork::new(5);
    net.zone("corp", &[WRONG], "@ NS ns\nns A 10.0.0.9\nnas A 10.0.0.1\n");
    let ds = net.sign(&["corp"], &Signing::default());
    let ds = ds.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
    let lying = Link::of(10).speaking(TlsManner::Good).with(Manner::Forges);
    net.link(WRONG, lying);
    let server = over_tls(name::root(), &[WRONG]);
    let endpoint = server.endpoint(server.addresses[0], Transport::Udp);
    let anchors = vec![Anchor { zone: name::parse("corp").unwrap(), ds, keys: vec![] }];
    let lab = Lab::with(net, Settings { anchors, ..forwarded("corp", vec![server]) });
    let failed = lab.resolve("nas.corp", Rtype::A).await.unwrap_err();
    assert!(failed.ede.code.is_bogus(), "{failed}");
    let known = |endpoint| lab.worker.shared().cache.server(endpoint, lab.clock.now());
    assert_eq!(known(endpoint).trouble, Some(ServerFault::Bogus));
    assert_eq!(known(Endpoint::new(endpoint.address, Transport::Udp)), ServerInfo::default());
}
