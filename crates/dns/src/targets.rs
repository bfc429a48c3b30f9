//! The names that the records of an RRset consist of, to be looked for.

use crate::name::Name;
use crate::rrset::RRset;

/// The first targets of an RRset of type NS, CNAME or DNAME. It may have thousands, of which no more are
/// looked at than are of use.
#[derive(Clone, Debug, Default)]
pub struct Targets(Vec<Name>);

impl Targets {
    /// The first targets of `set`, `most` of them.
    #[must_use]
    pub fn first(set: &RRset, most: usize) -> Self {
        Targets(set.targets().take(most).collect())
    }

    /// Those that lie where `keep` says.
    #[must_use]
    pub fn filter(mut self, keep: impl Fn(&Name) -> bool) -> Self {
        self.0.retain(keep);
        self
    }

    /// Whether the octets of a name are those of one of them, the case of letters not regarded.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.0.iter().any(|target| target.as_slice().eq_ignore_ascii_case(name))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Records, Rtype, name};

    #[test]
    fn the_first_targets_are_found_and_no_more() {
        let target = |number: usize| name::parse(&format!("ns{number}.test")).unwrap();
        let names = (0..1_000).map(|number| target(number).as_slice().to_vec());
        let ns = RRset::new(name::root(), Rtype::NS, 60, names.collect::<Records>());
        let targets = Targets::first(&ns, 20);
        let found = |number: &usize| targets.contains(target(*number).as_slice());
        assert_eq!((0..1_000).filter(found).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
        assert!(targets.contains(name::parse("NS0.Test").unwrap().as_slice()));
    }
}
