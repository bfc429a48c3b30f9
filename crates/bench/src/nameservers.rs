//! The nameservers that a resolver asked: RTT, loss and queries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
pub use zoners_dns::name::operator_domain as provider;

use crate::sample::Sample;
use crate::statistics::quantile;
use crate::target::{ExchangeEnd, UpstreamExchange};

/// A nameserver, as measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nameserver {
    /// The IP address.
    pub address: String,
    /// The most frequent name of the address in delegations; empty if unknown.
    pub name: String,
    /// Queries sent to the server.
    pub asked: usize,
    /// Queries that were answered.
    pub answered: usize,
    /// Queries that timed out. The remaining queries were abandoned when a different server
    /// answered.
    pub lost: usize,
    /// Refused by the network.
    pub refused: usize,
    /// The shortest RTT, in milliseconds; RTTs are those of UDP.
    pub least_ms: Option<f64>,
    /// The median RTT, in milliseconds.
    pub p50_ms: Option<f64>,
    /// Nine of ten.
    pub p90_ms: Option<f64>,
}

impl Nameserver {
    /// The provider, as far as the name of the server shows; see [`provider`].
    #[must_use]
    pub fn provider(&self) -> &str {
        provider(&self.name)
    }

    /// Whether the server answers at all: a server that never answers is dead or unreachable, not
    /// lossy.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.answered > 0
    }
}

/// The nameservers of the `exchanges`, with the names that the hops of `samples` show, sorted by
/// the number of queries.
#[must_use]
pub fn met<'a>(
    exchanges: &[UpstreamExchange],
    samples: impl Iterator<Item = &'a Sample>,
) -> Vec<Nameserver> {
    let names = names(samples);
    let mut servers = BTreeMap::<&str, (Nameserver, Vec<f64>)>::new();
    for UpstreamExchange { address, took, end } in exchanges {
        let (server, millis) = servers.entry(address).or_default();
        server.asked += 1;
        match end {
            ExchangeEnd::Reply => {
                server.answered += 1;
                millis.push(took.as_secs_f64() * 1000.0);
            }
            ExchangeEnd::StreamReply => server.answered += 1,
            ExchangeEnd::Lost => server.lost += 1,
            ExchangeEnd::Refused => server.refused += 1,
            ExchangeEnd::Left => {}
        }
    }
    let finish = |(address, (server, mut millis)): (&str, (Nameserver, Vec<f64>))| {
        millis.sort_unstable_by(f64::total_cmp);
        let at = |share| (!millis.is_empty()).then(|| quantile(&millis, share));
        Nameserver {
            address: address.to_owned(),
            name: names.get(address).map(|name| (*name).to_owned()).unwrap_or_default(),
            least_ms: at(0.0),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            ..server
        }
    };
    let mut met: Vec<Nameserver> = servers.into_iter().map(finish).collect();
    met.sort_by_key(|server| std::cmp::Reverse(server.asked));
    met
}

/// The most frequent name of each address.
fn names<'a>(samples: impl Iterator<Item = &'a Sample>) -> BTreeMap<&'a str, &'a str> {
    let mut counts = BTreeMap::<&str, BTreeMap<&str, usize>>::new();
    for hop in samples.flat_map(|sample| &sample.hops).filter(|hop| !hop.address.is_empty()) {
        *counts.entry(&hop.address).or_default().entry(&hop.server).or_default() += 1;
    }
    let most = |names: BTreeMap<&'a str, usize>| {
        names.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name)
    };
    counts.into_iter().filter_map(|(address, names)| Some((address, most(names)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Phase;
    use crate::target::{AnswerHop, Came, Part, QuestionOutcome};
    use std::time::Duration;

    #[test]
    fn a_provider_is_the_domain_of_its_servers() {
        assert_eq!(provider("ns1.example.net."), "example.net");
        assert_eq!(provider("a.ns.example.com"), "ns.example.com");
        assert_eq!(provider("example.com."), "example.com");
        assert_eq!(provider("."), "");
    }

    #[test]
    fn those_who_were_met_are_told_with_their_names() {
        let exchange = |address: &str, millis, end| UpstreamExchange {
            address: address.into(),
            took: Duration::from_millis(millis),
            end,
        };
        let exchanges = [
            exchange("192.0.2.1", 10, ExchangeEnd::Reply),
            exchange("192.0.2.1", 30, ExchangeEnd::Reply),
            exchange("192.0.2.1", 500, ExchangeEnd::StreamReply),
            exchange("192.0.2.1", 2000, ExchangeEnd::Lost),
            exchange("192.0.2.2", 40, ExchangeEnd::Left),
        ];
        let hop = |server: &str| AnswerHop {
            part: Part::Provider,
            zone: "example.com.".into(),
            server: server.into(),
            address: "192.0.2.1".into(),
            until_us: 0,
            took_us: 0,
            came: Came::Answer,
        };
        let sample = Sample {
            name: 0,
            rtype: 1,
            target: 0,
            phase: Phase::Cold,
            at_us: 0,
            took_us: 0,
            ending: QuestionOutcome::Answered,
            hops: vec![hop("ns.a.test."), hop("ns.b.test."), hop("ns.b.test.")],
        };
        let met = met(&exchanges, [&sample].into_iter());
        assert_eq!((met[0].name.as_str(), met[0].provider()), ("ns.b.test.", "b.test"));
        assert_eq!((met[0].asked, met[0].answered, met[0].lost), (4, 3, 1));
        assert_eq!((met[0].least_ms, met[0].p50_ms), (Some(10.0), Some(20.0)));
        assert!(met[0].is_alive() && !met[1].is_alive());
        assert_eq!((met[1].name.as_str(), met[1].p50_ms), ("", None));
    }
}
