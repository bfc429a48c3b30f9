//! A middlebox that interferes with DNS queries to any server.

use std::time::Duration;

/// The round trip to the middlebox, which is near.
pub(crate) const LATENCY: Duration = Duration::from_millis(5);
/// The address in the answers of a portal, and in forged answers.
pub const ADDRESS: [u8; 4] = [203, 0, 113, 80];
/// The TTL of made-up records, in seconds.
pub(crate) const TTL: u32 = 3600;

/// A middlebox that answers in the name of every server, or blocks queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middlebox {
    /// A captive portal: gives [`ADDRESS`] for whatever name.
    Portal(Portal),
    /// A resolver answering in place of the servers: RA, no AA.
    Resolver(InterceptingResolver),
    /// REFUSED to everything.
    Refuses,
    /// No packet to port 53 comes through.
    Drops,
    /// No datagram does; streams do.
    DropsDatagrams,
    /// ICMP port unreachable for UDP; TCP passes.
    ClosesDatagrams,
    /// ICMP port unreachable for UDP; TCP connections are reset.
    Closes,
    /// ICMP host unreachable.
    Unreachable,
}

/// The habits of a captive portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portal {
    /// Whether AA is set, as by an authoritative server.
    pub aa: bool,
    /// The answer for types other than A.
    pub others: Others,
}

/// The answer of a captive portal for types without records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// NOERROR and nothing else.
    Empty,
    /// NXDOMAIN and nothing else.
    NoName,
    /// NXDOMAIN with an SOA of the root.
    NoNameOfRoot,
    /// The A record in spite of the type.
    Address,
}

/// The changes that an intercepting resolver makes to answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterceptingResolver {
    /// DNSSEC passes: signatures and proofs come along.
    pub signatures: bool,
    /// [`ADDRESS`] takes the place of NXDOMAIN where an address was asked for.
    pub rewrites: bool,
    /// The treatment of queries without RD.
    pub iterative: IterativeQueries,
}

/// The treatment of queries without RD by an intercepting resolver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IterativeQueries {
    /// As queries with RD.
    #[default]
    Resolved,
    /// REFUSED over UDP, and resolved over TCP, as by dnsmasq.
    OverTcp,
    /// Answered from a cache that has the root zone's own records, else referred to the root, as by BIND.
    FromCache,
}

impl Middlebox {
    /// The portal of most cafes: RA, no AA, and only its own address.
    pub const PORTAL: Middlebox = Middlebox::Portal(Portal { aa: false, others: Others::Address });
    /// A resolver that passes DNSSEC records.
    pub const TRANSPARENT: Middlebox = Middlebox::Resolver(RESOLVER);
    /// A resolver that strips DNSSEC records.
    pub const STRIPPING: Middlebox =
        Middlebox::Resolver(InterceptingResolver { signatures: false, ..RESOLVER });
    /// A resolver that answers queries without RD over TCP alone.
    pub const OVER_TCP: Middlebox = Middlebox::Resolver(InterceptingResolver {
        iterative: IterativeQueries::OverTcp,
        ..RESOLVER
    });
    /// A resolver that answers queries without RD from its cache alone.
    pub const FROM_CACHE: Middlebox = Middlebox::Resolver(InterceptingResolver {
        iterative: IterativeQueries::FromCache,
        ..RESOLVER
    });
}

const RESOLVER: InterceptingResolver = InterceptingResolver {
    signatures: true,
    rewrites: false,
    iterative: IterativeQueries::Resolved,
};
