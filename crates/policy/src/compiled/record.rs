//! The record of a rule for a name, in the compiled file.
//!
//! | octets | content |
//! |---|---|
//! | 2 | following octets |
//! | 1 | scope, subject and flags |
//! | 1 | action |
//! | 2 | number of the list |
//! | 4 | line |
//! | 1 | octets of the name |
//! | n | name, on the wire and in lower case |
//! | rest | options |

use crate::rule::{RuleAction, RuleScope};

/// Octets before the name.
const FIXED_OCTETS: usize = 11;
const SCOPE_BITS: u8 = 0b11;
const NAMESERVER: u8 = 1 << 2;
const IMPORTANT: u8 = 1 << 3;
const DISABLES: u8 = 1 << 4;

/// The record of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleRecord<'a> {
    pub(crate) scope: RuleScope,
    /// Whether the name is a nameserver's.
    pub(crate) is_of_nameserver: bool,
    pub(crate) important: bool,
    pub(crate) disables: bool,
    pub(crate) action: RuleAction,
    pub(crate) list: u16,
    pub(crate) line: u32,
    pub(crate) name: &'a [u8],
    pub(crate) options: &'a str,
}

impl<'a> RuleRecord<'a> {
    /// Appends the record.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        let octets = FIXED_OCTETS - 2 + self.name.len() + self.options.len();
        to.extend((octets as u16).to_be_bytes());
        let scope = match self.scope {
            RuleScope::Exact => 0,
            RuleScope::Subtree => 1,
            RuleScope::Below => 2,
        };
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let flags = scope
            | flag(self.is_of_nameserver, NAMESERVER)
            | flag(self.important, IMPORTANT)
            | flag(self.disables, DISABLES);
        to.extend([flags, self.action as u8]);
        to.extend(self.list.to_be_bytes());
        to.extend(self.line.to_be_bytes());
        to.push(self.name.len() as u8);
        to.extend(self.name);
        to.extend(self.options.as_bytes());
    }

    /// Splits off the first record; `None` at the end or at a malformed record.
    pub(crate) fn split(octets: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = Self::octets(octets)?;
        let (own, rest) = octets.split_at_checked(length)?;
        let [_, _, flags, action, l0, l1, n0, n1, n2, n3, name, ..] = *own else { return None };
        let (name, options) = own[FIXED_OCTETS..].split_at_checked(name.into())?;
        let record = RuleRecord {
            scope: match flags & SCOPE_BITS {
                0 => RuleScope::Exact,
                1 => RuleScope::Subtree,
                2 => RuleScope::Below,
                _ => return None,
            },
            is_of_nameserver: flags & NAMESERVER != 0,
            important: flags & IMPORTANT != 0,
            disables: flags & DISABLES != 0,
            action: RuleAction::from_octet(action)?,
            list: u16::from_be_bytes([l0, l1]),
            line: u32::from_be_bytes([n0, n1, n2, n3]),
            name,
            options: std::str::from_utf8(options).ok()?,
        };
        Some((record, rest))
    }

    /// The octets of the first record.
    pub(crate) fn octets(octets: &[u8]) -> Option<usize> {
        let length = octets.first_chunk::<2>()?;
        Some(2 + usize::from(u16::from_be_bytes(*length)))
    }

    /// Whether both records are of the same list and say the same.
    pub(crate) fn repeats(&self, other: &RuleRecord<'_>) -> bool {
        RuleRecord { line: other.line, ..*self } == *other
    }
}
