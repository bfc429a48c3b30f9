//! Records that the configuration gives.

use std::collections::HashMap;

use zoners_dns::{Name, NameSlice, OptRcode, RRset, Rtype, name, zonefile};
use zoners_resolver::Answer;

use super::{answer_of, soa};

/// Aliases followed among our own records; further than that they loop.
const MOST_ALIASES: usize = 8;

/// RRsets by name. A name that has any has no others: types that it lacks are denied.
#[derive(Debug, Default)]
pub(super) struct Records(HashMap<Name, Vec<RRset>>);

impl Records {
    /// Reads records in zone-file syntax, names relative to the root.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut records = Records::default();
        zonefile::parse(text, &name::root())?.into_iter().for_each(|set| records.add(set));
        Ok(records)
    }

    /// Adds records to those that the name and type have.
    pub(super) fn add(&mut self, set: RRset) {
        let sets = self.0.entry(set.owner.clone()).or_default();
        match sets.iter_mut().find(|other| other.rtype == set.rtype) {
            Some(other) => other.records = other.records.iter().chain(set.records.iter()).collect(),
            None => sets.push(set),
        }
    }

    pub(super) fn answer(&self, asked: &NameSlice, rtype: Rtype) -> Option<Answer> {
        // Most names are not ours; those cost a look and nothing else.
        if self.0.is_empty() || !self.0.contains_key(asked) {
            return None;
        }
        let mut chain = Vec::new();
        let mut at = name::owned(asked);
        while let Some(sets) = self.0.get(&at) {
            let own = |set: &RRset| RRset { owner: at.clone(), ..set.clone() };
            let wanted = |rtype: Rtype| sets.iter().find(|set| set.rtype == rtype).map(own);
            if let Some(set) = wanted(rtype) {
                chain.push(set);
                return Some(answer_of(OptRcode::NOERROR, chain, vec![]));
            }
            match wanted(Rtype::CNAME) {
                Some(alias) if chain.len() < MOST_ALIASES => {
                    at = alias.target()?;
                    chain.push(alias);
                }
                _ => return Some(answer_of(OptRcode::NOERROR, chain, soa(&at))),
            }
        }
        // An alias may lead to a name that others have; the client asks on.
        (!chain.is_empty()).then(|| answer_of(OptRcode::NOERROR, chain, vec![]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str, asked: &str, rtype: Rtype) -> Option<String> {
        let asked = name::parse(asked).unwrap();
        let answer = Records::parse(text).unwrap().answer(asked.for_slice(), rtype)?;
        let lines = answer.answer.iter().chain(&answer.authority);
        Some(lines.map(|set| set.rtype.to_string()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn names_that_are_ours_are_answered_whole() {
        let text = "nas.lan. 60 A 192.168.1.2\nnas.lan. 60 A 192.168.1.3\nfiles.lan. CNAME NAS.lan.\n\
                    loop.lan. CNAME loop.lan.\nout.lan. CNAME www.example.com.\n";
        assert_eq!(answer(text, "NAS.lan", Rtype::A).as_deref(), Some("A"));
        assert_eq!(answer(text, "nas.lan", Rtype::MX).as_deref(), Some("SOA"), "denied");
        assert_eq!(answer(text, "files.lan", Rtype::A).as_deref(), Some("CNAME A"));
        assert_eq!(answer(text, "out.lan", Rtype::A).as_deref(), Some("CNAME"));
        assert!(answer(text, "loop.lan", Rtype::A).is_some(), "it ends");
        assert_eq!(answer(text, "lan", Rtype::A), None);
        assert!(Records::parse("nas.lan. A nonsense").is_err());
    }
}
