//! Numbers in the place of names and addresses.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;
use zoners_history::ServerRecord;

/// Octets of the key.
pub(crate) const KEY_LENGTH: usize = 16;

/// Keyed hashes of servers, providers and networks. Without the key, a number says nothing; with the key, a guessed name
/// can be confirmed, so the key is as secret as the file.
#[derive(Clone, Copy)]
pub struct Numbering([u8; KEY_LENGTH]);

impl fmt::Debug for Numbering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Numbering")
    }
}

impl Numbering {
    /// Numbers by a key of random octets.
    #[must_use]
    pub const fn new(key: [u8; KEY_LENGTH]) -> Self {
        Numbering(key)
    }

    /// The key.
    pub(crate) fn key(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// The number of a provider.
    #[must_use]
    pub fn provider(&self, name: &str) -> u64 {
        self.number(b"provider", name.to_ascii_lowercase().as_bytes())
    }

    /// The number of a server: the time of a round trip depends on the transport.
    pub(crate) fn server(&self, server: &ServerRecord) -> u64 {
        let text = format!("{} {}", server.address, server.transport);
        self.number(b"server", text.as_bytes())
    }

    /// The number of a network with this identifier.
    pub(crate) fn network(&self, id: &str) -> u64 {
        self.number(b"network", id.as_bytes())
    }

    fn number(&self, kind: &[u8], octets: &[u8]) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(kind);
        hasher.write(&[0]);
        hasher.write(octets);
        hasher.finish()
    }
}
