//! Who answers for a zone, and how they are asked.

use std::net::SocketAddr;

use domain::base::iana::Rtype;
use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::name::Name;
use crate::network::Transport;
use crate::rrset::RRset;

/// How the servers of a zone are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueryMode {
    /// They are authoritative; the parent zone named them.
    Iterative,
    /// They are authoritative; the configuration named them.
    Stub,
    /// They are resolvers that recurse for us (RD=1); what they refer to is not followed.
    Forward,
}

/// A server of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// Its name; the root name for a server that the configuration gives by address alone.
    pub name: Name,
    /// The addresses that came with the delegation. Empty: they must be looked up.
    pub addresses: Vec<SocketAddr>,
}

/// What the parent says of a child's signing (RFC 4035 section 3.1.4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DsStatus {
    /// Nothing, or nothing yet.
    #[default]
    Unknown,
    /// The DS RRset.
    Signed(RRset),
    /// The NSEC or NSEC3 RRsets that say there is no DS.
    Unsigned(Vec<RRset>),
}

/// A zone cut: the zone below it and those who answer for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The apex of the zone.
    pub zone: Name,
    /// How its servers are asked.
    pub mode: QueryMode,
    /// By which transport they are asked first.
    pub transport: Transport,
    /// The servers.
    pub servers: Vec<NameServer>,
    /// What the parent said of signatures.
    pub signing: DsStatus,
    /// When the parent's word runs out. Nothing that the child says moves it (ghost domains,
    /// CVE-2012-1192).
    pub expires: Moment,
}

impl Delegation {
    /// The delegation that the first records of an NS RRset, `most` of them, and the servers' address
    /// RRsets make.
    #[must_use]
    pub fn from_ns(ns: &RRset, glue: &[RRset], most: usize, expires: Moment) -> Self {
        let mut servers: Vec<NameServer> = Vec::new();
        for name in ns.targets().take(most) {
            // A server that is named in several spellings has its addresses once.
            let known = servers.iter().any(|server| server.name == name);
            let own = glue.iter().filter(|set| !known && set.owner == name);
            let addresses = own.flat_map(RRset::addresses).map(|ip| SocketAddr::new(ip, 53));
            servers.push(NameServer { addresses: addresses.collect(), name });
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

    /// The root zone as root hints give it; never runs out. `None` without NS records.
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
        for most in [0, 1, 20, 256, 300] {
            let delegation = Delegation::from_ns(&sets[0], &[], most, Moment::NEVER);
            assert_eq!(delegation.servers.len(), most.min(256));
        }
    }
}
