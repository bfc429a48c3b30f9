//! The zones that came from primaries, which outlast the configuration in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use zoners_dns::Name;
use zoners_zones::stored::StoredZone;
use zoners_zones::{ZoneCopy, ZoneVersion};

/// The copies of zones with primaries.
#[derive(Debug, Default)]
pub(crate) struct TransferredZones(Mutex<BTreeMap<Name, ZoneCopy>>);

impl TransferredZones {
    /// Puts a copy in the place of the former one.
    pub(crate) fn put(&self, apex: Name, copy: ZoneCopy) {
        self.0.lock().insert(apex, copy);
    }

    /// The version of a zone, if it may be used.
    pub(crate) fn version(&self, apex: &Name) -> Option<ZoneVersion> {
        match self.0.lock().get(apex)? {
            ZoneCopy::Loaded(zone) => Some(ZoneVersion::Loaded(zone.clone())),
            ZoneCopy::Stored(zone) => Some(ZoneVersion::Stored(zone.clone())),
            ZoneCopy::Unavailable(_) => None,
        }
    }

    /// The version of a zone behind a policy list, if it may be used.
    pub(crate) fn stored(&self, apex: &Name) -> Option<Arc<StoredZone>> {
        match self.version(apex)? {
            ZoneVersion::Stored(zone) => Some(zone),
            ZoneVersion::Loaded(_) => None,
        }
    }

    /// Why no copy of a zone may be used, if so.
    pub(crate) fn unavailable(&self, apex: &Name) -> Option<String> {
        match self.0.lock().get(apex)? {
            ZoneCopy::Loaded(_) | ZoneCopy::Stored(_) => None,
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
