//! The nameservers that a resolver met on its way: how far each is, and whether it answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sample::Sample;
use crate::statistics::quantile;
use crate::target::{Exchange, ExchangeEnd};

/// A nameserver, as it was met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nameserver {
    /// Its address.
    pub address: String,
    /// What zones call it, most of them; empty if it was only met beside another.
    pub name: String,
    /// Queries that it was sent.
    pub asked: usize,
    /// Of them answered.
    pub answered: usize,
    /// Waited for in vain, for as long as anybody waits; the others were left when an answer came from
    /// elsewhere.
    pub lost: usize,
    /// Refused by the network.
    pub refused: usize,
    /// The shortest round trip, in milliseconds; that and the others of datagrams alone.
    pub least_ms: Option<f64>,
    /// Half the replies came within that.
    pub p50_ms: Option<f64>,
    /// Nine of ten.
    pub p90_ms: Option<f64>,
}

impl Nameserver {
    /// Whose it is, as far as its name says; see [`provider`].
    #[must_use]
    pub fn provider(&self) -> &str {
        provider(&self.name)
    }

    /// Whether it is there at all: a server that never answers is dead or cut off, not lossy.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.answered > 0
    }
}

/// Who runs the nameserver of that name: the domain that it is in.
///
/// It says `ns1.example.net` and `ns2.example.net` are of `example.net`; what a provider spreads over
/// several domains is several providers here.
#[must_use]
pub fn provider(server: &str) -> &str {
    let bare = server.strip_suffix('.').unwrap_or(server);
    match bare.split_once('.') {
        Some((_, domain)) if domain.contains('.') => domain,
        _ => bare,
    }
}

/// Who was met: those of the `exchanges`, with the names that the hops of `samples` give them. Sorted by
/// how often they were asked.
#[must_use]
pub fn met<'a>(
    exchanges: &[Exchange],
    samples: impl Iterator<Item = &'a Sample>,
) -> Vec<Nameserver> {
    let names = names(samples);
    let mut servers = BTreeMap::<&str, (Nameserver, Vec<f64>)>::new();
    for Exchange { address, took, end } in exchanges {
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

/// What each address is called most often.
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
    use crate::target::{Came, Ending, Hop, Part};
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
        let exchange = |address: &str, millis, end| Exchange {
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
        let hop = |server: &str| Hop {
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
            ending: Ending::Answered,
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
