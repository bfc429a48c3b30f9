//! Reads compressed names of a message, each once.
//!
//! The parser of `domain` walks a compressed name at each access, and an attacker can send names
//! with the longest possible walk. Here each name is copied out once, and the cost is charged to
//! the message.

use bytes::Bytes;

use crate::message::MessageError;
use crate::name::{self, Name};

/// Octets of the longest name (RFC 1035 section 3.1).
const MAX_NAME_OCTETS: usize = 255;
/// Compression pointers of a name: one for each label of the longest name. The best compressor
/// writes as many.
pub const MAX_POINTERS: usize = 127;
/// What the names of a message may cost in total: this much …
const BASE_COST: usize = 32 * 1024;
/// … and this much per octet of the message. The best compression of honest servers costs two to
/// three per octet.
const COST_PER_OCTET: usize = 4;
/// In a zone transfer every record repeats its owner, by a pointer of two octets to a name of any length.
const COST_PER_OCTET_OF_TRANSFER: usize = 32;
/// The cost of a pointer, and the cost of a label beside its octets.
const COST_PER_STEP: usize = 4;

/// The octets of a message, and the remaining cost.
pub(super) struct NameReader<'a> {
    pub(super) octets: &'a [u8],
    /// What further names may cost.
    left: usize,
}

/// An uncompressed name; the buffer is reused for the next name.
pub(super) struct FlatName {
    octets: [u8; MAX_NAME_OCTETS],
    length: usize,
}

impl<'a> NameReader<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        NameReader { octets, left: BASE_COST + COST_PER_OCTET * octets.len() }
    }

    /// For a message of a zone transfer.
    pub(super) fn for_transfer(octets: &'a [u8]) -> Self {
        NameReader { octets, left: BASE_COST + COST_PER_OCTET_OF_TRANSFER * octets.len() }
    }

    /// Reads the name at offset `start` into `flat`. Returns the offset after the name.
    pub(super) fn read(
        &mut self,
        start: usize,
        flat: &mut FlatName,
    ) -> Result<usize, MessageError> {
        let (mut at, mut lowest, mut end, mut pointers) = (start, start, None, 0);
        flat.length = 0;
        loop {
            let octet = *self.octets.get(at).ok_or(MessageError::Structure)?;
            let cost = COST_PER_STEP + if octet < 64 { usize::from(octet) } else { 0 };
            self.left = self.left.checked_sub(cost).ok_or(MessageError::Compression)?;
            match octet {
                0 => {
                    flat.push(&[0]).ok_or(MessageError::Structure)?;
                    return Ok(end.unwrap_or(at + 1));
                }
                length @ 1..=63 => {
                    let next = at + 1 + usize::from(length);
                    let label = self.octets.get(at..next).ok_or(MessageError::Structure)?;
                    flat.push(label).ok_or(MessageError::Structure)?;
                    at = next;
                }
                0xC0.. => {
                    let target = pointer(self.octets, at).ok_or(MessageError::Structure)?;
                    // A pointer must point backwards (RFC 1035 section 4.1.4), so that the loop
                    // ends.
                    if target >= lowest {
                        return Err(MessageError::Structure);
                    }
                    pointers += 1;
                    if pointers > MAX_POINTERS {
                        return Err(MessageError::Compression);
                    }
                    end.get_or_insert(at + 2);
                    (at, lowest) = (target, target);
                }
                _ => return Err(MessageError::Structure),
            }
        }
    }
}

/// The target of the compression pointer at an offset, if there is a pointer.
pub(super) fn pointer(octets: &[u8], at: usize) -> Option<usize> {
    match *octets.get(at..)?.first_chunk::<2>()? {
        [high @ 0xC0..=0xFF, low] => Some(usize::from(u16::from_be_bytes([high & 0x3F, low]))),
        _ => None,
    }
}

impl FlatName {
    pub(super) const EMPTY: FlatName = FlatName { octets: [0; MAX_NAME_OCTETS], length: 0 };

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    /// The name as an owned value.
    pub(super) fn to_name(&self) -> Name {
        // Octets that were read label by label form a valid name.
        Name::from_octets(Bytes::copy_from_slice(self.as_slice())).unwrap_or_else(|_| name::root())
    }

    /// Appends a label; `None` if the name becomes too long.
    fn push(&mut self, label: &[u8]) -> Option<()> {
        let end = self.length + label.len();
        // A name that still lacks the root label must leave one octet for it.
        if end == MAX_NAME_OCTETS && label.len() > 1 {
            return None;
        }
        self.octets.get_mut(self.length..end)?.copy_from_slice(label);
        self.length = end;
        Some(())
    }
}

#[cfg(test)]
mod tests;
