//! The header of an entry, before key and value.

use zoners_dns::Moment;

use super::{NONE, UNIT_OCTETS};

/// Octets of the header.
pub(super) const HEADER_OCTETS: usize = 32;
/// The bits of the octet that holds `keeps_stale` and `dead`.
const KEEPS_STALE_BIT: u8 = 1;
const DEAD_BIT: u8 = 2;

/// The header of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryHeader {
    pub(crate) hash: u64,
    pub(crate) expires: Moment,
    /// The position of the entry that was inserted next.
    pub(crate) newer: u32,
    /// The position of the entry that was inserted before.
    pub(crate) older: u32,
    /// Whether the entry is kept after its expiry, for serve-stale.
    pub(crate) keeps_stale: bool,
    /// Whether the entry is removed and its space a gap.
    pub(super) dead: bool,
    /// The number of the quarantine in which the entry was inserted, or 0.
    pub(crate) quarantine: u8,
    /// Octets of the key.
    pub(super) key: u16,
    /// Octets of the value.
    pub(super) value: u32,
}

impl EntryHeader {
    /// The header of an entry inserted after `older`.
    pub(crate) fn new(
        hash: u64,
        expires: Moment,
        keeps_stale: bool,
        quarantine: u8,
        older: u32,
    ) -> Self {
        EntryHeader {
            hash,
            expires,
            newer: NONE,
            older,
            keeps_stale,
            dead: false,
            quarantine,
            key: 0,
            value: 0,
        }
    }

    #[inline(always)]
    pub(super) fn read(octets: &[u8; HEADER_OCTETS]) -> Self {
        EntryHeader {
            hash: u64::from_ne_bytes(part(octets, 0)),
            expires: Moment::from_millis(u64::from_ne_bytes(part(octets, 8))),
            newer: u32::from_ne_bytes(part(octets, 16)),
            older: u32::from_ne_bytes(part(octets, 20)),
            value: u32::from_ne_bytes(part(octets, 24)),
            key: u16::from_ne_bytes(part(octets, 28)),
            keeps_stale: octets[30] & KEEPS_STALE_BIT != 0,
            dead: octets[30] & DEAD_BIT != 0,
            quarantine: octets[31],
        }
    }

    pub(super) fn write(&self, octets: &mut [u8; HEADER_OCTETS]) {
        octets[..8].copy_from_slice(&self.hash.to_ne_bytes());
        octets[8..16].copy_from_slice(&self.expires.as_millis().to_ne_bytes());
        octets[16..20].copy_from_slice(&self.newer.to_ne_bytes());
        octets[20..24].copy_from_slice(&self.older.to_ne_bytes());
        octets[24..28].copy_from_slice(&self.value.to_ne_bytes());
        octets[28..30].copy_from_slice(&self.key.to_ne_bytes());
        octets[30] = if self.keeps_stale { KEEPS_STALE_BIT } else { 0 };
        octets[30] |= if self.dead { DEAD_BIT } else { 0 };
        octets[31] = self.quarantine;
    }

    /// Octets of the whole entry, rounded up to whole units.
    pub(crate) fn size(&self) -> usize {
        (HEADER_OCTETS + usize::from(self.key) + self.value as usize).next_multiple_of(UNIT_OCTETS)
    }
}

/// `N` octets from `from` on. With constant arguments the call compiles to a single load.
#[inline(always)]
fn part<const N: usize>(octets: &[u8; HEADER_OCTETS], from: usize) -> [u8; N] {
    octets[from..from + N].try_into().unwrap_or([0; N])
}
