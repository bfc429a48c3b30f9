//! The dictionaries of a segment: names, servers and clients by number.

use std::collections::HashMap;

use crate::octets::put_number;

/// Octets of an index entry beside the key: a boxed slice, a number, and the free places of the table.
const INDEX_ENTRY_OCTETS: usize = 40;

/// Texts or addresses by number.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    pub(super) octets: Vec<u8>,
    index: HashMap<Box<[u8]>, u32>,
}

impl Dictionary {
    /// The number of an entry. A new entry is added.
    pub(super) fn number_of(&mut self, entry: &[u8]) -> u64 {
        if let Some(number) = self.index.get(entry) {
            return u64::from(*number);
        }
        let number = self.index.len() as u32;
        put_number(&mut self.octets, entry.len() as u64);
        self.octets.extend_from_slice(entry);
        self.index.insert(entry.into(), number);
        u64::from(number)
    }

    /// Octets of memory, with the index.
    pub(super) fn memory(&self) -> usize {
        2 * self.octets.len() + self.index.len() * INDEX_ENTRY_OCTETS
    }
}

/// The dictionaries of a segment.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    pub(super) names: Dictionary,
    pub(super) servers: Dictionary,
    pub(super) clients: Dictionary,
}
