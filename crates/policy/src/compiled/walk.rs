//! A walk through all names of a compiled policy, in the order of the file.

use std::io;

use super::header::HEADER_OCTETS;
use super::record::RuleRecord;
use super::{CompiledPolicy, FoundRule};
use crate::storage::SequentialReader;

/// Octets read from the file at once.
const READ_OCTETS: usize = 64 * 1024;

/// The rules of a name, and the rules of names above that concern the name.
pub(crate) struct NameRules {
    pub(crate) own: Vec<FoundRule>,
    pub(crate) above: Vec<FoundRule>,
}

impl CompiledPolicy {
    /// Calls `take` for each name that questions may have. The memory is that of one name.
    ///
    /// # Errors
    /// The compiled file cannot be read.
    pub(crate) fn each_name(&self, take: &mut dyn FnMut(&NameRules)) -> io::Result<()> {
        let (from, octets) = (HEADER_OCTETS as u64, self.header.record_octets);
        let mut records = SequentialReader::new(&*self.file, from, from + octets, READ_OCTETS);
        let mut name: Vec<u8> = Vec::new();
        let mut rules = NameRules { own: Vec::new(), above: Vec::new() };
        while let Some(octets) = RuleRecord::octets(records.peek(2)?) {
            let waiting = records.peek(octets)?;
            let (record, _) = RuleRecord::split(waiting).ok_or(io::ErrorKind::InvalidData)?;
            if !record.is_of_nameserver {
                if record.name != name {
                    self.end_name(&name, &mut rules, take)?;
                    name.clear();
                    name.extend_from_slice(record.name);
                }
                rules.own.push(FoundRule::of(&record, labels(record.name)));
            }
            records.consume(octets);
        }
        self.end_name(&name, &mut rules, take)
    }

    fn end_name(
        &self,
        name: &[u8],
        rules: &mut NameRules,
        take: &mut dyn FnMut(&NameRules),
    ) -> io::Result<()> {
        if !rules.own.is_empty() {
            self.look_up(name, 1, false, &mut rules.above)?;
            take(rules);
        }
        rules.own.clear();
        rules.above.clear();
        Ok(())
    }
}

/// The labels of a name on the wire, without the root label.
fn labels(name: &[u8]) -> usize {
    let (mut labels, mut at) = (0, 0);
    while let Some(length) = name.get(at).map(|length| usize::from(*length)).filter(|it| *it > 0) {
        (labels, at) = (labels + 1, at + 1 + length);
    }
    labels
}
