//! The table of fingerprints: a bucket is a cache line.
//!
//! A bucket has the offset of its records in the compiled file, and 20 fingerprints of 24 bits, for a name each. With
//! twelve names a bucket, a name takes 5.3 octets, and a bucket in a hundred has more names than room: then every look-up
//! of the bucket goes on to the records. A foreign name has the fingerprint of a listed name once in 700,000 look-ups,
//! which costs a `pread`, as the record confirms the name. So longer fingerprints would only cost memory.

/// Octets of a bucket.
pub(crate) const BUCKET_OCTETS: usize = 64;
/// Names in a bucket on average.
pub(crate) const NAMES_OF_BUCKET: u64 = 12;
const SLOTS: usize = 20;
const SLOT_OCTETS: usize = 3;
/// The first slot of a bucket with more names than slots.
const CROWDED: [u8; SLOT_OCTETS] = [0xFF; SLOT_OCTETS];

/// A bucket, aligned to a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Bucket([u8; BUCKET_OCTETS]);

impl Bucket {
    /// A bucket without names.
    pub(crate) fn new(offset: u32) -> Self {
        let mut octets = [0; BUCKET_OCTETS];
        octets[..4].copy_from_slice(&offset.to_le_bytes());
        Bucket(octets)
    }

    pub(crate) fn from_octets(octets: [u8; BUCKET_OCTETS]) -> Self {
        Bucket(octets)
    }

    pub(crate) fn octets(&self) -> &[u8; BUCKET_OCTETS] {
        &self.0
    }

    /// Where the records begin.
    pub(crate) fn offset(&self) -> u32 {
        u32::from_le_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }

    /// Adds a name; `reaches_below` if a rule of the name concerns names below.
    pub(crate) fn add(&mut self, hash: u64, reaches_below: bool) {
        let (slots, _) = self.0[4..].as_chunks_mut::<SLOT_OCTETS>();
        if slots[0] == CROWDED {
            return;
        }
        match slots.iter_mut().find(|slot| **slot == [0; SLOT_OCTETS]) {
            Some(free) => *free = slot(hash, reaches_below),
            None => slots[0] = CROWDED,
        }
    }

    /// Whether a name may be here. An ancestor of the name in question counts if a rule reaches below.
    pub(crate) fn may_have(&self, hash: u64, is_above: bool) -> bool {
        let (slots, _) = self.0[4..].as_chunks::<SLOT_OCTETS>();
        let reaching = slot(hash, true);
        // A name itself counts with and without a rule for names below.
        let other = if is_above { reaching } else { slot(hash, false) };
        slots[0] == CROWDED || slots.iter().any(|slot| *slot == reaching || *slot == other)
    }
}

/// The bucket of a hash; monotonic in the hash, so records sorted by hash are sorted by bucket.
pub(crate) fn bucket_of(hash: u64, buckets: usize) -> usize {
    ((u128::from(hash) * buckets as u128) >> 64) as usize
}

const _: () = assert!(4 + SLOTS * SLOT_OCTETS == BUCKET_OCTETS);

/// The lowest bit says whether a rule reaches below; neither an empty slot nor the mark of a crowded bucket.
fn slot(hash: u64, reaches_below: bool) -> [u8; SLOT_OCTETS] {
    let bits = match hash as u32 & 0xFF_FFFE {
        0 => 2,
        0xFF_FFFE => 4,
        bits => bits,
    };
    let [a, b, c, _] = (bits | u32::from(reaches_below)).to_le_bytes();
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_knows_its_names_and_few_more() {
        let mut bucket = Bucket::new(7);
        for number in 0..SLOTS as u64 {
            assert!(!bucket.may_have(number << 3, false), "{number}");
            bucket.add(number << 3, number % 2 == 0);
        }
        for number in 0..SLOTS as u64 {
            assert!(bucket.may_have(number << 3, false), "{number}");
            assert_eq!(bucket.may_have(number << 3, true), number % 2 == 0, "{number}");
        }
        assert!(!bucket.may_have(12_345_678, false) && !bucket.may_have(12_345_678, true));
        assert_eq!(bucket.offset(), 7);
        bucket.add(999, false);
        assert!(bucket.may_have(12_345_678, true), "crowded");
        assert_eq!(bucket.offset(), 7);
    }

    #[test]
    fn hashes_at_the_edges_are_neither_empty_nor_crowded() {
        for hash in [0, 1, 0xFF_FFFE, 0xFF_FFFF, u64::MAX] {
            let mut bucket = Bucket::new(0);
            bucket.add(hash, true);
            assert!(bucket.may_have(hash, false) && bucket.may_have(hash, true), "{hash:x}");
            assert!(!bucket.may_have(0x12_3456, false));
            assert!(bucket_of(hash, 3) < 3);
        }
    }
}
