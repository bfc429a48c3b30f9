//! The NAT64 of a network without IPv4: announced by a router (RFC 8781), or told by the network's resolver
//! (RFC 7050), and laid over the configuration, so that DNS64 makes addresses with its prefix.

use std::net::IpAddr;
use std::time::Duration;

use zoners_dns::nat64::DISCOVERY_NAME;
use zoners_dns::{Moment, Nat64Prefix, Network, Prefix, Question, Rtype, name};
use zoners_host::networks::{LinkFacts, NetworkFacts};
use zoners_resolver::Resolver;

use crate::config::ConfigOverlay;

/// The profile of the overlay.
pub(super) const PROFILE: &str = "nat64";
/// The pause before the network's resolver is asked again: a link that has just come up may lose the first question …
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// … and a network that has no NAT64 gets none later. Each pause is twice the one before.
const MAX_PAUSE: Duration = Duration::from_secs(64);

/// The search for the NAT64 of the present network.
#[derive(Debug, Default)]
pub(super) struct Nat64Search {
    prefix: Option<Nat64Prefix>,
    /// Whether the network has no IPv4 and announces no prefix, so that its resolver has to be asked.
    asks: bool,
    next: Option<Moment>,
    /// The last pause.
    pause: Duration,
}

impl Nat64Search {
    /// Looks at the present network, where packets leave from these addresses. A search that is under way goes on,
    /// unless the machine has `moved`.
    pub(super) fn network_changed(
        &mut self,
        facts: &NetworkFacts,
        [ipv4, ipv6]: [Option<IpAddr>; 2],
        moved: bool,
    ) {
        if ipv4.is_some() || ipv6.is_none() || moved {
            *self = Nat64Search::default();
        }
        if ipv4.is_some() || ipv6.is_none() {
            return;
        }
        let announced = facts.links.iter().flat_map(LinkFacts::nat64_prefixes);
        let mut legal =
            announced.filter_map(|(ip, bits)| Nat64Prefix::new(Prefix::of(ip.into(), bits)));
        match legal.next() {
            Some(prefix) if self.prefix != Some(prefix) => {
                (self.prefix, self.asks) = (Some(prefix), false);
                self.log();
            }
            Some(_) => {}
            None => self.asks = true,
        }
    }

    fn log(&self) {
        if let Some(prefix) = self.prefix {
            tracing::info!(
                "network: no IPv4 here: addresses are made with the NAT64 prefix {prefix}"
            );
        }
    }

    /// Whether the network's resolver is to be asked now.
    pub(super) fn is_due(&mut self, now: Moment) -> bool {
        let is_due = self.asks && self.prefix.is_none() && self.next.is_none_or(|at| at <= now);
        if is_due {
            self.pause = (self.pause * 2).clamp(MIN_PAUSE, MAX_PAUSE);
            self.next = Some(now.after(self.pause));
        }
        is_due
    }

    /// Takes in the answer of the network's resolver.
    pub(super) fn take(&mut self, found: Option<Nat64Prefix>) {
        if self.asks && self.prefix.is_none() {
            self.prefix = found;
            self.log();
        }
    }

    /// The overlay with the prefix, if there is one.
    pub(super) fn overlay(&self) -> Option<ConfigOverlay> {
        let text = format!("[dns64]\nprefix = \"{}\"\n", self.prefix?);
        ConfigOverlay::parse(PROFILE, &text).ok()
    }
}

/// Asks the network's resolver for the prefix.
pub(super) async fn discover<N: Network>(resolver: &Resolver<N>) -> Option<Nat64Prefix> {
    let question = Question::new(name::parse(DISCOVERY_NAME).ok()?, Rtype::AAAA);
    let answer = resolver.resolve(&question, None).await.ok()?;
    let addresses = answer.answer.iter().flat_map(|set| set.addresses());
    Nat64Prefix::discovered(addresses.filter_map(|address| match address {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::sync::Arc;
    use zoners_host::networks::DnsSettings;

    const IPV6_ALONE: [Option<IpAddr>; 2] = [None, Some(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST))];
    const BOTH: [Option<IpAddr>; 2] =
        [Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)), IPV6_ALONE[1]];

    fn announcing(prefix: &str) -> NetworkFacts {
        let nat64_prefixes = vec![(prefix.parse().unwrap(), 96)];
        let settings = vec![DnsSettings { nat64_prefixes, ..DnsSettings::default() }];
        NetworkFacts {
            links: vec![LinkFacts { settings, ..LinkFacts::default() }],
            ..NetworkFacts::default()
        }
    }

    fn prefix_in_force(search: &Nat64Search, file: &str) -> Option<String> {
        let overlays: Vec<_> = search.overlay().into_iter().map(Arc::new).collect();
        let config = Config::parse(file, "zoners.toml").unwrap().overlaid(&overlays).unwrap();
        config.nat64_prefix().map(|prefix| prefix.to_string())
    }

    #[test]
    fn an_announced_prefix_is_in_force_on_a_network_without_ipv4() {
        let (mut search, facts) = (Nat64Search::default(), announcing("2001:db8:64::"));
        search.network_changed(&facts, BOTH, true);
        assert_eq!(prefix_in_force(&search, ""), None, "IPv4 works by itself");
        search.network_changed(&facts, IPV6_ALONE, false);
        assert_eq!(prefix_in_force(&search, "").as_deref(), Some("2001:db8:64::/96"));
        assert!(!search.is_due(Moment::from_millis(1)), "nothing has to be asked");
        search.network_changed(&facts, BOTH, false);
        assert_eq!(search.overlay(), None, "the network has IPv4 again");
    }

    #[test]
    fn the_resolver_is_asked_with_growing_pauses_until_it_knows_a_prefix() {
        let (mut search, facts) = (Nat64Search::default(), NetworkFacts::default());
        let start = Moment::from_millis(1);
        assert!(!search.is_due(start));
        search.network_changed(&facts, IPV6_ALONE, true);
        let asked = (0..640).filter(|second| search.is_due(start.after(MIN_PAUSE * *second)));
        assert_eq!(asked.count(), 7 + (640 - 63) / 64, "after 0, 1, 3, 7 … 63 s, then every 64 s");
        search.take(None);
        assert!(search.is_due(start.after(MAX_PAUSE * 99)));
        search.take(Some(Nat64Prefix::WELL_KNOWN));
        assert_eq!(prefix_in_force(&search, "").as_deref(), Some("64:ff9b::/96"));
        search.network_changed(&facts, IPV6_ALONE, false);
        assert!(!search.is_due(start.after(MAX_PAUSE * 999)), "the same network");
        search.network_changed(&facts, IPV6_ALONE, true);
        assert_eq!(search.overlay(), None);
        assert!(search.is_due(start.after(MAX_PAUSE * 999)), "another network");
    }
}
