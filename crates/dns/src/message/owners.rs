//! The owner names of a message, each once and no more than a message may have.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use super::names::{FlatName, NameReader, pointer};
use crate::message::MessageError;
use crate::name::Name;

/// Owner names that a message may have beside that of its question; one with more is refused.
pub const MAX_OWNERS: usize = 256;

/// So many are compared one by one; most messages have fewer.
const FEW: usize = 8;
/// Where the name of the question begins, behind the header: most owner names point at it.
const QUESTION: usize = 12;

/// The owner names met so far. Each is told by its number, that of the question being 0.
pub(super) struct OwnerTable {
    list: Vec<Name>,
    /// Their numbers by hash, once they are many.
    index: HashMap<u64, usize>,
    /// Where the owner of the last record that was but a pointer pointed, and which it was.
    last: (usize, usize),
    flat: FlatName,
}

impl OwnerTable {
    pub(super) fn new(question: Option<&Name>) -> Self {
        let list: Vec<Name> = question.cloned().into_iter().collect();
        // Without a question, nothing points at it.
        let last = if list.is_empty() { (usize::MAX, 0) } else { (QUESTION, 0) };
        OwnerTable { list, index: HashMap::new(), last, flat: FlatName::EMPTY }
    }

    /// The number of the owner name at an offset of the message.
    ///
    /// # Errors
    /// It is no name, or one too many.
    pub(super) fn number(
        &mut self,
        names: &mut NameReader<'_>,
        at: usize,
    ) -> Result<usize, MessageError> {
        let number = self.number_if(names, at, |_| true)?;
        number.ok_or(MessageError::Structure)
    }

    /// The number of the owner name at an offset of the message, if its octets are `wanted`.
    ///
    /// # Errors
    /// It is no name, or one too many.
    pub(super) fn number_if(
        &mut self,
        names: &mut NameReader<'_>,
        at: usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<usize>, MessageError> {
        let target = pointer(names.octets, at);
        if target == Some(self.last.0) {
            let known = self.name(self.last.1).is_some_and(|name| wanted(name.as_slice()));
            return Ok(known.then_some(self.last.1));
        }
        names.read(at, &mut self.flat)?;
        if !wanted(self.flat.as_slice()) {
            return Ok(None);
        }
        let number = match self.find() {
            Some(number) => number,
            None => self.add()?,
        };
        if let Some(target) = target {
            self.last = (target, number);
        }
        Ok(Some(number))
    }

    /// The name of a number.
    pub(super) fn name(&self, number: usize) -> Option<&Name> {
        self.list.get(number)
    }

    fn find(&self) -> Option<usize> {
        let same = |name: &Name| name.as_slice().eq_ignore_ascii_case(self.flat.as_slice());
        if self.index.is_empty() {
            return self.list.iter().rposition(same);
        }
        // Two names of one hash, of which there are none with a key that nobody knows, would be taken
        // for different ones each time.
        let number = *self.index.get(&self.hash(self.flat.as_slice()))?;
        self.list.get(number).is_some_and(same).then_some(number)
    }

    fn add(&mut self) -> Result<usize, MessageError> {
        let number = self.list.len();
        if number > MAX_OWNERS {
            return Err(MessageError::TooManyRRsets);
        }
        self.list.push(self.flat.to_name());
        if number >= FEW {
            for number in self.index.len()..self.list.len() {
                let hash = self.hash(self.list[number].as_slice());
                self.index.insert(hash, number);
            }
        }
        Ok(number)
    }

    /// The hash of a name, the case of its letters not regarded.
    fn hash(&self, name: &[u8]) -> u64 {
        let mut hasher = self.index.hasher().build_hasher();
        let mut lower = [0; 255];
        let lower = &mut lower[..name.len()];
        lower.copy_from_slice(name);
        // The lengths of labels are below 64 and no letters.
        lower.make_ascii_lowercase();
        hasher.write(lower);
        hasher.finish()
    }
}
