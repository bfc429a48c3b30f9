//! The names that the records of an RRset consist of, to be looked for.

use std::collections::HashSet;

use crate::name::Name;
use crate::rrset::RRset;

/// So many are compared one by one; most NS RRsets have fewer.
const FEW: usize = 16;

/// The targets of an RRset of type NS, CNAME or DNAME. An RRset may have thousands, and be asked for
/// each owner of its message: they are found through a hash then.
#[derive(Clone, Debug)]
pub struct Targets {
    few: Vec<Name>,
    many: HashSet<Name>,
}

impl Targets {
    /// Those of `set`.
    #[must_use]
    pub fn of(set: &RRset) -> Self {
        let few: Vec<Name> = set.targets().collect();
        match few.len() > FEW {
            true => Targets { many: few.into_iter().collect(), few: Vec::new() },
            false => Targets { few, many: HashSet::new() },
        }
    }

    /// Whether `name` is among them.
    #[must_use]
    pub fn contains(&self, name: &Name) -> bool {
        self.few.contains(name) || !self.many.is_empty() && self.many.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Records, Rtype, name};

    #[test]
    fn targets_are_found_be_they_few_or_many() {
        for count in [0, 1, FEW, FEW + 1, 1_000] {
            let target = |number: usize| name::parse(&format!("ns{number}.test")).unwrap();
            let names = (0..count).map(|number| target(number).as_slice().to_vec());
            let ns = RRset::new(name::root(), Rtype::NS, 60, names.collect::<Records>());
            let targets = Targets::of(&ns);
            assert!((0..count).all(|number| targets.contains(&target(number))), "{count}");
            assert!(!targets.contains(&target(count)));
            assert_eq!(targets.contains(&name::parse("NS0.Test").unwrap()), count > 0);
        }
    }
}
