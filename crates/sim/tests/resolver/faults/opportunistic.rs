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
    let net = world::small(1);
    for address in SERVERS {
        net.link(address, Link::of(20).speaking(tls));
    }
    Lab::with(net, settings)
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
    ask(&lab, 0..1000, ms(50)).await;
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
