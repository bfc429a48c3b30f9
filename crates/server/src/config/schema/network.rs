//! `[network]`: what is taken over from the network of this machine.

use std::path::PathBuf;

use serde::Deserialize;
use zoners_dns::{Name, name};

use super::readers::{list, text};
use super::strategy::{PortalProbe, WhenUnvalidated, portal_probes};

/// `[network]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NetworkConfig {
    /// Ask the resolvers of a network for the domains that the network names, and for its private addresses.
    pub use_domains: bool,
    /// Domains of homes, which the router answers; their answers cannot be proven.
    #[serde(deserialize_with = "list")]
    pub home_domains: Vec<Name>,
    /// What to do where a network blocks DNS and its own resolver leaves nothing that can be validated.
    pub when_unvalidated: WhenUnvalidated,
    /// Addresses whose content shows a captive portal; empty to probe none.
    #[serde(deserialize_with = "list")]
    pub portal_probes: Vec<PortalProbe>,
    /// Files of leases of a DHCP server on this machine, whose devices have names; read again when they change.
    pub leases: Vec<PathBuf>,
    /// The domain of these names.
    #[serde(deserialize_with = "text")]
    pub lease_domain: Name,
}

/// The domain that dnsmasq and most routers use.
const LEASE_DOMAIN: &str = "lan";

/// Domains that routers give to devices: of standards (RFC 8375, `internal` of ICANN), names that no registry will
/// delegate, and domains of makers of routers.
const HOME_DOMAINS: &[&str] = &[
    "lan",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "private",
    "corp",
    "localdomain",
    "fritz.box",
    "speedport.ip",
];

impl Default for NetworkConfig {
    fn default() -> Self {
        let home_domains = HOME_DOMAINS.iter().filter_map(|name| name::parse(name).ok()).collect();
        let when_unvalidated = WhenUnvalidated::default();
        let portal_probes = portal_probes();
        let lease_domain = name::parse(LEASE_DOMAIN).unwrap_or_else(|_| name::root());
        NetworkConfig {
            use_domains: true,
            home_domains,
            when_unvalidated,
            portal_probes,
            leases: Vec::new(),
            lease_domain,
        }
    }
}
