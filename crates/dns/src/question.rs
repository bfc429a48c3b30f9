//! Questions.

use std::fmt;
use std::hash::{Hash, Hasher};

use domain::base::iana::{Class, Rtype};

use crate::name::{self, Name};

/// A question: name, type and class.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// QNAME in its original spelling.
    pub name: Name,
    /// QTYPE.
    pub rtype: Rtype,
    /// QCLASS.
    pub class: Class,
}

impl Question {
    /// A question of class IN.
    #[must_use]
    pub fn new(name: Name, rtype: Rtype) -> Self {
        Question { name, rtype, class: Class::IN }
    }

    /// The name whose zone answers: DS records are above the zone cut (RFC 4035 section 2.4).
    #[must_use]
    pub fn answered_at(&self) -> Name {
        let parent = (self.rtype == Rtype::DS).then(|| self.name.parent()).flatten();
        parent.unwrap_or_else(|| self.name.clone())
    }
}

impl Hash for Question {
    fn hash<H: Hasher>(&self, state: &mut H) {
        name::hash(self.name.for_slice(), state);
        state.write_u32(u32::from(self.rtype.to_int()) << 16 | u32::from(self.class.to_int()));
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name.fmt_with_dot(), self.rtype)
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
