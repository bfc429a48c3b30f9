//! `scutil --dns` (macOS): every resolver of the system.

use crate::resolvers::{SystemResolver, server};

/// The heading of the second list: resolvers for programs bound to an interface.
const SCOPED: &str = "DNS configuration (for scoped queries)";
/// The port of servers without a port.
const PORT: u16 = 53;

/// The resolvers in the order of the list: most preferred first, for the same names.
pub(crate) fn resolvers(text: &str) -> Vec<SystemResolver> {
    let text = text.split(SCOPED).next().unwrap_or_default();
    let blocks = text.split("\nresolver #").skip(1);
    blocks.map(|block| resolver(block.lines().skip(1))).collect()
}

/// The lines of a resolver have a key, a colon and a value; keys of lists have a number in brackets. A line without a
/// key belongs to a wrapped value.
fn resolver<'a>(lines: impl Iterator<Item = &'a str>) -> SystemResolver {
    let mut resolver = SystemResolver::default();
    let fields = lines.filter_map(|line| line.split_once(" : "));
    let fields: Vec<(&str, &str)> = fields.map(|(key, value)| (key.trim(), value.trim())).collect();
    let find = |key: &str| fields.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
    let port = find("port").and_then(|port| port.parse().ok()).unwrap_or(PORT);
    for (key, value) in &fields {
        match key.split('[').next().unwrap_or_default() {
            "nameserver" => resolver.servers.extend(server(value, port)),
            "search domain" => resolver.search.push((*value).to_owned()),
            _ => {}
        }
    }
    resolver.domain = find("domain").unwrap_or_default().trim_end_matches('.').to_owned();
    resolver.is_multicast = find("options").is_some_and(|options| options.contains("mdns"));
    // As `13 (utun2)`.
    let interface = find("if_index").and_then(|value| value.split_once('('));
    resolver.interface = interface.map(|(_, name)| name.trim_end_matches(')').to_owned());
    resolver
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A VPN for all names, from github.com/eduvpn/apple/issues/250 (cut).
    const VPN: &str = "\
DNS configuration

resolver #1
  nameserver[0] : 10.83.200.1
  nameserver[1] : fdbf:5677:c5d:e515::1
  if_index : 13 (utun2)
  flags    : Supplemental, Request A records, Request AAAA records
  reach    : 0x00000002 (Reachable)
  order    : 101400

resolver #2
  nameserver[0] : 8.8.8.8
  nameserver[1] : 8.8.4.4
  if_index : 4 (en0)
  flags    : Request A records
  reach    : 0x00000002 (Reachable)
  order    : 200000

resolver #3
  domain   : local
  options  : mdns
  timeout  : 5
  flags    : Request A records
  reach    : 0x00000000 (Not Reachable)
  order    : 300000
";

    /// Without a network, the reach wrapped, and resolvers for scoped queries: from
    /// github.com/Tunnelblick/Tunnelblick/pull/452 (cut).
    const SCOPED_ALONE: &str = "\
DNS configuration

resolver #1
  flags    : Request A records
Not Reachable

resolver #2
  domain   : local
  options  : mdns
  timeout  : 5
  flags    : Request A records
Not Reachable
  order    : 300000

DNS configuration (for scoped queries)

resolver #1
  search domain[0] : openvpn
  nameserver[0] : 8.8.8.8
  nameserver[1] : 8.8.4.4
  if_index : 13 (utun0)
  flags    : Scoped, Request A records
Reachable
";

    /// The form of split DNS: a file of `/etc/resolver` with a port, and a VPN for one domain.
    const SPLIT: &str = "\
DNS configuration

resolver #1
  search domain[0] : lan
  search domain[1] : corp.example
  nameserver[0] : 192.168.1.1
  if_index : 4 (en0)

resolver #2
  domain   : corp.example.
  nameserver[0] : 10.0.0.53
  if_index : 15 (utun4)
  flags    : Supplemental, Request A records
  order    : 102000

resolver #3
  domain   : test
  nameserver[0] : 127.0.0.1
  port     : 5300
";

    /// Tailscale, with a resolver at the order of networks and without an interface: from
    /// github.com/tailscale/tailscale/issues/7590.
    const TAILSCALE: &str = "\
DNS configuration

resolver #1
  search domain[0] : tail8acbc.ts.net
  search domain[1] : tendawifi.com
  nameserver[0] : 100.117.182.1
  flags    : Supplemental, Request A records
  reach    : 0x00000003 (Reachable,Transient Connection)
  order    : 100600

resolver #2
  nameserver[0] : 100.117.182.1
  flags    : Request A records
  reach    : 0x00000003 (Reachable,Transient Connection)
  order    : 200000
";

    fn servers(resolver: &SystemResolver) -> Vec<String> {
        resolver.servers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_resolver_of_a_vpn_comes_before_that_of_the_network() {
        let all = resolvers(VPN);
        assert_eq!(all.len(), 3);
        assert_eq!(servers(&all[0]), ["10.83.200.1:53", "[fdbf:5677:c5d:e515::1]:53"]);
        assert_eq!(all[0].interface.as_deref(), Some("utun2"));
        assert_eq!(servers(&all[1]), ["8.8.8.8:53", "8.8.4.4:53"]);
        assert!(!all[1].is_multicast && all[1].domain.is_empty());
        assert!(all[2].is_multicast && all[2].domain == "local");
    }

    #[test]
    fn resolvers_of_tailscale_have_no_interface() {
        let all = resolvers(TAILSCALE);
        assert_eq!(all.len(), 2);
        for resolver in &all {
            assert_eq!(servers(resolver), ["100.117.182.1:53"]);
            assert!(resolver.interface.is_none() && resolver.domain.is_empty());
        }
    }

    #[test]
    fn resolvers_for_scoped_queries_are_left_out() {
        let all = resolvers(SCOPED_ALONE);
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|resolver| resolver.servers.is_empty()), "{all:?}");
        assert!(
            resolvers("").is_empty() && resolvers("No DNS configuration available\n").is_empty()
        );
    }

    #[test]
    fn a_domain_has_a_resolver_of_its_own() {
        let all = resolvers(SPLIT);
        let split: Vec<(&str, Vec<String>)> =
            all.iter().map(|resolver| (resolver.domain.as_str(), servers(resolver))).collect();
        let expected =
            [("", "192.168.1.1:53"), ("corp.example", "10.0.0.53:53"), ("test", "127.0.0.1:5300")];
        assert_eq!(split, expected.map(|(domain, server)| (domain, vec![server.to_owned()])));
        assert_eq!(all[0].search, ["lan", "corp.example"]);
    }
}
