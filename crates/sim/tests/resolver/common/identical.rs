//! How often the same query is put to a server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use zoners_dns::{Question, Transport};
use zoners_sim::SimNetwork;

/// Fails if two identical queries were outstanding at a server at a time, each with its own port
/// and ID, or if more than four were sent within a second. Returns the most queries for one
/// question to one server in total.
pub(crate) fn check(net: &SimNetwork, what: &str) -> usize {
    let ended = net.ended();
    let mut queries: BTreeMap<(SocketAddr, String), BTreeMap<u64, Duration>> = BTreeMap::new();
    let key = |question: &Question| question.to_string().to_lowercase();
    for sent in net.sent().iter().filter(|sent| sent.to.transport == Transport::Udp) {
        let same = queries.entry((sent.to.address, key(&sent.question))).or_default();
        same.entry(sent.exchange).or_insert(sent.at);
    }
    for (query, exchanges) in &queries {
        let mut latest: Vec<Duration> = Vec::new();
        let mut busy_until = Duration::ZERO;
        for (exchange, begun) in exchanges {
            assert!(*begun >= busy_until, "{what}: {query:?} sent at {begun:?} while outstanding");
            busy_until = ended.get(exchange).copied().unwrap_or(Duration::MAX);
            if let Some(fourth) = latest.len().checked_sub(4) {
                let since = *begun - latest[fourth];
                assert!(since > Duration::from_secs(1), "{what}: {query:?}: five in {since:?}");
            }
            latest.push(*begun);
        }
    }
    // The root servers are also asked for their NS set, as a probe of the uplink.
    let of_names = queries.iter().filter(|((_, question), _)| !question.starts_with(". "));
    of_names.map(|(_, exchanges)| exchanges.len()).max().unwrap_or(0)
}
