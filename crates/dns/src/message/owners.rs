//! The owner names of a message, each stored once, up to a limit.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use super::names::{FlatName, NameReader, pointer};
use crate::message::MessageError;
use crate::name::Name;

/// Owner names of a message beside the name of the question. A message with more is rejected.
pub const MAX_OWNERS: usize = 256;

/// Up to this many owner names are compared one by one; most messages have fewer.
const LINEAR_SEARCH_NAMES: usize = 8;
/// The offset of the question's name, to which most owner names point.
const QUESTION_OFFSET: usize = 12;

/// The owner names found so far. A name is identified by its number; the name of the question has
/// number 0.
pub(super) struct OwnerTable {
    list: Vec<Name>,
    /// The numbers by hash, if there are more than a few names.
    index: HashMap<u64, usize>,
    /// The target of the last owner that was a bare pointer, and the number of its name.
    last: (usize, usize),
    flat: FlatName,
}

impl OwnerTable {
    pub(super) fn new(question: Option<&Name>) -> Self {
        let list: Vec<Name> = question.cloned().into_iter().collect();
        // Without a question, no pointer to the question is known.
        let last = if list.is_empty() { (usize::MAX, 0) } else { (QUESTION_OFFSET, 0) };
        OwnerTable { list, index: HashMap::new(), last, flat: FlatName::EMPTY }
    }

    /// The number of the owner name at an offset of the message.
    ///
    /// # Errors
    /// The owner is not a name, or one name too many.
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
    /// The owner is not a name, or one name too many.
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

    /// The name with a number.
    pub(super) fn name(&self, number: usize) -> Option<&Name> {
        self.list.get(number)
    }

    fn find(&self) -> Option<usize> {
        let same = |name: &Name| name.as_slice().eq_ignore_ascii_case(self.flat.as_slice());
        if self.index.is_empty() {
            return self.list.iter().rposition(same);
        }
        // Two names with the same hash would count as new names each time. With a secret hash key,
        // an attacker cannot produce such names.
        let number = *self.index.get(&self.hash(self.flat.as_slice()))?;
        self.list.get(number).is_some_and(same).then_some(number)
    }

    fn add(&mut self) -> Result<usize, MessageError> {
        let number = self.list.len();
        if number > MAX_OWNERS {
            return Err(MessageError::TooManyRRsets);
        }
        self.list.push(self.flat.to_name());
        if number >= LINEAR_SEARCH_NAMES {
            for number in self.index.len()..self.list.len() {
                let hash = self.hash(self.list[number].as_slice());
                self.index.insert(hash, number);
            }
        }
        Ok(number)
    }

    /// The hash of a name, without regard to letter case.
    fn hash(&self, name: &[u8]) -> u64 {
        let mut hasher = self.index.hasher().build_hasher();
        let mut lower = [0; 255];
        let lower = &mut lower[..name.len()];
        lower.copy_from_slice(name);
        // Octets with the length of a label are below 64, so they are not letters.
        lower.make_ascii_lowercase();
        hasher.write(lower);
        hasher.finish()
    }
}
