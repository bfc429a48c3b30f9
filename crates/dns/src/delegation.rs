//! Delegations: the servers of a zone and how to query the servers.

use std::net::SocketAddr;

use domain::base::iana::Rtype;
use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::endpoint::Endpoint;
use crate::name::Name;
use crate::rrset::RRset;
use crate::server_identity::IdentityId;
use crate::transport::Transport;

/// How the servers of a zone are queried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueryMode {
    /// Authoritative servers, named by the parent zone.
    Iterative,
    /// Authoritative servers, named by the configuration.
    Stub,
    /// Forwarders: resolvers that recurse (RD=1). Referrals of a forwarder are not followed.
    Forward,
}

/// A nameserver of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// The name; the root name if the configuration gives addresses only.
    pub name: Name,
    /// The addresses in the delegation (glue). If empty, the addresses must be looked up.
    pub addresses: Vec<SocketAddr>,
    /// The encryption that the configuration demands for the server.
    pub encryption: Option<Encryption>,
}

/// How a configured server is reached with encryption alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encryption {
    /// The transport.
    pub transport: Transport,
    /// The port.
    pub port: u16,
    /// The identity that the server must prove.
    pub identity: IdentityId,
}

impl NameServer {
    /// A server over plain transports.
    #[must_use]
    pub const fn plain(name: Name, addresses: Vec<SocketAddr>) -> Self {
        NameServer { name, addresses, encryption: None }
    }

    /// The server at one of its addresses, asked over its encrypted transport, or else over `plain`.
    #[must_use]
    pub fn endpoint(&self, address: SocketAddr, plain: Transport) -> Endpoint {
        match self.encryption {
            None => Endpoint::new(address, plain),
            Some(Encryption { transport, port, identity }) => {
                let address = SocketAddr::new(address.ip(), port);
                Endpoint::new(address, transport).identified(identity)
            }
        }
    }

    /// Whether the configuration has the name alone, so that the addresses are looked up.
    #[must_use]
    pub fn is_named_alone(&self) -> bool {
        self.encryption.is_some() && self.addresses.is_empty()
    }
}

/// What the parent zone says about the DS RRset of a child zone (RFC 4035 section 3.1.4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DsStatus {
    /// Unknown: the parent zone gave neither DS records nor a proof.
    #[default]
    Unknown,
    /// The DS RRset.
    Signed(RRset),
    /// The NSEC or NSEC3 RRsets which prove that no DS RRset exists.
    Unsigned(Vec<RRset>),
}

/// A zone cut: the zone below and its nameservers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The apex of the zone.
    pub zone: Name,
    /// How the servers are queried.
    pub mode: QueryMode,
    /// The transport of the first query.
    pub transport: Transport,
    /// The nameservers.
    pub servers: Vec<NameServer>,
    /// What the parent zone says about the DS RRset.
    pub signing: DsStatus,
    /// When the delegation expires. Records of the child zone do not extend the expiry (ghost
    /// domains, CVE-2012-1192).
    pub expires: Moment,
}

impl Delegation {
    /// The delegation that an NS RRset and the address RRsets of its nameservers make. Only the
    /// first `max_servers` NS records are used.
    #[must_use]
    pub fn from_ns(ns: &RRset, glue: &[RRset], max_servers: usize, expires: Moment) -> Self {
        let mut servers: Vec<NameServer> = Vec::new();
        for name in ns.targets().take(max_servers) {
            // A nameserver that occurs in several spellings gets the addresses once.
            let known = servers.iter().any(|server| server.name == name);
            let own = glue.iter().filter(|set| !known && set.owner == name);
            let addresses = own.flat_map(RRset::addresses).map(|ip| SocketAddr::new(ip, 53));
            let addresses = addresses.collect();
            servers.push(NameServer::plain(name, addresses));
        }
        Delegation {
            zone: ns.owner.clone(),
            mode: QueryMode::Iterative,
            transport: Transport::Udp,
            servers,
            signing: DsStatus::Unknown,
            expires,
        }
    }

    /// The root delegation of root hints, which never expires. `None` without NS records.
    #[must_use]
    pub fn from_hints(hints: &[RRset]) -> Option<Self> {
        let ns = hints.iter().find(|set| set.rtype == Rtype::NS && set.owner.is_root())?;
        Some(Delegation::from_ns(ns, hints, usize::MAX, Moment::NEVER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{name, zonefile};

    #[test]
    fn hints_become_the_root_delegation() {
        let text = ". NS a.test.\n. NS b.test.\na.test. A 192.0.2.1\na.test. AAAA 2001:db8::1\n";
        let root = Delegation::from_hints(&zonefile::root_hints(text).unwrap()).unwrap();
        assert_eq!(root.zone, name::root());
        assert_eq!(root.servers[0].addresses.len(), 2);
        assert!(root.servers[1].addresses.is_empty());
        assert_eq!(root.expires, Moment::NEVER);
    }

    #[test]
    fn a_server_that_is_named_in_several_spellings_has_its_addresses_once() {
        let text = "@ NS ns.test.\n@ NS NS.test.\n@ NS nS.test.\nns.test. A 192.0.2.1\n";
        let sets = zonefile::parse(text, &name::parse("a.test").unwrap()).unwrap();
        let delegation = Delegation::from_ns(&sets[0], &sets[1..], 20, Moment::NEVER);
        let addresses = delegation.servers.iter().map(|server| server.addresses.len());
        assert_eq!(addresses.collect::<Vec<_>>(), [1, 0, 0]);
    }

    #[test]
    fn no_more_servers_are_built_than_are_wanted() {
        let names: String = (0..256).map(|number| format!("@ NS ns{number}.test.\n")).collect();
        let sets = zonefile::parse(&names, &name::parse("a.test").unwrap()).unwrap();
        for max_servers in [0, 1, 20, 256, 300] {
            let delegation = Delegation::from_ns(&sets[0], &[], max_servers, Moment::NEVER);
            assert_eq!(delegation.servers.len(), max_servers.min(256));
        }
    }
}
