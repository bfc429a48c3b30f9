//! A filter over the last two labels of listed names, so that most foreign names cost a single cache line.

/// Bits for each name. With three bits set for a name, a foreign name in thirty passes.
const BITS_OF_NAME: u64 = 10;

/// A Bloom filter with the bits of a name in a single word.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndFilter {
    words: Vec<u64>,
}

impl EndFilter {
    /// A filter for so many names.
    pub(crate) fn for_names(names: u64) -> Self {
        EndFilter { words: vec![0; (names * BITS_OF_NAME / 64 + 1) as usize] }
    }

    pub(crate) fn from_words(words: Vec<u64>) -> Self {
        EndFilter { words }
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Adds the hash of the end of a name.
    pub(crate) fn add(&mut self, hash: u64) {
        let at = self.place(hash);
        if let Some(word) = self.words.get_mut(at) {
            *word |= mask(hash);
        }
    }

    /// Whether names with this end may be listed.
    pub(crate) fn may_have(&self, hash: u64) -> bool {
        let mask = mask(hash);
        self.words.get(self.place(hash)).is_some_and(|word| word & mask == mask)
    }

    fn place(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.words.len() as u128) >> 64) as usize
    }
}

/// Three bits, by the low bits of the hash.
fn mask(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63)
}
