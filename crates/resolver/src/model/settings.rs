//! Settings of the resolver: behaviour and limits.

mod dns64;
mod never_ask;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use zoners_dns::{Delegation, Name, Rtype, ZoneCopies, name};
use zoners_dnssec::chain::Ds;
use zoners_dnssec::dnskey::Dnskey;

pub use dns64::Dns64;
pub use never_ask::{NEVER_ASK, NeverAsk, never_ask};

/// Which addresses of nameservers are taken from a referral.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Glue {
    /// Of names within the delegated zone alone.
    InDomain,
    /// Also of names within the delegating zone.
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
    /// Zones that the configuration sends to given servers: stubs and forwarders.
    pub routes: Vec<Delegation>,
    /// Zones of routes that come and go with a network, and zones with a copy here: their answers are not shared with
    /// other nodes, and no reason to refuse a stored cache.
    pub network_zones: Vec<Name>,
    /// Copies of zones, which answer in place of the servers of the zones.
    pub zone_copies: Option<Arc<dyn ZoneCopies>>,
    /// Ask the root servers for their own names before trusting the hints for long (RFC 9609).
    pub priming: bool,
    /// QNAME minimisation (RFC 9156).
    pub minimise: bool,
    /// The type of shortened questions.
    pub minimised_type: Rtype,
    /// Ask the root and top-level domains for A in place of AAAA and HTTPS, so that the questions
    /// of a browser about a name share the referral.
    pub share_referrals: bool,
    /// If no server replies any more, ask the last responder for the root servers, to tell dead
    /// servers from an offline uplink.
    pub probe_uplink: bool,
    /// The UDP payload size advertised to servers, in octets (RFC 6891 section 6.2.3).
    pub udp_payload_size: u16,
    /// Send cookies to servers, and expect them in replies (RFC 7873).
    pub cookies: bool,
    /// Encrypt queries to authorities that turn out to speak TLS (RFC 9539).
    pub opportunistic_tls: bool,
    /// Randomise the case of names in queries, and expect the same in replies (0x20).
    pub randomise_case: bool,
    /// Which glue is believed.
    pub glue: Glue,
    /// Ask over IPv4.
    pub ipv4: bool,
    /// Ask over IPv6.
    pub ipv6: bool,
    /// Look up addresses of nameservers before they are needed.
    pub speculative_lookups: bool,
    /// Give the authority and additional sections of positive answers along.
    pub full_answers: bool,
    /// Addresses that no server of the public tree has.
    pub never_ask: NeverAsk,
    /// Where chains of trust begin; empty where nothing is validated.
    pub anchors: Vec<Anchor>,
    /// Negative trust anchors: zones that are not validated (RFC 7646).
    pub negative_anchors: Vec<Name>,
    /// The allowed difference between our clock and that of signers, in seconds.
    pub skew: u32,
    /// Tell users by sentinel names which of the root's keys are trusted (RFC 8509).
    pub sentinel: bool,
    /// Names of time servers, which are not validated while the clock is wrong, so that the clock
    /// can be set.
    pub time_servers: Vec<Name>,
    /// The time used for validation, in seconds since 1970, instead of the clock.
    pub validation_date: Option<u64>,
    /// Report validation failures to the agents of zones (RFC 9567).
    pub report_failures: bool,
    /// Refresh popular answers before they expire.
    pub prefetch: bool,
    /// Make addresses for clients without IPv4 (RFC 6147).
    pub dns64: Option<Dns64>,
    /// Where to stop.
    pub limits: Limits,
}

/// A trust anchor: a zone with known keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The apex of the zone.
    pub zone: Name,
    /// Digests of the keys.
    pub ds: Vec<Ds>,
    /// The keys.
    pub keys: Vec<Dnskey>,
}

impl Anchor {
    /// Whether this anchor proves whatever `other` proves.
    #[must_use]
    pub fn trusts_all_of(&self, other: &Anchor) -> bool {
        self.zone == other.zone
            && other.ds.iter().all(|ds| self.ds.contains(ds))
            && other.keys.iter().all(|key| self.keys.contains(key))
    }
}

/// The limits of the resolver. Each limit has a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Queries for one client query, of any kind.
    pub queries: u32,
    /// Queries for one question, without those of nameserver look-ups.
    pub queries_per_question: u32,
    /// Hedges and probes for a client query, outside the limits above.
    pub hedges: u32,
    /// Octets received for one client query.
    pub bytes: u64,
    /// TCP queries for one client query.
    pub tcp: u32,
    /// Nameserver look-ups for one client query.
    pub lookups: u32,
    /// Nameserver look-ups to ask one zone.
    pub lookups_per_zone: u32,
    /// Of these, look-ups without a result before the zone is given up.
    pub empty_lookups: u32,
    /// Concurrent nameserver look-ups for one zone.
    pub lookups_at_once: usize,
    /// Nameserver look-ups inside nameserver look-ups.
    pub depth: u8,
    /// CNAME and DNAME records followed.
    pub aliases: usize,
    /// Steps down one name: referrals and shortened names together.
    pub steps: u32,
    /// Nameservers kept of one delegation.
    pub servers: usize,
    /// Nameserver names in play at a time.
    pub servers_in_play: usize,
    /// Addresses kept of one nameserver.
    pub addresses_per_server: usize,
    /// Distinct addresses asked for one question.
    pub addresses: usize,
    /// Signatures verified for one client query.
    pub verifications: u32,
    /// Signatures verified for one reply.
    pub verifications_per_reply: u32,
    /// Failed verifications after which no more signatures are verified for the client query.
    pub failed_verifications: u32,
    /// SHA-1 blocks hashed for NSEC3 proofs for one client query.
    pub hash_blocks: u32,
    /// Labels below a signed zone asked for DS records, in search of an unsigned zone.
    pub ds_labels: usize,
    /// Pending recursions of one worker.
    pub pending: usize,
    /// The initial quota of queries under way at one server: the quota grows while the server replies and
    /// shrinks while the server is silent. 0: no quota.
    pub queries_per_server: u32,
    /// The initial quota of questions under way at one zone, adapted in the same way.
    pub questions_per_zone: u32,
    /// Saved-up optional queries, to probe unknown servers; each necessary query earns an eighth of
    /// one. 0: no probe is sent.
    pub probe_budget: u32,
    /// Stragglers of races in one worker.
    pub stragglers: usize,
    /// Prefetched answers that were not asked for since.
    pub prefetched: usize,
    /// The longest wait for one query.
    pub exchange: Duration,
    /// The longest time to try the servers of a zone for a question.
    pub race: Duration,
    /// The longest work for one client query.
    pub recursion: Duration,
    /// The time within which a client has an answer or a failure.
    pub client: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            queries: 50,
            queries_per_question: 40,
            hedges: 50,
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
            probe_budget: 64,
            stragglers: 256,
            prefetched: 256,
            exchange: Duration::from_secs(3),
            race: Duration::from_millis(4500),
            recursion: Duration::from_secs(8),
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
            network_zones: Vec::new(),
            zone_copies: None,
            priming: true,
            minimise: true,
            minimised_type: Rtype::A,
            share_referrals: true,
            probe_uplink: true,
            udp_payload_size: zoners_dns::edns::UDP_PAYLOAD_SIZE,
            cookies: true,
            opportunistic_tls: true,
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
            dns64: None,
            limits: Limits::default(),
        }
    }

    /// The route of `name`, the deepest if several match. A server that the configuration names without an address has
    /// none, since its address cannot be asked of the server itself.
    #[must_use]
    pub fn route(&self, name: &Name) -> Option<&Delegation> {
        let matching = self.routes.iter().filter(|route| name::is_within(name, &route.zone));
        let deepest = matching.max_by_key(|route| name::depth(&route.zone))?;
        // Looked at last: most names have no route.
        (!self.is_named_server(name)).then_some(deepest)
    }

    /// Whether resolvers of a network answer for `name`.
    #[must_use]
    pub fn is_of_network(&self, name: &Name) -> bool {
        self.network_zones.iter().any(|zone| name::is_within(name, zone))
    }

    /// Whether a query may be sent to `address`, which came from a referral or a look-up. Addresses
    /// of the configuration, or of the network settings that a route was made of, are asked
    /// wherever they lie.
    #[must_use]
    pub fn may_ask(&self, address: IpAddr) -> bool {
        self.has_family(address)
            && (!self.never_ask.contains(address) || self.is_configured(address))
    }

    /// Whether the nameserver `name` may be asked at `address`. A server configured by name may have a private address.
    #[must_use]
    pub(crate) fn may_ask_server(&self, name: &Name, address: IpAddr) -> bool {
        self.may_ask(address) || self.has_family(address) && self.is_named_server(name)
    }

    /// Whether a server at `address` lies beyond the local network, and is no stub or forwarder.
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

    /// Whether `name` is that of a configured server whose address is looked up.
    fn is_named_server(&self, name: &Name) -> bool {
        let mut servers = self.routes.iter().flat_map(|route| &route.servers);
        servers.any(|server| server.is_named_alone() && server.name == *name)
    }

    /// Whether the configuration names the address, which is then asked wherever it lies.
    fn is_configured(&self, address: IpAddr) -> bool {
        self.routes.iter().chain([&self.root]).any(|delegation| has_address(delegation, address))
    }
}

fn has_address(delegation: &Delegation, address: IpAddr) -> bool {
    let mut addresses = delegation.servers.iter().flat_map(|server| &server.addresses);
    addresses.any(|known| known.ip() == address)
}
