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

/// For each number, whether the name is `wanted`, or with `subtree` below.
pub(super) fn wanted(octets: &[u8], wanted: &Name, subtree: bool) -> Vec<bool> {
    let wanted = wanted.as_slice().to_ascii_lowercase();
    let mut labels = labels(&wanted);
    labels.reverse();
    // For each name, the number of its labels if the name ends `wanted`.
    let mut ends = vec![Some(0)];
    let mut found = vec![labels.is_empty()];
    for (above, label) in entries(octets).map_while(read) {
        let end = ends.get(above).copied().flatten();
        let end = end.filter(|end| labels.get(*end) == Some(&label)).map(|end| end + 1);
        let is_below = subtree && found.get(above).copied().unwrap_or(false);
        found.push(is_below || end == Some(labels.len()));
        ends.push(end);
    }
    found
}

/// The number of the name above, and the label.
fn read(entry: &[u8]) -> Option<(usize, &[u8])> {
    let mut reader = Reader(entry);
    Some((reader.index()?, reader.0))
}
