//! Opportunistic encryption to authorities (RFC 9539): beside the query in clear, never before, and kept where it works.

use std::time::Duration;

use crate::common::many::ms;
use crate::common::{Lab, question, settings};
use tokio::time::{Instant, sleep};
use zoners_cache::EncryptionState;
use zoners_dns::{Clock, Counter, Rtype, Transport};
use zoners_resolver::{ServerReport, Settings};
use zoners_sim::{Link, Sent, SimNetwork, TlsManner, world};

/// The servers of example.com; of the zone they are asked a new name each time.
const SERVERS: [&str; 2] = world::EXAMPLE_SERVERS;
/// The servers of the root and of com., which are asked for little here.
const HOUR: Duration = Duration::from_secs(3600);

fn lab(tls: TlsManner) -> Lab {
    lab_with(tls, settings())
}

fn lab_with(tls: TlsManner, settings: Settings) -> Lab {
    lab_of(SERVERS.map(|_| Link::of(20).speaking(tls)), settings)
}

fn lab_of(links: [Link; 2], settings: Settings) -> Lab {
    let net = world::small(1);
    for (address, link) in SERVERS.into_iter().zip(links) {
        net.link(address, link);
    }
    Lab::with(net, settings)
}

/// A server that encrypts and keeps an idle connection for this time.
fn encrypting(latency: u64, keeps_idle: Duration) -> Link {
    Link::of(latency).speaking(TlsManner::Good).keeping_idle(keeps_idle)
}

/// Asks for new names of example.com, and returns the times.
async fn ask(lab: &Lab, names: std::ops::Range<usize>, pause: Duration) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in names {
        let started = Instant::now();
        // Each name is denied.
        let answer = lab.ask(&format!("n{number}.example.com"), Rtype::A).await;
        assert!(!answer.contains("SERVFAIL"), "{answer}");
        times.push(started.elapsed());
        sleep(pause).await;
    }
    times.sort();
    times
}

/// Asks a thousand names, with minutes in between: while a connection to one server is open, the other one is not asked.
async fn meet(lab: &Lab) {
    for begin in [0, 250, 500, 750] {
        ask(lab, begin..begin + 250, ms(50)).await;
        sleep(HOUR / 60).await;
    }
}

fn to_servers(net: &SimNetwork) -> Vec<Sent> {
    let is_theirs = |sent: &Sent| SERVERS.contains(&sent.to.address.ip().to_string().as_str());
    net.sent().into_iter().filter(is_theirs).collect()
}

fn is_encrypted(sent: &Sent) -> bool {
    sent.to.transport == Transport::Tls
}

#[tokio::test(start_paused = true)]
async fn servers_that_encrypt_are_soon_asked_over_tls_alone() {
    let lab = lab(TlsManner::Good);
    meet(&lab).await;
    assert_eq!(lab.count(Counter::UpstreamTlsTrials), 2, "each once");
    lab.net.forget_sent();
    ask(&lab, 1000..2000, ms(50)).await;
    let sent = to_servers(&lab.net);
    let encrypted = sent.iter().filter(|sent| is_encrypted(sent)).count();
    let mut over_tls = sent.iter().filter(|sent| is_encrypted(sent));
    assert!(over_tls.all(|sent| sent.cookie.is_empty()), "no secret against forgers");
    assert!(encrypted * 100 >= sent.len() * 99, "{encrypted} of {}", sent.len());
    assert!(
        sent.iter().all(
            |sent| sent.to.socket_address().port() == if is_encrypted(sent) { 853 } else { 53 }
        )
    );
    let (_, known) = lab.worker.server_reports(&question("example.com", Rtype::A).name);
    let over_tls = known.iter().filter(|server| server.endpoint.transport == Transport::Tls);
    assert_eq!(over_tls.filter(|server| server.info.replied_at > 0).count(), SERVERS.len());
    let is_encrypted_to = |server: &&ServerReport| {
        server.info.encryption.state(lab.clock.now()) == EncryptionState::Works
    };
    assert_eq!(known.iter().filter(is_encrypted_to).count(), SERVERS.len(), "{known:?}");
    // Three days later, without a query in between.
    sleep(HOUR * 71).await;
    lab.net.forget_sent();
    ask(&lab, 2000..2010, ms(50)).await;
    assert!(to_servers(&lab.net).iter().all(is_encrypted), "encryption persists");
    sleep(HOUR * 73).await;
    lab.net.forget_sent();
    ask(&lab, 2010..2011, ms(50)).await;
    assert!(!to_servers(&lab.net).iter().any(is_encrypted), "and not for ever");
}

#[tokio::test(start_paused = true)]
async fn servers_without_encryption_cost_no_time_and_few_packets() {
    for tls in [TlsManner::Closed, TlsManner::Silent, TlsManner::NoTls, TlsManner::Resets] {
        let off = lab_with(tls, Settings { opportunistic_tls: false, ..settings() });
        let (before, on) = (ask(&off, 0..3000, ms(50)).await, lab(tls));
        let after = ask(&on, 0..3000, ms(50)).await;
        assert_eq!(after, before, "{tls:?}: no query waits");
        assert_eq!(off.count(Counter::UpstreamTlsTrials), 0);
        assert_eq!(on.count(Counter::UpstreamTlsTrials), 2, "{tls:?}: each once in a day");
        let packets = |lab: &Lab| lab.net.sent().len();
        // A trial is at most three packets, where a query is one.
        assert!(packets(&on) + 2 * 2 <= packets(&off) * 102 / 100, "{tls:?}");
        sleep(HOUR * 25).await;
        ask(&on, 3000..4000, ms(50)).await;
        let trials = to_servers(&on.net).into_iter().filter(is_encrypted).count();
        assert_eq!(trials, 4, "{tls:?}: and again the next day");
        assert!(on.worker.shared().broken_paths() == zoners_resolver::BrokenPaths::default());
    }
}

#[tokio::test(start_paused = true)]
async fn encryption_that_fails_later_costs_one_hedge_and_comes_back() {
    let lab = lab(TlsManner::Good);
    ask(&lab, 0..1000, ms(50)).await;
    for address in SERVERS {
        lab.net.link(address, Link::of(20).speaking(TlsManner::Silent));
    }
    let times = ask(&lab, 1000..2000, ms(50)).await;
    assert!(times[times.len() - 1] < ms(1000), "{:?}", times[times.len() - 1]);
    assert!(times[times.len() * 98 / 100] <= ms(45), "{:?}", times[times.len() * 98 / 100]);
    for address in SERVERS {
        lab.net.link(address, Link::of(20).speaking(TlsManner::Good));
    }
    sleep(HOUR / 4).await;
    ask(&lab, 2000..3000, ms(50)).await;
    lab.net.forget_sent();
    ask(&lab, 3000..3100, ms(50)).await;
    assert!(to_servers(&lab.net).iter().all(is_encrypted));
}

#[tokio::test(start_paused = true)]
async fn races_at_one_time_try_a_server_once() {
    let lab = lab(TlsManner::Silent);
    // More trials are saved than there are servers.
    ask(&lab, 0..2000, ms(50)).await;
    sleep(HOUR * 25).await;
    lab.net.forget_sent();
    let race = |number: usize| ask(&lab, number..number + 1, ms(100));
    tokio::join!(race(2000), race(2001), race(2002), race(2003), race(2004), race(2005));
    let trials = to_servers(&lab.net).into_iter().filter(is_encrypted).map(|sent| sent.to.address);
    let mut tried: Vec<_> = trials.collect();
    tried.sort();
    assert!(!tried.is_empty());
    let all = tried.len();
    tried.dedup();
    assert_eq!(tried.len(), all, "{tried:?}");
}

/// The share of TLS in a hundred queries to one server, and in all.
fn shares(net: &SimNetwork, server: &str) -> (usize, usize) {
    let sent = to_servers(net);
    let share = |of: Vec<&Sent>| {
        of.iter().filter(|sent| is_encrypted(sent)).count() * 100 / of.len().max(1)
    };
    let to_server = |sent: &&Sent| sent.to.address.ip().to_string() == server;
    (share(sent.iter().filter(to_server).collect()), share(sent.iter().collect()))
}

#[tokio::test(start_paused = true)]
async fn no_query_waits_for_a_handshake_where_a_like_server_replies_in_clear() {
    // The first server closes a connection before the next query comes, in the second case never.
    for (keeps_idle, in_all) in [(ms(4000), 0), (HOUR, 99)] {
        let links = || [encrypting(20, keeps_idle), Link::of(22)];
        let off = lab_of(links(), Settings { opportunistic_tls: false, ..settings() });
        let on = lab_of(links(), settings());
        for lab in [&off, &on] {
            ask(lab, 0..1000, ms(50)).await;
            lab.net.forget_sent();
        }
        let before = ask(&off, 1000..1500, ms(5000)).await;
        let after = ask(&on, 1000..1500, ms(5000)).await;
        for percent in [50, 99] {
            let at = before.len() * percent / 100;
            assert!(after[at] <= before[at] + ms(2), "{percent}: {:?} {:?}", after[at], before[at]);
        }
        let (to_server, all) = shares(&on.net, SERVERS[0]);
        assert!(to_server >= 99 && all >= in_all, "{keeps_idle:?}: {to_server} {all}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_no_query_uses_is_seldom_opened() {
    let lab = lab_of([encrypting(20, ms(4000)), Link::of(22)], settings());
    ask(&lab, 0..1000, ms(50)).await;
    // Those of a fresh process.
    ask(&lab, 1000..1200, ms(5000)).await;
    let before = lab.count(Counter::UpstreamSessionsOpened);
    ask(&lab, 1200..2000, ms(5000)).await;
    let opened = lab.count(Counter::UpstreamSessionsOpened) - before;
    assert!(opened > 0 && opened <= 800 / 32 + 1, "{opened}");
}

#[tokio::test(start_paused = true)]
async fn queries_share_one_connection_where_all_servers_encrypt() {
    let lab = lab_of([encrypting(20, ms(30_000)), encrypting(22, ms(30_000))], settings());
    meet(&lab).await;
    assert_eq!(lab.count(Counter::UpstreamTlsTrials), 2);
    lab.net.forget_sent();
    let times = ask(&lab, 1000..1100, ms(20_000)).await;
    assert!(to_servers(&lab.net).iter().all(is_encrypted));
    let waited = times.iter().filter(|time| **time > ms(30)).count();
    assert_eq!(waited, 1, "the first query alone: {times:?}");
}
