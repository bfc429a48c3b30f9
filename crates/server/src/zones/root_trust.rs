//! The check of a copy of the root zone before it is used: the digest of the zone (RFC 8976), and its signatures up to our
//! trust anchors. An unverified copy could name any server for any domain.

use std::sync::Arc;

use zoners_dns::Clock;
use zoners_dnssec::verify::ValidationTime;
use zoners_resolver::{Anchor, Settings};
use zoners_zones::AuthoritativeZone;
use zoners_zones::zonemd::{self, ZoneAnchor};

/// A check of a new version of a zone before it is used.
pub(crate) type ZoneCheck = Arc<dyn Fn(&AuthoritativeZone) -> Result<(), String>>;

/// The trust anchors of the root, and the time of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RootTrust {
    anchors: Vec<Anchor>,
    skew: u32,
    /// The time of a check in place of the clock, for tests.
    date: Option<u64>,
}

impl RootTrust {
    /// The trust of the resolver.
    pub(crate) fn of(settings: &Settings) -> Self {
        let anchors = settings.anchors.iter().filter(|anchor| anchor.zone.is_root()).cloned();
        let (skew, date) = (settings.skew, settings.validation_date);
        RootTrust { anchors: anchors.collect(), skew, date }
    }

    /// Verifies a copy of the root zone at a time of the wall clock.
    ///
    /// # Errors
    /// The copy is not the root zone as its keys have signed it, or is out of date.
    pub(crate) fn verify(&self, zone: &AuthoritativeZone, wall_seconds: u64) -> Result<(), String> {
        let time = ValidationTime { now: self.date.unwrap_or(wall_seconds), skew: self.skew };
        let Some(anchor) = self.anchors.first() else {
            return Err("there is no trust anchor of the root".to_owned());
        };
        let anchor = ZoneAnchor { ds: &anchor.ds, keys: &anchor.keys };
        let verified = zonemd::verify(zone, anchor, time);
        verified.map_err(|fault| format!("the copy is not verified: {fault}"))
    }

    /// The check of new versions.
    pub(crate) fn check(self, clock: Arc<dyn Clock>) -> ZoneCheck {
        Arc::new(move |zone| self.verify(zone, clock.wall_seconds()))
    }
}
