//! `[resolver]`: how questions are resolved.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use zoners_dns::edns::UDP_PAYLOAD_SIZE;
use zoners_dns::{Prefix, Rtype};
use zoners_resolver::Glue;

use super::readers::{TextValue, list, octets, some_list};
use super::route::servers;

/// `[resolver]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ResolverConfig {
    /// A file of NS, A and AAAA records; without a file the built-in root servers are asked.
    pub root_hints: Option<PathBuf>,
    /// Ask the root servers for their own names.
    pub priming: bool,
    /// Show servers no more of a name than needed (QNAME minimisation).
    pub qname_minimisation: bool,
    /// The type of shortened questions.
    pub qname_minimisation_type: MinimisedType,
    /// Ask the root and top-level domains for A in place of AAAA and HTTPS.
    pub share_referrals: bool,
    /// Where a copy of the root zone comes from, which is asked in place of the root servers (RFC 8806).
    pub local_root: LocalRoot,
    /// The file with the root zone, for [`LocalRoot::File`].
    pub local_root_file: Option<PathBuf>,
    /// The servers from which the root zone is transferred; without the key, those of RFC 8806.
    #[serde(deserialize_with = "some_servers")]
    pub local_root_primaries: Option<Vec<SocketAddr>>,
    /// Which addresses of a referral are believed.
    pub glue: Glue,
    /// Ask over IPv4.
    pub ipv4: bool,
    /// Ask over IPv6.
    pub ipv6: bool,
    /// Source addresses of queries. For a family without an address, the system chooses.
    #[serde(deserialize_with = "list")]
    pub source_addresses: Vec<IpAddr>,
    /// The UDP payload size told to servers, in octets.
    #[serde(deserialize_with = "udp_size")]
    pub edns_udp_size: u16,
    /// A file of certificate authorities (PEM) that servers over TLS, HTTPS or QUIC are proven by; without the
    /// key, those of the system.
    pub ca_file: Option<PathBuf>,
    /// Encrypt queries to authorities that turn out to speak TLS (RFC 9539).
    pub opportunistic_tls: bool,
    /// Show servers cookies, and look for theirs in replies.
    pub cookies: bool,
    /// Write names in random case, and compare the case in replies.
    pub randomise_case: bool,
    /// Probe the last responsive server for the state of the uplink, when no server responds.
    pub probe_uplink: bool,
    /// Look up addresses of nameservers in advance.
    pub speculative_lookups: bool,
    /// The records besides a positive answer.
    pub answers: Answers,
    /// Prefixes in which no server is asked, unless the file names the server. By default, the prefixes in which no
    /// public server can be ([`zoners_resolver::NEVER_ASK`]).
    #[serde(deserialize_with = "some_list")]
    pub never_ask: Option<Vec<Prefix>>,
}

impl Default for ResolverConfig {
    fn default() -> Self {
        ResolverConfig {
            root_hints: None,
            priming: true,
            qname_minimisation: true,
            qname_minimisation_type: MinimisedType::A,
            share_referrals: true,
            local_root: LocalRoot::Off,
            local_root_file: None,
            local_root_primaries: None,
            glue: Glue::Sibling,
            ipv4: true,
            ipv6: true,
            source_addresses: Vec::new(),
            edns_udp_size: UDP_PAYLOAD_SIZE,
            ca_file: None,
            opportunistic_tls: true,
            cookies: true,
            randomise_case: false,
            probe_uplink: true,
            speculative_lookups: false,
            answers: Answers::Minimal,
            never_ask: None,
        }
    }
}

impl ResolverConfig {
    /// Whether queries to one server leave from varying addresses.
    pub(in crate::config) fn draws_sources(&self) -> bool {
        let of = |ipv4| self.source_addresses.iter().filter(|from| from.is_ipv4() == ipv4).count();
        of(true) > 1 || of(false) > 1
    }
}

/// `resolver.qname-minimisation-type`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum MinimisedType {
    /// Looks like any other question; recommended by RFC 9156.
    A,
    /// The older custom.
    #[serde(rename = "NS")]
    Ns,
}

/// `resolver.local-root`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalRoot {
    /// There is none: the root servers are asked.
    Off,
    /// Transferred from servers, and verified.
    Transfer,
    /// Read from a file, and verified.
    File,
}

impl From<MinimisedType> for Rtype {
    fn from(rtype: MinimisedType) -> Self {
        match rtype {
            MinimisedType::A => Rtype::A,
            MinimisedType::Ns => Rtype::NS,
        }
    }
}

/// `resolver.answers`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answers {
    /// The answer section alone.
    Minimal,
    /// The nameservers of the zone and their addresses too, where the reply has them.
    Full,
}

/// An address of `resolver.source-addresses`.
impl TextValue for IpAddr {
    const ALLOWED: &'static str =
        "an IP address that a query can leave from, such as \"192.0.2.1\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|ip: &IpAddr| !ip.is_unspecified() && !ip.is_multicast())
    }
}

fn some_servers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<SocketAddr>>, D::Error> {
    servers(deserializer).map(Some)
}

fn udp_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    octets(deserializer, 512..=4096).map(|size| size as u16)
}
