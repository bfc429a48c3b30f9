//! Identities of servers over encrypted transports, interned: an endpoint has a number of two octets.

use std::num::NonZeroU16;

use parking_lot::RwLock;
use siphasher::sip::SipHasher13;

/// The identity that a server must prove.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServerIdentity {
    /// The authentication domain name (RFC 8310 section 2).
    pub name: String,
    /// SHA-256 digests of public keys, one of which the server must have; empty for any key (RFC 7858
    /// section 4.2).
    pub pins: Vec<[u8; 32]>,
    /// The path of the DoH template; `None` for other protocols.
    pub path: Option<String>,
}

/// The number of a [`ServerIdentity`] in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityId(NonZeroU16);

/// All identities, each with its digest. Identities come from configurations, never from the network, and stay for
/// the life of the process: so a number is never another identity's.
static IDENTITIES: RwLock<Vec<(u64, &'static ServerIdentity)>> = RwLock::new(Vec::new());

impl IdentityId {
    /// The number of an identity: always the same for equal identities. `None` after 65,535 of them.
    #[must_use]
    pub fn intern(identity: ServerIdentity) -> Option<Self> {
        let digest = digest(&identity);
        let mut identities = IDENTITIES.write();
        if let Some(at) = identities.iter().position(|(_, known)| **known == identity) {
            return IdentityId::at(at);
        }
        let id = IdentityId::at(identities.len())?;
        identities.push((digest, Box::leak(Box::new(identity))));
        Some(id)
    }

    /// The identity.
    #[must_use]
    pub fn identity(self) -> Option<&'static ServerIdentity> {
        IDENTITIES.read().get(self.index()).map(|(_, identity)| *identity)
    }

    /// The digest of the identity, the same in all processes: for keys of entries that outlive this process.
    #[must_use]
    pub fn digest(self) -> u64 {
        IDENTITIES.read().get(self.index()).map_or(0, |(digest, _)| *digest)
    }

    /// The number of the identity with a digest, if this process has it.
    #[must_use]
    pub fn of_digest(digest: u64) -> Option<Self> {
        let at = IDENTITIES.read().iter().position(|(known, _)| *known == digest);
        at.and_then(IdentityId::at)
    }

    fn at(index: usize) -> Option<Self> {
        u16::try_from(index + 1).ok().and_then(NonZeroU16::new).map(IdentityId)
    }

    fn index(self) -> usize {
        usize::from(self.0.get()) - 1
    }
}

/// Each part goes in with its length, so that no two identities are the same octets.
fn digest(identity: &ServerIdentity) -> u64 {
    let ServerIdentity { name, pins, path } = identity;
    let mut octets = Vec::new();
    let path = path.as_deref().unwrap_or_default();
    for part in [name.as_bytes(), pins.as_flattened(), path.as_bytes()] {
        octets.extend_from_slice(&part.len().to_be_bytes());
        octets.extend_from_slice(part);
    }
    octets.push(u8::from(identity.path.is_some()));
    SipHasher13::new().hash(&octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_identities_have_one_number_and_a_digest_leads_to_it() {
        let identity = |name: &str, path: Option<&str>| ServerIdentity {
            name: name.to_owned(),
            pins: vec![[7; 32]],
            path: path.map(str::to_owned),
        };
        let one = IdentityId::intern(identity("a.example", None)).unwrap();
        let other = IdentityId::intern(identity("a.example", Some(""))).unwrap();
        assert_eq!(IdentityId::intern(identity("a.example", None)), Some(one));
        assert!(one != other && one.digest() != other.digest());
        assert_eq!(one.identity(), Some(&identity("a.example", None)));
        for id in [one, other] {
            assert_eq!(IdentityId::of_digest(id.digest()), Some(id));
        }
        assert_eq!(IdentityId::of_digest(1), None);
        assert_eq!(digest(&identity("a.example", None)), digest(&identity("a.example", None)));
    }
}
