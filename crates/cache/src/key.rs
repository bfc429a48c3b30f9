//! Cache keys: the name in lower case, the kind of the entry, and further fields of the kind.
//!
//! The name comes first, so that the key of an ancestor is a suffix of the key of the name.

use std::net::IpAddr;

use bytes::Bytes;
use zoners_dns::{Endpoint, IdentityId, Name, NameSlice, Rtype, Transport};

/// Octets of the longest key (name, kind and endpoint), rounded up to whole blocks.
const MAX_KEY_OCTETS: usize = 288;
/// Octets of a short key, in whole blocks: nearly every key is short, and to clear the room of the longest takes longer
/// than all the rest.
const SHORT_KEY_OCTETS: usize = 64;
/// Octets converted to lower case at once.
const LOWERCASE_BLOCK: usize = 32;
/// Octets of the digest of a server's identity.
const DIGEST_OCTETS: usize = 8;
/// Octets of the longest endpoint: an IPv6 address, a port, a transport and a digest.
const ENDPOINT_OCTETS: usize = 16 + 2 + 1 + DIGEST_OCTETS;
/// The name in the key of an entry without a name.
const ROOT_NAME: &[u8] = &[0];

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum EntryKind {
    RRset = 1,
    Denial,
    Delegation,
    Answer,
    Failure,
    Server,
    Lame,
    MinimisationFailure,
    Unprovable,
    Unsigned,
    /// Not in the table: a proven range, in an export.
    Range,
    /// What is known of zone cuts in a zone.
    Cuts,
}

impl EntryKind {
    /// The kinds that are useful to another process, or to this process after a restart.
    pub(crate) const PORTABLE: [EntryKind; 6] = [
        EntryKind::Server,
        EntryKind::Delegation,
        EntryKind::Unsigned,
        EntryKind::RRset,
        EntryKind::Denial,
        EntryKind::Range,
    ];

    /// The kind in a key, if entries of the kind may leave the process.
    pub(crate) fn of(key: &[u8]) -> Option<Self> {
        let kind = key.get(name_length(key)?)?;
        EntryKind::PORTABLE.into_iter().find(|portable| *portable as u8 == *kind)
    }

    /// Whether entries of the kind are kept after their expiry, for serve-stale.
    pub(crate) fn keeps_stale(self) -> bool {
        matches!(self, EntryKind::RRset | EntryKind::Denial | EntryKind::Delegation)
    }
}

/// A key, built on the stack.
pub(crate) struct CacheKey {
    octets: [u8; MAX_KEY_OCTETS],
    length: usize,
    kind: EntryKind,
}

impl CacheKey {
    /// The key of a kind with one entry per name.
    pub(crate) fn of_name(kind: EntryKind, name: &NameSlice) -> Self {
        CacheKey::new(name.as_slice(), kind, &[])
    }

    /// The key of a kind with one entry per name and type.
    pub(crate) fn of_type(kind: EntryKind, name: &NameSlice, rtype: Rtype) -> Self {
        CacheKey::new(name.as_slice(), kind, &rtype.to_int().to_be_bytes())
    }

    /// The key of a finished answer.
    pub(crate) fn of_answer(name: &NameSlice, rtype: Rtype, flags: u8, group: u8) -> Self {
        CacheKey::new(name.as_slice(), EntryKind::Answer, &answer_fields(rtype, flags, group))
    }

    /// The key of the infra entry of a server.
    pub(crate) fn of_server(server: Endpoint) -> Self {
        let (endpoint, length) = endpoint_octets(server);
        CacheKey::new(ROOT_NAME, EntryKind::Server, &endpoint[..length])
    }

    /// The key of a kind with one entry per zone and server.
    pub(crate) fn of_server_in(kind: EntryKind, zone: &NameSlice, server: Endpoint) -> Self {
        let (endpoint, length) = endpoint_octets(server);
        CacheKey::new(zone.as_slice(), kind, &endpoint[..length])
    }

    /// Decodes a key from outside. `None` if the key is malformed, or its kind may not leave the
    /// process.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        let end = Name::from_octets(Bytes::copy_from_slice(octets.get(..name_length(octets)?)?));
        let name = end.ok()?;
        let (kind, rest) = (EntryKind::of(octets)?, octets.get(name.len() + 1..)?);
        let fits = match kind {
            EntryKind::RRset | EntryKind::Denial => rest.len() == 2,
            EntryKind::Delegation | EntryKind::Unsigned | EntryKind::Range => rest.is_empty(),
            _ => server_of(octets).is_some(),
        };
        let key = CacheKey::new(name.as_slice(), kind, if fits { rest } else { return None });
        (key.as_slice() == octets).then_some(key)
    }

    /// The kind of the entry.
    pub(crate) fn kind(&self) -> EntryKind {
        self.kind
    }

    /// The name, in lower case.
    pub(crate) fn name(&self) -> Option<Name> {
        let length = name_length(&self.octets)?;
        Name::from_octets(Bytes::copy_from_slice(&self.octets[..length])).ok()
    }

    /// The type, for kinds with one entry per name and type.
    pub(crate) fn rtype(&self) -> Option<Rtype> {
        let rest = self.as_slice().get(name_length(&self.octets)? + 1..)?;
        Some(Rtype::from_int(u16::from_be_bytes(rest.try_into().ok()?)))
    }

    // Inlined, because each look-up makes a key, and moving a key costs more than making one.
    #[inline(always)]
    fn new(name: &[u8], kind: EntryKind, rest: &[u8]) -> Self {
        // A name has at most 255 octets and an endpoint 27, so the octets fit.
        let (octets, length) = (key_octets(name, kind, rest), name.len() + 1 + rest.len());
        CacheKey { octets, length, kind }
    }

    /// Whether the entry is kept after its expiry, for serve-stale.
    pub(crate) fn keeps_stale(&self) -> bool {
        self.kind.keeps_stale()
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    /// The keys of the name and of each ancestor up to the root, with the offset at which the
    /// ancestor begins.
    pub(crate) fn with_ancestors(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut next = Some(0);
        std::iter::from_fn(move || {
            let at = next?;
            let length = usize::from(self.octets[at]);
            next = (length > 0).then_some(at + 1 + length);
            Some((at, &self.octets[at..self.length]))
        })
    }
}

/// Calls `look` with the key of a finished answer, which is not moved: every client query makes one.
#[inline(always)]
pub(crate) fn with_answer_key<R>(
    name: &NameSlice,
    rtype: Rtype,
    (flags, group): (u8, u8),
    look: impl FnOnce(&[u8]) -> R,
) -> R {
    let rest = answer_fields(rtype, flags, group);
    let length = name.len() + 1 + rest.len();
    let (short, long);
    let octets: &[u8] = if length <= SHORT_KEY_OCTETS {
        short = key_octets::<SHORT_KEY_OCTETS>(name.as_slice(), EntryKind::Answer, &rest);
        &short[..length]
    } else {
        long = CacheKey::of_answer(name, rtype, flags, group);
        long.as_slice()
    };
    look(octets)
}

/// The fields behind name and kind in the key of a finished answer.
fn answer_fields(rtype: Rtype, flags: u8, group: u8) -> [u8; 4] {
    let [high, low] = rtype.to_int().to_be_bytes();
    [high, low, flags, group]
}

/// The octets of a key, with zeros behind.
#[inline(always)]
fn key_octets<const ROOM: usize>(name: &[u8], kind: EntryKind, rest: &[u8]) -> [u8; ROOM] {
    let mut octets = [0; ROOM];
    let end = name.len();
    octets[..end].copy_from_slice(name);
    // Whole blocks are converted faster. The conversion changes neither lengths of labels nor
    // zeros, which are no letters.
    let blocks = octets.as_chunks_mut::<LOWERCASE_BLOCK>().0;
    for block in &mut blocks[..end.div_ceil(LOWERCASE_BLOCK)] {
        block.make_ascii_lowercase();
    }
    octets[end] = kind as u8;
    octets[end + 1..end + 1 + rest.len()].copy_from_slice(rest);
    octets
}

/// Octets of the name at the beginning of a key.
pub(crate) fn name_length(key: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match usize::from(*key.get(at)?) {
            0 => return Some(at + 1),
            length => at += 1 + length,
        }
    }
}

/// Address, port, transport and the digest of the identity of a server, and their octets.
fn endpoint_octets(server: Endpoint) -> ([u8; ENDPOINT_OCTETS], usize) {
    let mut octets = [0; ENDPOINT_OCTETS];
    let length = match server.address.ip() {
        IpAddr::V4(ip) => {
            octets[..4].copy_from_slice(&ip.octets());
            4
        }
        IpAddr::V6(ip) => {
            octets[..16].copy_from_slice(&ip.octets());
            16
        }
    };
    octets[length..length + 2].copy_from_slice(&server.address.port().to_be_bytes());
    octets[length + 2] = server.transport.to_octet();
    let length = length + 3;
    match server.identity {
        None => (octets, length),
        Some(identity) => {
            octets[length..length + DIGEST_OCTETS]
                .copy_from_slice(&identity.digest().to_be_bytes());
            (octets, length + DIGEST_OCTETS)
        }
    }
}

/// The endpoint of a server's key; `None` for an identity or a transport that this process does not know.
pub(crate) fn server_of(key: &[u8]) -> Option<Endpoint> {
    let rest = key.strip_prefix(ROOT_NAME)?.strip_prefix(&[EntryKind::Server as u8])?;
    let plain = matches!(rest.len(), 7 | 19);
    let (rest, identity) = match rest.split_last_chunk::<DIGEST_OCTETS>() {
        Some((rest, digest)) if !plain => {
            (rest, Some(IdentityId::of_digest(u64::from_be_bytes(*digest))?))
        }
        _ => (rest, None),
    };
    let (transport, rest) = rest.split_last()?;
    let (address, port) = rest.split_last_chunk::<2>()?;
    let ip: IpAddr = match (<[u8; 4]>::try_from(address), <[u8; 16]>::try_from(address)) {
        (Ok(ipv4), _) => ipv4.into(),
        (_, Ok(ipv6)) => ipv6.into(),
        _ => return None,
    };
    let address = (ip, u16::from_be_bytes(*port)).into();
    Some(Endpoint { identity, ..Endpoint::new(address, Transport::from_octet(*transport)?) })
}

/// Whether a stored key belongs to `name` (in lower case, on the wire) or, with `subtree`, to a
/// name below.
pub(crate) fn is_of_name(key: &[u8], name: &[u8], subtree: bool) -> bool {
    if server_of(key).is_some() {
        return false;
    }
    let mut at = 0;
    while let Some(length) = key.get(at) {
        if key[at..].starts_with(name) {
            return true;
        }
        if *length == 0 || !subtree {
            return false;
        }
        at += 1 + usize::from(*length);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::{ServerIdentity, name};

    #[test]
    fn a_server_is_read_back_from_its_key() {
        for address in ["192.0.2.1:53", "[2001:db8::1]:5353"] {
            for transport in [Transport::Udp, Transport::Tcp] {
                let server = Endpoint::new(address.parse().unwrap(), transport);
                let key = CacheKey::of_server(server);
                assert_eq!(server_of(key.as_slice()), Some(server));
                let lame =
                    CacheKey::of_server_in(EntryKind::Lame, name::root().for_slice(), server);
                assert_eq!(server_of(lame.as_slice()), None);
                let name = format!("{transport}.example");
                let identity = ServerIdentity { name, ..ServerIdentity::default() };
                let identified = server.identified(IdentityId::intern(identity).unwrap());
                let key = CacheKey::of_server(identified);
                assert_eq!(server_of(key.as_slice()), Some(identified));
                let mut unknown = key.as_slice().to_vec();
                *unknown.last_mut().unwrap() ^= 1;
                assert_eq!(server_of(&unknown), None, "an identity of another process");
                let mut unknown = CacheKey::of_server(server).as_slice().to_vec();
                *unknown.last_mut().unwrap() = u8::MAX;
                assert_eq!(server_of(&unknown), None, "a transport of another version");
            }
        }
    }

    #[test]
    fn keys_know_their_name_and_those_above() {
        let key = CacheKey::of_type(
            EntryKind::RRset,
            name::parse("a.Example.test").unwrap().for_slice(),
            Rtype::A,
        );
        let of = |text: &str, subtree| {
            is_of_name(key.as_slice(), name::parse(text).unwrap().as_slice(), subtree)
        };
        assert!(of("a.example.test", false) && of("a.example.test", true));
        assert!(of("example.test", true) && !of("example.test", false));
        assert!(of(".", true) && !of("xample.test", true) && !of("b.example.test", true));
    }

    #[test]
    fn the_keys_of_ancestors_are_their_own() {
        let www = name::parse("wWw.Example.test").unwrap();
        let key = CacheKey::of_type(EntryKind::Denial, www.for_slice(), Rtype::A);
        let above: Vec<_> = key.with_ancestors().collect();
        assert_eq!(above.len(), 4);
        for ((at, key), ancestor) in above.into_iter().zip(name::with_ancestors(&www)) {
            assert_eq!(name::from_offset(&www, at).as_ref(), Some(&ancestor));
            let own = CacheKey::of_type(EntryKind::Denial, ancestor.for_slice(), Rtype::A);
            assert_eq!(key, own.as_slice());
        }
    }

    #[test]
    fn keys_of_answers_are_right_on_both_sides_of_the_edge_of_short_ones() {
        for length in SHORT_KEY_OCTETS - 8..SHORT_KEY_OCTETS + 2 {
            let name = name::parse(&format!("{}.Abc", "A".repeat(length - 6))).unwrap();
            let lower = name.as_slice().to_ascii_lowercase();
            let expected = [&lower[..], &[EntryKind::Answer as u8, 0, 28, 5, 7]].concat();
            with_answer_key(name.for_slice(), Rtype::AAAA, (5, 7), |key| assert_eq!(key, expected));
        }
    }

    #[test]
    fn the_longest_name_and_endpoint_fit() {
        let label = "a".repeat(63);
        let longest = name::parse(&format!("{label}.{label}.{label}.{}", "b".repeat(61))).unwrap();
        assert_eq!(longest.len(), 255);
        let identity = IdentityId::intern(ServerIdentity::default()).unwrap();
        let server = Endpoint::udp([1; 16].into()).identified(identity);
        let key = CacheKey::of_server_in(EntryKind::Lame, longest.for_slice(), server);
        assert_eq!(key.as_slice().len(), 255 + 1 + ENDPOINT_OCTETS);
    }
}
