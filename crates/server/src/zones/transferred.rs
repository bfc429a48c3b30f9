//! The zones that came from primaries, which outlast the configuration in force.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use zoners_dns::Name;
use zoners_zones::ZoneCopy;

/// The copies of zones with primaries.
#[derive(Debug, Default)]
pub(crate) struct TransferredZones(Mutex<BTreeMap<Name, ZoneCopy>>);

impl TransferredZones {
    /// Puts a copy in the place of the former one.
    pub(crate) fn put(&self, apex: Name, copy: ZoneCopy) {
        self.0.lock().insert(apex, copy);
    }

    /// Whether there is a copy, or a reason why there is none.
    pub(crate) fn has(&self, apex: &Name) -> bool {
        self.0.lock().contains_key(apex)
    }

    /// Forgets other zones than these.
    pub(crate) fn retain(&self, stays: impl Fn(&Name) -> bool) {
        self.0.lock().retain(|apex, _| stays(apex));
    }

    /// Every copy.
    pub(crate) fn all(&self) -> Vec<(Name, ZoneCopy)> {
        self.0.lock().iter().map(|(apex, copy)| (apex.clone(), copy.clone())).collect()
    }
}
