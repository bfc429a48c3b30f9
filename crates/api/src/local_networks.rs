//! The networks of the machine: links, their resolvers and domains, and the zones for which the resolvers are asked.

use serde::{Deserialize, Serialize};

use crate::StrategyReport;

/// The networks of the machine. Words for kinds, sources and reasons are lower case with hyphens; later releases may
/// have further words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LocalNetworks {
    /// The identifier of the network with the default route, in 32 hexadecimal digits: the same on each visit, and
    /// different on each machine. `None` without a network, before the router is known, and without a daemon.
    pub network: Option<String>,
    /// How questions become answers on this network; `None` without a daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<StrategyReport>,
    /// The links that are up.
    pub links: Vec<LinkReport>,
    /// The default routes, preferred first.
    pub default_routes: Vec<DefaultRouteReport>,
    /// Settings of the machine as a whole.
    pub machine: Vec<DnsSettingsReport>,
    /// The zones that resolvers of networks answer.
    pub routes: Vec<NetworkRouteReport>,
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LinkReport {
    /// The name of the interface.
    pub name: String,
    /// The number of the interface.
    pub index: u32,
    /// `ethernet`, `wireless`, `mobile`, `tunnel`, `bridge`, `loopback` or `unknown`.
    pub kind: String,
    /// The addresses of the machine, each with the bits of its prefix, as `192.0.2.5/24`.
    pub addresses: Vec<String>,
    /// The routers of default routes.
    pub gateways: Vec<String>,
    /// DNS settings, best source first.
    pub dns: Vec<DnsSettingsReport>,
    /// The domain that DHCP gives the machine.
    pub dhcp_domain: Option<String>,
    /// The DHCP server.
    pub dhcp_server: Option<String>,
    /// The address of the captive portal's API (RFC 8910).
    pub portal_api: Option<String>,
    /// Prefixes of a NAT64 (RFC 8781).
    pub nat64_prefixes: Vec<String>,
}

/// A default route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DefaultRouteReport {
    /// The name of the link.
    pub link: String,
    /// The router; `None` on a line to one machine.
    pub gateway: Option<String>,
    /// The metric.
    pub metric: u32,
}

/// DNS settings as one source tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DnsSettingsReport {
    /// The source, such as `systemd-resolved` or `dhclient`.
    pub source: String,
    /// Whether these settings count; others of the link are of lesser sources.
    pub in_use: bool,
    /// The resolvers, each an address with a port and, if told, `#` and the name for TLS.
    pub resolvers: Vec<String>,
    /// Domains appended to short names.
    pub search_domains: Vec<String>,
    /// Domains that are for these resolvers and are not appended; `.` stands for all names.
    pub routing_domains: Vec<String>,
    /// Whether names without a domain of their own are for these resolvers.
    pub takes_other_names: bool,
}

/// A zone that resolvers of a network answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkRouteReport {
    /// The zone, with every name below.
    pub zone: String,
    /// The resolvers.
    pub servers: Vec<String>,
    /// The link of the resolvers, with which the route comes and goes.
    pub link: String,
    /// Why the zone is for these resolvers: `vpn`, `vpn-reverse`, `dhcp-domain`, `home-domain` or `reverse`.
    pub reason: String,
    /// Whether answers must be proven from the root down.
    pub validate: bool,
}
