//! The names in the records of an RRset, for membership tests.

use crate::name::Name;
use crate::rrset::RRset;

/// The first targets of an NS, CNAME or DNAME RRset. An RRset can have thousands of records, of
/// which only the first are used.
#[derive(Clone, Debug, Default)]
pub struct Targets(Vec<Name>);

impl Targets {
    /// The first `max_targets` targets of `set`.
    #[must_use]
    pub fn first(set: &RRset, max_targets: usize) -> Self {
        Targets(set.targets().take(max_targets).collect())
    }

    /// Keeps only the targets that satisfy `keep`.
    #[must_use]
    pub fn filter(mut self, keep: impl Fn(&Name) -> bool) -> Self {
        self.0.retain(keep);
        self
    }

    /// Whether a target has the octets of `name`, without regard to letter case.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.0.iter().any(|target| target.as_slice().eq_ignore_ascii_case(name))
    }

    /// Whether there are no targets.
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
