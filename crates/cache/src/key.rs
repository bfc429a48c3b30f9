//! Keys: a kind, then the name in lower case, then what tells entries of one name apart.

use std::net::IpAddr;

use zoners_dns::{Endpoint, NameSlice, Rtype, Transport};

/// The longest key, a kind, a name and an endpoint, rounded up to whole blocks.
const CAPACITY: usize = 288;
/// Octets that are lowered in one go.
const BLOCK: usize = 32;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    RRset = 1,
    Denial,
    Delegation,
    Answer,
    Failure,
    Server,
    Lame,
    Unsigned,
}

/// A key, built without allocating.
#[derive(Clone)]
pub(crate) struct Key {
    octets: [u8; CAPACITY],
    length: usize,
}

impl Key {
    #[inline]
    pub(crate) fn new(kind: Kind) -> Self {
        let mut octets = [0; CAPACITY];
        octets[0] = kind as u8;
        Key { octets, length: 1 }
    }

    // Inlined, since a key is larger than what a move is free for, and every look-up makes one.
    #[inline(always)]
    pub(crate) fn with_name(kind: Kind, name: &NameSlice) -> Self {
        let mut key = Key::new(kind);
        let name = name.as_slice();
        let end = 1 + name.len();
        if let Some(room) = key.octets.get_mut(1..end) {
            room.copy_from_slice(name);
            key.length = end;
        }
        // Whole blocks are quicker, and neither a kind, nor the length of a label, nor what is
        // still empty looks like a letter.
        let blocks = key.octets.as_chunks_mut::<BLOCK>().0;
        for block in blocks.iter_mut().take(end.div_ceil(BLOCK)) {
            block.make_ascii_lowercase();
        }
        key
    }

    #[inline(always)]
    pub(crate) fn and_type(self, rtype: Rtype) -> Self {
        self.and(rtype.to_int().to_be_bytes())
    }

    #[inline(always)]
    pub(crate) fn and_octet(self, octet: u8) -> Self {
        self.and([octet])
    }

    pub(crate) fn and_endpoint(self, endpoint: Endpoint) -> Self {
        let key = match endpoint.address.ip() {
            IpAddr::V4(ip) => self.and(ip.octets()),
            IpAddr::V6(ip) => self.and(ip.octets()),
        };
        key.and(endpoint.address.port().to_be_bytes()).and_octet(match endpoint.transport {
            Transport::Udp => 0,
            Transport::Tcp => 1,
        })
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    #[inline(always)]
    fn and<const N: usize>(mut self, octets: [u8; N]) -> Self {
        let room = self.octets.get_mut(self.length..).and_then(|room| room.first_chunk_mut());
        if let Some(room) = room {
            *room = octets;
            self.length += N;
        }
        self
    }
}

/// The endpoint of a server's key.
pub(crate) fn server_of(key: &[u8]) -> Option<Endpoint> {
    let (kind, rest) = key.split_first()?;
    if *kind != Kind::Server as u8 {
        return None;
    }
    let (rest, transport) = (rest.get(..rest.len().checked_sub(1)?)?, *rest.last()?);
    let transport = if transport == 0 { Transport::Udp } else { Transport::Tcp };
    let (address, port) = rest.split_last_chunk::<2>()?;
    let ip: IpAddr = match (<[u8; 4]>::try_from(address), <[u8; 16]>::try_from(address)) {
        (Ok(ipv4), _) => ipv4.into(),
        (_, Ok(ipv6)) => ipv6.into(),
        _ => return None,
    };
    Some(Endpoint { address: (ip, u16::from_be_bytes(*port)).into(), transport })
}

/// Whether a key, as it was stored, is of `name` (in lower case, on the wire); with `subtree`, or
/// of a name below it.
pub(crate) fn is_of_name(key: &[u8], name: &[u8], subtree: bool) -> bool {
    let Some((kind, rest)) = key.split_first() else { return false };
    if *kind == Kind::Server as u8 {
        return false;
    }
    let mut at = 0;
    while let Some(length) = rest.get(at) {
        if rest[at..].starts_with(name) {
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
    use zoners_dns::name;

    #[test]
    fn a_server_is_read_back_from_its_key() {
        for address in ["192.0.2.1:53", "[2001:db8::1]:5353"] {
            for transport in [Transport::Udp, Transport::Tcp] {
                let server = Endpoint { address: address.parse().unwrap(), transport };
                let key = Key::new(Kind::Server).and_endpoint(server);
                assert_eq!(server_of(key.as_slice()), Some(server));
                assert_eq!(server_of(Key::new(Kind::Lame).and_endpoint(server).as_slice()), None);
            }
        }
    }

    #[test]
    fn keys_know_their_name_and_those_above() {
        let key = Key::with_name(Kind::RRset, name::parse("a.Example.test").unwrap().for_slice())
            .and_type(Rtype::A);
        let of = |text: &str, subtree| {
            is_of_name(key.as_slice(), name::parse(text).unwrap().as_slice(), subtree)
        };
        assert!(of("a.example.test", false) && of("a.example.test", true));
        assert!(of("example.test", true) && !of("example.test", false));
        assert!(of(".", true) && !of("xample.test", true) && !of("b.example.test", true));
    }
}
