//! The configuration file as it is written: one struct a table, one field a key.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de};
use zoners_dns::{Name, Prefix, Rtype, Transport, name};
use zoners_resolver::{Glue, Limits};

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Where clients reach us.
    pub server: Server,
    /// How questions are resolved.
    pub resolver: Resolver,
    /// What is remembered, and for how long.
    pub cache: Cache,
    /// Where work stops.
    pub limits: Limits,
    /// Signatures.
    pub dnssec: Dnssec,
    /// Names answered without asking anyone.
    pub local: Local,
    /// Zones asked of given resolvers.
    pub forward: Vec<Route>,
    /// Zones asked of given authoritative servers.
    pub stub: Vec<Route>,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Server {
    /// Addresses and ports, for UDP and TCP. Without it, port 53 of this machine alone.
    pub listen: Option<Vec<SocketAddr>>,
    /// The control socket's file; empty for none. Without it, one in the folder that the system
    /// gives a service.
    pub control: Option<PathBuf>,
    /// A folder that the daemon may write to, for what must survive a restart. Without it, the one
    /// that a service manager gives.
    pub state: Option<PathBuf>,
    /// The user to become once the addresses are had, if started as root.
    pub user: Option<String>,
    /// Worker threads.
    #[serde(deserialize_with = "threads")]
    pub threads: usize,
    /// Prefixes of clients that are served.
    #[serde(deserialize_with = "prefixes")]
    pub allow: Vec<Prefix>,
    /// What others get.
    pub refuse: Refuse,
    /// Queries that may wait for others at a time, in all.
    pub waiting: usize,
    /// Of these, of one client (an IPv4 address, an IPv6 /64); ten times as many if its address is
    /// certain.
    pub waiting_per_client: usize,
    /// Queries that one client may send a second over UDP without a cookie; 0 for no limit.
    pub queries_per_second: u32,
    /// Prefixes whose clients ask as fast as they like.
    #[serde(deserialize_with = "prefixes")]
    pub unlimited: Vec<Prefix>,
    /// What the type ANY gets.
    pub any: Any,
    /// Told to who asks for `version.bind` or `version.server`.
    pub version: Option<String>,
    /// Told to who asks for `id.server` or `hostname.bind`.
    pub identity: Option<String>,
}

/// Loopback, private and link-local prefixes: clients that a router does not bring from afar.
const NEARBY: &[&str] = &[
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

fn nearby() -> Vec<Prefix> {
    NEARBY.iter().filter_map(|prefix| prefix.parse().ok()).collect()
}

impl Default for Server {
    fn default() -> Self {
        Server {
            listen: None,
            control: None,
            state: None,
            user: None,
            threads: 1,
            allow: nearby(),
            refuse: Refuse::Refused,
            waiting: 16_384,
            waiting_per_client: 1000,
            queries_per_second: 100,
            unlimited: nearby(),
            any: Any::Minimal,
            version: None,
            identity: None,
        }
    }
}

/// `server.refuse`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refuse {
    /// REFUSED, with the reason.
    Refused,
    /// Nothing.
    Drop,
}

/// `server.any`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Any {
    /// A word instead of all records (RFC 8482).
    Minimal,
    /// Whatever the zone's server gives.
    Full,
}

/// `[resolver]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Resolver {
    /// A file of NS, A and AAAA records; without it the built-in root servers are asked.
    pub root_hints: Option<PathBuf>,
    /// Ask the root servers for their own names.
    pub priming: bool,
    /// Show servers no more of a name than they must see.
    pub qname_minimisation: bool,
    /// The type of shortened questions.
    pub qname_minimisation_type: MinimisedType,
    /// Which addresses of a referral are believed.
    pub glue: Glue,
    /// Ask over IPv4.
    pub ipv4: bool,
    /// Ask over IPv6.
    pub ipv6: bool,
    /// Look up addresses of nameservers before they are needed.
    pub speculative_lookups: bool,
    /// What goes with a positive answer.
    pub answers: Answers,
    /// Prefixes in which no server is asked.
    #[serde(deserialize_with = "prefixes")]
    pub never_ask: Vec<Prefix>,
}

impl Default for Resolver {
    fn default() -> Self {
        let never_ask = zoners_resolver::settings::NEVER_ASK;
        Resolver {
            root_hints: None,
            priming: true,
            qname_minimisation: true,
            qname_minimisation_type: MinimisedType::A,
            glue: Glue::Sibling,
            ipv4: true,
            ipv6: true,
            speculative_lookups: false,
            answers: Answers::Minimal,
            never_ask: never_ask.iter().filter_map(|prefix| prefix.parse().ok()).collect(),
        }
    }
}

/// `resolver.qname-minimisation-type`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum MinimisedType {
    /// Looks like any other question; the one that RFC 9156 recommends.
    A,
    /// The older custom.
    #[serde(rename = "NS")]
    Ns,
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
    /// The zone's servers and their addresses too, where they came along.
    Full,
}

/// `[cache]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Cache {
    /// The most memory that it takes.
    pub size: Size,
    /// No TTL counts for less, in seconds.
    pub ttl_floor: u32,
    /// No TTL counts for more, in seconds.
    pub ttl_cap: u32,
    /// No denial counts for more, in seconds.
    pub negative_ttl_cap: u32,
}

impl Default for Cache {
    fn default() -> Self {
        let zoners_cache::TtlLimits { floor, cap, negative_cap } = Default::default();
        Cache {
            size: Size(128 << 20),
            ttl_floor: floor,
            ttl_cap: cap,
            negative_ttl_cap: negative_cap,
        }
    }
}

/// A number of octets, written as `"64MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let unit = match text[digits.len()..].trim() {
            "KiB" => 1usize << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => 0,
        };
        let octets = digits.parse().ok().and_then(|count: usize| count.checked_mul(unit));
        match octets {
            Some(octets) if octets >= 1 << 20 => Ok(Size(octets)),
            _ => Err(de::Error::custom(format!(
                "`{text}` is no size: a whole number and KiB, MiB or GiB, at least \"1MiB\""
            ))),
        }
    }
}

/// `[dnssec]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Dnssec {
    /// Prove answers where they can be proven.
    pub validate: bool,
    /// A file of DS or DNSKEY records, of the root or of zones below; without it the built-in ones
    /// of the root count.
    pub trust_anchor: Option<PathBuf>,
    /// Zones that are taken as they come, although they may be signed (RFC 7646).
    #[serde(deserialize_with = "zones")]
    pub negative_trust_anchors: Vec<Name>,
    /// Seconds by which our clock and that of signers may differ.
    pub skew: u32,
    /// Follow the root's keys from one rollover to the next (RFC 5011); needs a state folder.
    pub follow_rollovers: bool,
    /// Tell the root servers which of their keys are trusted (RFC 8145).
    pub signal_anchors: bool,
    /// Tell users by sentinel names which of the root's keys are trusted (RFC 8509).
    pub sentinel: bool,
    /// Names that are taken as they come while our clock is wrong, so that it can be set.
    #[serde(deserialize_with = "zones")]
    pub time_servers: Vec<Name>,
    /// The time that signatures are held against, in seconds since 1970, instead of now.
    pub date: Option<u64>,
}

/// Where machines commonly get the time from.
const TIME_SERVERS: &[&str] = &[
    "pool.ntp.org",
    "time.apple.com",
    "time.windows.com",
    "time.google.com",
    "time.cloudflare.com",
    "ntp.ubuntu.com",
];

impl Default for Dnssec {
    fn default() -> Self {
        Dnssec {
            validate: true,
            trust_anchor: None,
            negative_trust_anchors: Vec::new(),
            skew: 300,
            follow_rollovers: true,
            signal_anchors: false,
            sentinel: true,
            time_servers: TIME_SERVERS.iter().filter_map(|name| name::parse(name).ok()).collect(),
            date: None,
        }
    }
}

/// `[local]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Local {
    /// Records in zone-file syntax, answered before anything else.
    pub records: Vec<String>,
    /// A hosts file, read again when it changes.
    pub hosts: Option<PathBuf>,
    /// Which special-use names (RFC 6761) are answered here.
    pub special_use: SpecialUse,
}

/// `[local.special-use]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SpecialUse {
    /// `localhost.` is 127.0.0.1 and ::1 (RFC 6761 section 6.3).
    pub localhost: bool,
    /// `invalid.` does not exist (RFC 6761 section 6.4).
    pub invalid: bool,
    /// `test.` does not exist (RFC 6761 section 6.2).
    pub test: bool,
    /// `onion.` does not exist (RFC 7686).
    pub onion: bool,
    /// `local.` does not exist here: it belongs to multicast DNS (RFC 6762).
    pub local: bool,
    /// `home.arpa.` does not exist unless a route leads there (RFC 8375).
    pub home_arpa: bool,
    /// `resolver.arpa.` does not exist (RFC 9462 section 6.5).
    pub resolver_arpa: bool,
    /// Reverse zones of private, loopback, link-local and documentation addresses (RFC 6303).
    pub private_reverse: bool,
}

impl Default for SpecialUse {
    fn default() -> Self {
        SpecialUse {
            localhost: true,
            invalid: true,
            test: true,
            onion: true,
            local: true,
            home_arpa: true,
            resolver_arpa: true,
            private_reverse: true,
        }
    }
}

/// `[[forward]]` and `[[stub]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Route {
    /// The zone; all names within it go this way.
    #[serde(deserialize_with = "zone")]
    pub zone: Name,
    /// The servers, each an address or address and port.
    #[serde(deserialize_with = "servers")]
    pub servers: Vec<SocketAddr>,
    /// How they are asked first.
    #[serde(default)]
    pub transport: Transport,
    /// Hold the answers against the chain of trust from above; most private zones have none. The
    /// root zone's always are.
    #[serde(default)]
    pub validate: bool,
}

fn zones<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Name>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| name::parse(text).map_err(de::Error::custom)).collect()
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
    name::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn servers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts.is_empty() {
        return Err(de::Error::custom("at least one server is needed"));
    }
    let server = |text: &String| {
        let bare = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
        bare.or_else(|_| text.parse::<SocketAddr>()).map_err(|_| {
            let example = "192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353";
            de::Error::custom(format!("`{text}` is no server: write {example}"))
        })
    };
    texts.iter().map(server).collect()
}

fn prefixes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Prefix>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(de::Error::custom)).collect()
}

fn threads<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        threads @ 1..=256 => Ok(threads),
        other => Err(de::Error::custom(format!("{other} is not between 1 and 256 threads"))),
    }
}
