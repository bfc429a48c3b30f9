//! What stands in a network and meddles with all DNS, whatever server it is meant for.

use std::time::Duration;

/// The round trip to it: it is near.
pub(crate) const LATENCY: Duration = Duration::from_millis(5);
/// The address that a portal gives for all names, and that lies are made of.
pub const ADDRESS: [u8; 4] = [203, 0, 113, 80];
/// The TTL of what it makes up, in seconds.
pub(crate) const TTL: u32 = 3600;

/// A box that answers, or does not, in the name of every server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middlebox {
    /// A captive portal: gives [`ADDRESS`] for whatever name.
    Portal(Portal),
    /// A resolver that answers in the place of the servers: RA, no AA.
    Resolver(Resolver),
    /// REFUSED to everything.
    Refuses,
    /// No packet to port 53 comes through.
    Drops,
    /// No datagram does; streams do.
    DropsDatagrams,
    /// Word comes that the port is closed for datagrams; streams come through.
    ClosesDatagrams,
    /// Word comes that the port is closed; streams are reset.
    Closes,
    /// Word comes that there is no way to the host.
    Unreachable,
}

/// The habits of a captive portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portal {
    /// AA, as if it were the server itself.
    pub aa: bool,
    /// What it says of types other than A.
    pub others: Others,
}

/// What a captive portal says of types that it has no records of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// NOERROR and nothing else.
    Empty,
    /// NXDOMAIN and nothing else.
    NoName,
    /// NXDOMAIN with an SOA of the root.
    NoNameOfRoot,
    /// The A record all the same.
    Address,
}

/// What a resolver in the place of the servers does to their answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolver {
    /// DNSSEC passes: signatures and proofs come along.
    pub signatures: bool,
    /// [`ADDRESS`] takes the place of NXDOMAIN where an address was asked for.
    pub rewrites: bool,
}

impl Middlebox {
    /// The portal of most cafes: RA, no AA, and nothing but its address.
    pub const PORTAL: Middlebox = Middlebox::Portal(Portal { aa: false, others: Others::Address });
    /// A resolver that keeps DNSSEC.
    pub const TRANSPARENT: Middlebox =
        Middlebox::Resolver(Resolver { signatures: true, rewrites: false });
    /// One that strips it.
    pub const STRIPPING: Middlebox =
        Middlebox::Resolver(Resolver { signatures: false, rewrites: false });
}
