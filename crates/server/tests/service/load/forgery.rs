//! The cost of forging a reply: the packets of an attacker that knows the query except for its
//! source port and ID (RFC 5452 section 7).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{
    Counter, Counters, Delegation, Question, Random, Rtype, Transport, name, zonefile,
};
use zoners_net::PORTS;
use zoners_resolver::{Resolver, Settings, Shared};
use zoners_sim::world::EXAMPLE_SERVERS;
use zoners_sim::{Bad, Beset, Link, Manner, SimClock, SimNetwork, Streams, world};

const IDS: u64 = 1 << 16;

fn worker(net: &SimNetwork) -> Resolver<SimNetwork> {
    let hints = zonefile::root_hints(world::HINTS).unwrap();
    let mut settings = Settings::new(Delegation::from_hints(&hints).unwrap());
    settings.limits.probe_budget = 0;
    let cache = Cache::new(8 << 20, TtlLimits::default(), [3, 4]);
    let shared = Shared::new(cache, Arc::new(SimClock::new(None)), Random::seeded(99));
    Resolver::new(shared, net.clone(), Arc::new(settings), Arc::new(Counters::default()))
}

fn example(line: &str) -> Question {
    Question::new(name::parse(line).unwrap(), Rtype::A)
}

/// The most queries for one question to one server open at a time, each with its own port and ID.
fn open_at_a_time(net: &SimNetwork) -> usize {
    let ended = net.ended();
    let mut waits: BTreeMap<_, BTreeMap<u64, (Duration, Duration)>> = BTreeMap::new();
    for sent in net.sent().into_iter().filter(|sent| sent.to.transport == Transport::Udp) {
        let until = ended.get(&sent.exchange).copied().unwrap_or(Duration::MAX);
        let key = (sent.to.address, sent.question.to_string());
        waits.entry(key).or_default().entry(sent.exchange).or_insert((sent.at, until));
    }
    let open = |spans: Vec<(Duration, Duration)>| {
        let at = |moment| spans.iter().filter(|(from, to)| *from <= moment && moment < *to).count();
        spans.iter().map(|(from, _)| at(*from)).max().unwrap_or(0)
    };
    waits.into_values().map(|spans| open(spans.into_values().collect())).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn clients_that_ask_the_same_make_no_reply_easier_to_forge() {
    const CLIENTS: u64 = 500;
    for latency in [20, 900, 4000] {
        let net = world::small(1);
        for server in EXAMPLE_SERVERS {
            net.link(server, Link::of(latency).losing(0.2));
        }
        let worker = worker(&net);
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let worker = worker.clone();
            clients.spawn(async move {
                sleep(Duration::from_millis(number * 7)).await;
                let _ = worker.resolve(&example("www.example.com"), None).await;
            });
        }
        clients.join_all().await;
        let open = open_at_a_time(&net) as u64;
        // The probability of a hit is open / (PORTS * IDS) for each forged packet, so the average
        // number of packets is:
        let packets = u64::from(PORTS) * IDS / open;
        assert_eq!(packets, 4_227_465_216, "{open} open at {latency} ms");
        // That is more than half an hour at a gigabit per second, in replies of 100 octets, with
        // the window open throughout.
        assert!(packets / (1_000_000_000 / 800) > 1800);
    }
}

#[tokio::test(start_paused = true)]
async fn who_finds_the_port_has_few_guesses_at_the_id() {
    let net = world::small(1);
    for server in EXAMPLE_SERVERS {
        let forger = Beset { by: Bad::Id, times: 60_000, good: false, streams: Streams::Silent };
        net.link(server, Link::of(20).with(Manner::Beset(forger)));
    }
    let worker = worker(&net);
    assert!(worker.resolve(&example("www.example.com"), None).await.is_err());
    let guesses = worker.counters().get(Counter::UpstreamMismatched);
    let ports = worker.counters().get(Counter::LimitPortFlooded);
    assert!(ports > 0 && guesses == 100 * ports, "{guesses} guesses at {ports} ports");
    // Even if each port is found at once: less than one in a hundred.
    assert!(guesses * 100 < IDS, "{guesses} guesses");
}
