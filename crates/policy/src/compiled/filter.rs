//! A filter over the last two labels of listed names, so that most foreign names cost a single cache line.
//!
//! A Bloom filter with the bits of a name in a single word of eight octets, least significant first.

/// Bits for each name. With three bits set for a name, a foreign name in thirty passes.
const BITS_OF_NAME: u64 = 10;

/// A word of the filter.
pub(crate) type FilterWord = [u8; 8];

/// The words of a filter for so many names.
pub(crate) fn words_for(names: u64) -> usize {
    (names * BITS_OF_NAME / 64 + 1) as usize
}

/// Adds the hash of the end of a name.
pub(crate) fn add(words: &mut [FilterWord], hash: u64) {
    let at = place(words.len(), hash);
    if let Some(word) = words.get_mut(at) {
        *word = (u64::from_le_bytes(*word) | mask(hash)).to_le_bytes();
    }
}

/// Whether names with this end may be listed.
pub(crate) fn may_have(words: &[FilterWord], hash: u64) -> bool {
    let mask = mask(hash);
    let word = words.get(place(words.len(), hash));
    word.is_some_and(|word| u64::from_le_bytes(*word) & mask == mask)
}

fn place(words: usize, hash: u64) -> usize {
    ((u128::from(hash) * words as u128) >> 64) as usize
}

/// Three bits, by the low bits of the hash.
fn mask(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63)
}
