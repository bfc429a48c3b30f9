//! The zones that came from primaries, which outlast the configuration in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use zoners_dns::Name;
use zoners_zones::{AuthoritativeZone, ZoneCopy};

/// The copies of zones with primaries.
#[derive(Debug, Default)]
pub(crate) struct TransferredZones(Mutex<BTreeMap<Name, ZoneCopy>>);

impl TransferredZones {
    /// Puts a copy in the place of the former one.
    pub(crate) fn put(&self, apex: Name, copy: ZoneCopy) {
        self.0.lock().insert(apex, copy);
    }

    /// The copy of a zone, if it may be used.
    pub(crate) fn loaded(&self, apex: &Name) -> Option<Arc<AuthoritativeZone>> {
        match self.0.lock().get(apex)? {
            ZoneCopy::Loaded(zone) => Some(zone.clone()),
            ZoneCopy::Unavailable(_) => None,
        }
    }

    /// Why no copy of a zone may be used, if so.
    pub(crate) fn unavailable(&self, apex: &Name) -> Option<String> {
        match self.0.lock().get(apex)? {
            ZoneCopy::Loaded(_) => None,
            ZoneCopy::Unavailable(why) => Some(why.to_string()),
        }
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
