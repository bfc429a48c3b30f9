//! What an entry begins with: what is known of it besides its key and value.

use zoners_dns::Moment;

use super::{NONE, UNIT};

/// Octets before the key.
pub(super) const HEAD: usize = 32;

/// What an entry begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) hash: u64,
    pub(crate) expires: Moment,
    /// The entry that was put in after it.
    pub(crate) newer: u32,
    /// The entry that was put in before it.
    pub(crate) older: u32,
    /// Whether it is still of use for a while when it has expired.
    pub(crate) lasts: bool,
    /// Whether it has gone and left a gap.
    pub(super) dead: bool,
    /// Octets of the key.
    pub(super) key: u16,
    /// Octets of the value.
    pub(super) value: u32,
}

impl Head {
    /// Of an entry that is put in behind another.
    pub(crate) fn new(hash: u64, expires: Moment, lasts: bool, older: u32) -> Self {
        Head { hash, expires, newer: NONE, older, lasts, dead: false, key: 0, value: 0 }
    }

    #[inline(always)]
    pub(super) fn read(octets: &[u8; HEAD]) -> Self {
        let [
            h0,
            h1,
            h2,
            h3,
            h4,
            h5,
            h6,
            h7, //
            e0,
            e1,
            e2,
            e3,
            e4,
            e5,
            e6,
            e7, //
            n0,
            n1,
            n2,
            n3,
            o0,
            o1,
            o2,
            o3, //
            v0,
            v1,
            v2,
            v3,
            k0,
            k1,
            lasts,
            dead,
        ] = *octets;
        Head {
            hash: u64::from_ne_bytes([h0, h1, h2, h3, h4, h5, h6, h7]),
            expires: Moment::from_millis(u64::from_ne_bytes([e0, e1, e2, e3, e4, e5, e6, e7])),
            newer: u32::from_ne_bytes([n0, n1, n2, n3]),
            older: u32::from_ne_bytes([o0, o1, o2, o3]),
            value: u32::from_ne_bytes([v0, v1, v2, v3]),
            key: u16::from_ne_bytes([k0, k1]),
            lasts: lasts != 0,
            dead: dead != 0,
        }
    }

    pub(super) fn write(&self, octets: &mut [u8; HEAD]) {
        octets[..8].copy_from_slice(&self.hash.to_ne_bytes());
        octets[8..16].copy_from_slice(&self.expires.as_millis().to_ne_bytes());
        octets[16..20].copy_from_slice(&self.newer.to_ne_bytes());
        octets[20..24].copy_from_slice(&self.older.to_ne_bytes());
        octets[24..28].copy_from_slice(&self.value.to_ne_bytes());
        octets[28..30].copy_from_slice(&self.key.to_ne_bytes());
        octets[30] = self.lasts.into();
        octets[31] = self.dead.into();
    }

    /// Octets of the whole entry.
    pub(crate) fn size(&self) -> usize {
        (HEAD + usize::from(self.key) + self.value as usize).next_multiple_of(UNIT)
    }
}
