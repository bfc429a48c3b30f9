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

/// A bucket.
pub(crate) type Bucket = [u8; BUCKET_OCTETS];

/// A bucket without names.
pub(crate) fn empty(offset: u32) -> Bucket {
    let mut bucket = [0; BUCKET_OCTETS];
    bucket[..4].copy_from_slice(&offset.to_le_bytes());
    bucket
}

/// Where the records begin.
pub(crate) fn offset(bucket: &Bucket) -> u32 {
    u32::from_le_bytes([bucket[0], bucket[1], bucket[2], bucket[3]])
}

/// Adds a name; `reaches_below` if a rule of the name concerns names below.
pub(crate) fn add(bucket: &mut Bucket, hash: u64, reaches_below: bool) {
    let (slots, _) = bucket[4..].as_chunks_mut::<SLOT_OCTETS>();
    if slots[0] == CROWDED {
        return;
    }
    match slots.iter_mut().find(|slot| **slot == [0; SLOT_OCTETS]) {
        Some(free) => *free = slot(hash, reaches_below),
        None => slots[0] = CROWDED,
    }
}

/// Whether a name may be here. An ancestor of the name in question counts if a rule reaches below.
pub(crate) fn may_have(bucket: &Bucket, hash: u64, is_above: bool) -> bool {
    let (slots, _) = bucket[4..].as_chunks::<SLOT_OCTETS>();
    let reaching = slot(hash, true);
    // A name itself counts with and without a rule for names below.
    let other = if is_above { reaching } else { slot(hash, false) };
    slots[0] == CROWDED || slots.iter().any(|slot| *slot == reaching || *slot == other)
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
        let mut bucket = empty(7);
        for number in 0..SLOTS as u64 {
            assert!(!may_have(&bucket, number << 3, false), "{number}");
            add(&mut bucket, number << 3, number % 2 == 0);
        }
        for number in 0..SLOTS as u64 {
            assert!(may_have(&bucket, number << 3, false), "{number}");
            assert_eq!(may_have(&bucket, number << 3, true), number % 2 == 0, "{number}");
        }
        assert!(!may_have(&bucket, 12_345_678, false) && !may_have(&bucket, 12_345_678, true));
        assert_eq!(offset(&bucket), 7);
        add(&mut bucket, 999, false);
        assert!(may_have(&bucket, 12_345_678, true), "crowded");
        assert_eq!(offset(&bucket), 7);
    }

    #[test]
    fn hashes_at_the_edges_are_neither_empty_nor_crowded() {
        for hash in [0, 1, 0xFF_FFFE, 0xFF_FFFF, u64::MAX] {
            let mut bucket = empty(0);
            add(&mut bucket, hash, true);
            assert!(may_have(&bucket, hash, false) && may_have(&bucket, hash, true), "{hash:x}");
            assert!(!may_have(&bucket, 0x12_3456, false));
            assert!(bucket_of(hash, 3) < 3);
        }
    }
}
