//! The dictionary of names: an entry is a label and the number of the name above, so that names share their ends.
//!
//! Number 0 is the root. An entry comes after the entry of the name above, so that a single pass finds a name.

use zoners_dns::{Name, NameSlice, name};

use super::dictionary::Dictionary;
use super::entries;
use crate::octets::{Reader, put_number};

/// The number of a name in wire format and lower case; new names are added, with the names above.
pub(super) fn number_of(octets: &[u8], names: &mut Dictionary) -> u64 {
    let mut entry = Vec::with_capacity(octets.len());
    labels(octets).into_iter().rev().fold(0, |above, label| {
        entry.clear();
        put_number(&mut entry, above);
        entry.extend_from_slice(label);
        names.number_of(&entry) + 1
    })
}

/// The labels of a name in wire format, without the root label.
fn labels(octets: &[u8]) -> Vec<&[u8]> {
    let mut reader = Reader(octets);
    let next = || {
        let length = reader.octet().filter(|length| *length > 0)?;
        reader.take(usize::from(length))
    };
    std::iter::from_fn(next).collect()
}

/// The entries of a dictionary, for reading.
pub(super) struct NameEntries<'a>(Vec<(usize, &'a [u8])>);

impl<'a> NameEntries<'a> {
    pub(super) fn of(octets: &'a [u8]) -> Self {
        NameEntries(entries(octets).map_while(read).collect())
    }

    /// The name with a number; `None` if the octets are none.
    pub(super) fn name(&self, number: usize) -> Option<Name> {
        let (mut octets, mut at) = (Vec::new(), number);
        while at > 0 {
            let (above, label) = *self.0.get(at - 1)?;
            if above >= at {
                return None;
            }
            octets.push(u8::try_from(label.len()).ok()?);
            octets.extend_from_slice(label);
            at = above;
        }
        octets.push(0);
        NameSlice::from_slice(&octets).ok().map(name::owned)
    }
}

/// An entry of a name that `wanted` does not end with.
const NO_END: u8 = u8::MAX;

/// The numbers of the names that are `wanted`, or with `subtree` below, in ascending order.
pub(super) fn wanted(octets: &[u8], wanted: &Name, subtree: bool) -> Vec<usize> {
    let wanted = wanted.as_slice().to_ascii_lowercase();
    let mut labels = labels(&wanted);
    labels.reverse();
    // For each name, the number of its labels if `wanted` ends with the name.
    let mut ends = vec![0_u8];
    let mut found: Vec<usize> = labels.is_empty().then_some(0).into_iter().collect();
    for (above, label) in entries(octets).map_while(read) {
        let end = ends.get(above).copied().unwrap_or(NO_END);
        let is_end = labels.get(usize::from(end)) == Some(&label);
        let end = if is_end { end + 1 } else { NO_END };
        if is_end && usize::from(end) == labels.len()
            || subtree && found.binary_search(&above).is_ok()
        {
            found.push(ends.len());
        }
        ends.push(end);
    }
    found
}

/// The number of the name above, and the label.
fn read(entry: &[u8]) -> Option<(usize, &[u8])> {
    let mut reader = Reader(entry);
    Some((reader.index()?, reader.0))
}
