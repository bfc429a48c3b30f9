//! All zones of a process.

use std::collections::HashMap;
use std::sync::Arc;

use zoners_dns::{Name, NameSlice, Rtype};

use crate::stored::StoredZone;
use crate::zone::AuthoritativeZone;

/// The zones of a process, by apex.
#[derive(Clone, Debug, Default)]
pub struct ZoneTable {
    zones: HashMap<Name, ZoneCopy>,
}

/// The copy of a zone.
#[derive(Clone, Debug)]
pub enum ZoneCopy {
    /// In force, in memory.
    Loaded(Arc<AuthoritativeZone>),
    /// In force, on the disk alone: the zone answers no question.
    Stored(Arc<StoredZone>),
    /// No copy may be used, for this reason.
    Unavailable(Arc<str>),
}

impl ZoneTable {
    /// Puts a copy in the place of the former copy of the zone.
    pub fn put(&mut self, apex: Name, copy: ZoneCopy) {
        self.zones.insert(apex, copy);
    }

    /// The copy of the zone with this apex.
    #[must_use]
    pub fn get(&self, apex: &Name) -> Option<&ZoneCopy> {
        self.zones.get(apex)
    }

    /// The deepest zone with the answer to a question, and its copy. DS records lie in the zone above the zone cut (RFC
    /// 4035 section 2.4).
    #[must_use]
    pub fn find(&self, asked: &NameSlice, rtype: Rtype) -> Option<(&Name, &ZoneCopy)> {
        let above = usize::from(rtype == Rtype::DS);
        asked
            .iter_suffixes()
            .skip(above)
            .find_map(|name| self.zones.get_key_value(name.for_slice()))
    }

    /// Every zone, in the order of the names.
    pub fn all(&self) -> impl Iterator<Item = (&Name, &ZoneCopy)> {
        let mut all: Vec<(&Name, &ZoneCopy)> = self.zones.iter().collect();
        all.sort_by_key(|(apex, _)| *apex);
        all.into_iter()
    }

    /// Whether there is no zone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }
}
