//! Names where they lie in a message, each walked once.
//!
//! The parser of `domain` walks a compressed name anew for each look at it, and that of an adversary is
//! as long as a name with pointers can be. Here a name is copied out, label by label, and what that
//! costs is charged to the message.

use bytes::Bytes;

use crate::message::MessageError;
use crate::name::{self, Name};

/// Octets of the longest name (RFC 1035 section 3.1).
const MAX_LEN: usize = 255;
/// Compression pointers that a name may lead over: one for each label that a name can have, which is
/// what the best compressor writes.
pub const MAX_POINTERS: usize = 127;
/// What all names of a message may cost together, whatever its length …
const COST: usize = 32 * 1024;
/// … and besides for each octet of it. Where honest servers compress best, an octet costs two to three.
const COST_AN_OCTET: usize = 4;
/// What a label costs beside its octets, and a pointer at all.
const COST_OF_STEP: usize = 4;

/// A message of which names are read.
pub(super) struct NameReader<'a> {
    pub(super) octets: &'a [u8],
    /// What names may yet cost.
    left: usize,
}

/// A name out of a message, uncompressed; to be used again for the next.
pub(super) struct FlatName {
    octets: [u8; MAX_LEN],
    length: usize,
}

impl<'a> NameReader<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        NameReader { octets, left: COST + COST_AN_OCTET * octets.len() }
    }

    /// Reads the name at an offset into `flat`; where it ends there.
    pub(super) fn read(
        &mut self,
        start: usize,
        flat: &mut FlatName,
    ) -> Result<usize, MessageError> {
        let (mut at, mut lowest, mut end, mut pointers) = (start, start, None, 0);
        flat.length = 0;
        loop {
            let octet = *self.octets.get(at).ok_or(MessageError::Structure)?;
            let cost = COST_OF_STEP + if octet < 64 { usize::from(octet) } else { 0 };
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
                    // Only to what stands before (RFC 1035 section 4.1.4), so that there is an end.
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

/// Where the compression pointer at an offset points, if there is one.
pub(super) fn pointer(octets: &[u8], at: usize) -> Option<usize> {
    match *octets.get(at..)?.first_chunk::<2>()? {
        [high @ 0xC0..=0xFF, low] => Some(usize::from(u16::from_be_bytes([high & 0x3F, low]))),
        _ => None,
    }
}

impl FlatName {
    pub(super) const EMPTY: FlatName = FlatName { octets: [0; MAX_LEN], length: 0 };

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    /// The name, as a value of its own.
    pub(super) fn to_name(&self) -> Name {
        // What was read label by label is a name.
        Name::from_octets(Bytes::copy_from_slice(self.as_slice())).unwrap_or_else(|_| name::root())
    }

    /// Adds a label; `None` if the name is longer than a name can be.
    fn push(&mut self, label: &[u8]) -> Option<()> {
        let end = self.length + label.len();
        // Without the root label a name has one octet less.
        if end == MAX_LEN && label.len() > 1 {
            return None;
        }
        self.octets.get_mut(self.length..end)?.copy_from_slice(label);
        self.length = end;
        Some(())
    }
}

#[cfg(test)]
mod tests;
