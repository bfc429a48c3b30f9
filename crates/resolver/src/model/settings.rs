//! What the resolver is told: how to behave, and where to stop.

mod never_ask;

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use zoners_dns::{Delegation, Name, Rtype, name};
use zoners_dnssec::chain::Ds;
use zoners_dnssec::dnskey::Dnskey;

pub use never_ask::{NEVER_ASK, NeverAsk, never_ask};

/// Which addresses of nameservers are taken from a referral.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Glue {
    /// Of names within the delegated zone alone.
    InDomain,
    /// Also of names within the zone that refers.
    #[default]
    Sibling,
    /// Of any name. Lets a parent forge addresses of foreign names.
    Any,
}

/// How the resolver behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The root servers.
    pub root: Delegation,
    /// Zones that the configuration sends to given servers, stubs and forwarders.
    pub routes: Vec<Delegation>,
    /// Ask the root servers for their own names before trusting the hints for long (RFC 9609).
    pub priming: bool,
    /// Show each server no more of a name than it must see (RFC 9156).
    pub minimise: bool,
    /// The type of shortened questions.
    pub minimised_type: Rtype,
    /// Ask the root and top-level domains for A in place of AAAA and HTTPS, so that all questions that
    /// a browser has for a name share the referral.
    pub share_referrals: bool,
    /// Ask the server that answered last for something when none does any more, to tell dead servers from a dead
    /// line of our own.
    pub probe_uplink: bool,
    /// The UDP payload size that servers are told, in octets (RFC 6891 section 6.2.3).
    pub udp_payload_size: u16,
    /// Show servers cookies, and look for them in their replies (RFC 7873).
    pub cookies: bool,
    /// Write the letters of names large and small at random, and look for that in replies.
    pub randomise_case: bool,
    /// Which glue is believed.
    pub glue: Glue,
    /// Ask over IPv4.
    pub ipv4: bool,
    /// Ask over IPv6.
    pub ipv6: bool,
    /// Look up addresses of nameservers that are not needed yet.
    pub speculative_lookups: bool,
    /// Give the authority and additional sections of positive answers along.
    pub full_answers: bool,
    /// Addresses that no server of the public tree has.
    pub never_ask: NeverAsk,
    /// Where chains of trust begin; empty where nothing is validated.
    pub anchors: Vec<Anchor>,
    /// Zones that are taken as they come, although they may be signed (RFC 7646).
    pub negative_anchors: Vec<Name>,
    /// Seconds by which our clock and that of signers may differ.
    pub skew: u32,
    /// Tell users by sentinel names which of the root's keys are trusted (RFC 8509).
    pub sentinel: bool,
    /// Names that are taken as they come while the clock is wrong: those of time servers, which can
    /// set it.
    pub time_servers: Vec<Name>,
    /// The time that signatures are held against, in seconds since 1970, instead of the clock's.
    pub validation_date: Option<u64>,
    /// Report failures of validation to the agent that the zone's servers name (RFC 9567).
    pub report_failures: bool,
    /// Refresh what is popular before it expires.
    pub prefetch: bool,
    /// Where to stop.
    pub limits: Limits,
}

/// A zone whose keys are known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its apex.
    pub zone: Name,
    /// Digests of its keys.
    pub ds: Vec<Ds>,
    /// Its keys themselves.
    pub keys: Vec<Dnskey>,
}

/// Where the resolver stops. Each limit has a counter that says how often it was met. The keys of
/// the configuration's `[limits]` are these fields; times are set by its `[timeouts]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Queries sent for one client query, whatever for.
    pub queries: u32,
    /// Queries sent for one question, its nameserver look-ups not counted.
    pub queries_per_question: u32,
    /// Queries sent beside others for one client query, because those were late or to meet a
    /// server, that do not count against these.
    #[serde(rename = "hedges")]
    pub retries: u32,
    /// Octets received for one client query.
    pub bytes: u64,
    /// TCP queries sent for one client query.
    pub tcp: u32,
    /// Nameserver addresses looked up for one client query.
    pub lookups: u32,
    /// Nameserver addresses looked up to ask one zone.
    pub lookups_per_zone: u32,
    /// Of these, how many may end without an address before the zone is given up.
    pub empty_lookups: u32,
    /// Nameserver look-ups under way at once for one zone.
    pub lookups_at_once: usize,
    /// Nameserver look-ups inside nameserver look-ups.
    pub depth: u8,
    /// CNAME and DNAME records followed.
    pub aliases: usize,
    /// Questions sent down one name: referrals and shortened names together.
    pub steps: u32,
    /// Nameserver names kept of one delegation.
    #[serde(rename = "nameservers")]
    pub servers: usize,
    /// Nameserver names in play at a time.
    #[serde(rename = "nameservers-in-play")]
    pub servers_in_play: usize,
    /// Addresses kept of one nameserver name.
    #[serde(rename = "addresses-per-nameserver")]
    pub addresses_per_server: usize,
    /// Distinct addresses asked for one question.
    pub addresses: usize,
    /// Signatures verified for one client query.
    pub verifications: u32,
    /// Of these, for one reply.
    pub verifications_per_reply: u32,
    /// Signatures that did not fit, after which no more are verified for the client query.
    pub failed_verifications: u32,
    /// Blocks of SHA-1 hashed for NSEC3 proofs for one client query.
    pub hash_blocks: u32,
    /// Labels below a signed zone that are asked for DS records to find an unsigned one.
    pub ds_labels: usize,
    /// Recursions pending in one worker.
    pub pending: usize,
    /// Queries under way at one server of which nothing more is known: more where it answers, fewer
    /// where it does not. 0: as many as there are.
    pub queries_per_server: u32,
    /// Questions under way at one zone, in the same way.
    pub questions_per_zone: u32,
    /// Queries saved up that may be sent beside others to meet unknown servers; each query that
    /// must be sent earns an eighth of one. 0: none is ever sent.
    #[serde(rename = "probe-budget")]
    pub spare: u32,
    /// Losers of races that live on in one worker.
    #[serde(rename = "stragglers")]
    pub nursery: usize,
    /// Answers that were refreshed before they expired and not asked for since.
    pub prefetched: usize,
    /// The longest that one query is waited for.
    #[serde(skip)]
    pub exchange: Duration,
    /// The longest that the servers of one zone are tried for one question.
    #[serde(skip)]
    pub race: Duration,
    /// The longest that work for one client query goes on.
    #[serde(skip)]
    pub wall: Duration,
    /// A client has its answer, or a failure, after this.
    #[serde(skip)]
    pub client: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            queries: 50,
            queries_per_question: 40,
            retries: 50,
            bytes: 128 * 1024,
            tcp: 16,
            lookups: 32,
            lookups_per_zone: 16,
            empty_lookups: 12,
            lookups_at_once: 3,
            depth: 6,
            aliases: 11,
            steps: 27,
            servers: 20,
            servers_in_play: 13,
            addresses_per_server: 6,
            addresses: 30,
            verifications: 48,
            verifications_per_reply: 16,
            failed_verifications: 4,
            hash_blocks: 2000,
            ds_labels: 20,
            pending: 2048,
            queries_per_server: 512,
            questions_per_zone: 1024,
            spare: 64,
            nursery: 256,
            prefetched: 256,
            exchange: Duration::from_secs(3),
            race: Duration::from_millis(4500),
            wall: Duration::from_secs(8),
            client: Duration::from_millis(4900),
        }
    }
}

impl Settings {
    /// The defaults with the given root servers.
    #[must_use]
    pub fn new(root: Delegation) -> Self {
        Settings {
            never_ask: never_ask(&root).into_iter().collect(),
            root,
            routes: Vec::new(),
            priming: true,
            minimise: true,
            minimised_type: Rtype::A,
            share_referrals: true,
            probe_uplink: true,
            udp_payload_size: zoners_dns::edns::UDP_PAYLOAD_SIZE,
            cookies: true,
            randomise_case: false,
            glue: Glue::default(),
            ipv4: true,
            ipv6: true,
            speculative_lookups: false,
            full_answers: false,
            anchors: Vec::new(),
            negative_anchors: Vec::new(),
            skew: 300,
            sentinel: true,
            time_servers: Vec::new(),
            validation_date: None,
            report_failures: false,
            prefetch: true,
            limits: Limits::default(),
        }
    }

    /// The stub or forwarder that `name` is sent to, the deepest if several match.
    #[must_use]
    pub fn route(&self, name: &Name) -> Option<&Delegation> {
        let matching = self.routes.iter().filter(|route| name::is_within(name, &route.zone));
        matching.max_by_key(|route| name::depth(&route.zone))
    }

    /// Whether a query may be sent to `address`, which a referral or look-up gave. What the configuration
    /// names, or the settings of the network that a route was made of, is asked wherever it lies.
    #[must_use]
    pub fn may_ask(&self, address: IpAddr) -> bool {
        self.has_family(address)
            && (!self.never_ask.contains(address) || self.is_configured(address))
    }

    /// Whether a server at `address` lies beyond the local network, and no stub or forwarder names it.
    pub(crate) fn is_foreign(&self, address: IpAddr) -> bool {
        let of_root = || has_address(&self.root, address);
        let near = self.never_ask.contains(address) && !of_root();
        !near && !self.routes.iter().any(|route| has_address(route, address))
    }

    /// Whether the address's family is in use.
    #[must_use]
    pub fn has_family(&self, address: IpAddr) -> bool {
        if address.is_ipv4() { self.ipv4 } else { self.ipv6 }
    }

    /// Whether the configuration itself names the address: then it is asked wherever it lies.
    fn is_configured(&self, address: IpAddr) -> bool {
        self.routes.iter().chain([&self.root]).any(|delegation| has_address(delegation, address))
    }
}

fn has_address(delegation: &Delegation, address: IpAddr) -> bool {
    let mut addresses = delegation.servers.iter().flat_map(|server| &server.addresses);
    addresses.any(|known| known.ip() == address)
}
