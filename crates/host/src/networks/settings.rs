//! DNS settings as one source tells them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// DNS settings of a link, or of the machine, as one source tells them. Domains have no dot at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DnsSettings {
    /// The source.
    pub source: FactSource,
    /// The resolvers, in the order in which the system asks.
    pub resolvers: Vec<ResolverAddress>,
    /// Domains appended to short names; their names are for these resolvers, too.
    pub search_domains: Vec<String>,
    /// Domains whose names are for these resolvers and that are not appended (`~corp.example`); the empty domain
    /// stands for all names.
    pub routing_domains: Vec<String>,
    /// Whether names without a domain of their own are for these resolvers, if told.
    pub takes_other_names: Option<bool>,
    /// The domain that DHCP gives this machine.
    pub dhcp_domain: Option<String>,
    /// The DHCP server.
    pub dhcp_server: Option<IpAddr>,
    /// The address of the captive portal's API (RFC 8910).
    pub portal_api: Option<String>,
    /// Prefixes of a NAT64, with their bits (RFC 8781).
    pub nat64_prefixes: Vec<(Ipv6Addr, u8)>,
}

impl DnsSettings {
    /// Settings of a source without any value.
    #[must_use]
    pub fn of(source: FactSource) -> Self {
        DnsSettings { source, ..DnsSettings::default() }
    }

    /// Whether the source says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == DnsSettings::of(self.source)
    }

    /// Whether names without a domain of their own are for these resolvers: as told, else unless there are routing
    /// domains (as systemd-resolved decides).
    #[must_use]
    pub fn serves_other_names(&self) -> bool {
        let all_names = self.routing_domains.iter().any(String::is_empty);
        self.takes_other_names.unwrap_or(all_names || self.routing_domains.is_empty())
    }

    /// Adds domains in the spelling of systemd: `~corp.example` is a routing domain, others are search domains.
    pub(crate) fn add_domains<'a>(&mut self, domains: impl IntoIterator<Item = &'a str>) {
        for domain in domains {
            let (list, domain) = match domain.strip_prefix('~') {
                Some(domain) => (&mut self.routing_domains, domain),
                None => (&mut self.search_domains, domain),
            };
            let domain = domain.trim_end_matches('.').to_ascii_lowercase();
            if !list.contains(&domain) {
                list.push(domain);
            }
        }
        // A name cannot be completed by the root.
        self.search_domains.retain(|domain| !domain.is_empty());
    }
}

/// A resolver that the network names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolverAddress {
    /// Address and port.
    pub address: SocketAddr,
    /// The name of the server for TLS, if told.
    pub tls_name: Option<String>,
}

impl From<SocketAddr> for ResolverAddress {
    fn from(address: SocketAddr) -> Self {
        ResolverAddress { address, tls_name: None }
    }
}

/// A source of DNS settings, best first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum FactSource {
    /// Settings that programs gave systemd-resolved.
    Resolved,
    /// systemd-networkd.
    Networkd,
    /// NetworkManager.
    NetworkManager,
    /// scutil(8) of macOS.
    Scutil,
    /// A record of resolvconf(8).
    Resolvconf,
    /// dhcpcd.
    Dhcpcd,
    /// A lease of DHCP, of systemd-networkd.
    NetworkdLease,
    /// A lease of dhclient.
    Dhclient,
    /// A router advertisement, by the kernel or by systemd-networkd.
    RouterAdvertisement,
    /// The known address of Tailscale's resolver.
    Tailscale,
    /// `/etc/resolv.conf` as it was before Zoners was named there.
    FormerResolvConf,
    /// A file like `/etc/resolv.conf`.
    #[default]
    ResolvConf,
}

impl fmt::Display for FactSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FactSource::Resolved => "systemd-resolved",
            FactSource::Networkd => "systemd-networkd",
            FactSource::NetworkManager => "NetworkManager",
            FactSource::Scutil => "scutil",
            FactSource::Resolvconf => "resolvconf",
            FactSource::Dhcpcd => "dhcpcd",
            FactSource::NetworkdLease => "DHCP (systemd-networkd)",
            FactSource::Dhclient => "DHCP (dhclient)",
            FactSource::RouterAdvertisement => "router advertisement",
            FactSource::Tailscale => "Tailscale",
            FactSource::FormerResolvConf => "resolv.conf before Zoners",
            FactSource::ResolvConf => "resolv.conf",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_with_a_tilde_route_and_are_not_appended() {
        let mut settings = DnsSettings::of(FactSource::Resolved);
        settings.add_domains(["Lan.", "~corp.example", "~.", "lan", "."]);
        assert_eq!(settings.search_domains, ["lan"]);
        assert_eq!(settings.routing_domains, ["corp.example", ""]);
        assert!(!settings.is_empty() && DnsSettings::of(FactSource::Scutil).is_empty());
    }
}
