//! The trust anchor that applies to a name, and known unsigned zones below an anchor.

use zoners_cache::InsecureZone;
use zoners_dns::{Name, Network, name};

use crate::env::environment::Env;
use crate::model::settings::Anchor;

impl<N: Network> Env<N> {
    /// The deepest anchor at or above `name`; none where nothing is to be proven.
    pub(crate) fn anchor_of(&self, name: &Name) -> Option<&Anchor> {
        let settings = self.settings();
        let above = settings.anchors.iter().filter(|anchor| name::is_within(name, &anchor.zone));
        let anchor = above.max_by_key(|anchor| name::depth(&anchor.zone))?;
        let excepted = settings.negative_anchors.iter().any(|zone| {
            name::is_within(name, zone) && name::depth(zone) >= name::depth(&anchor.zone)
        });
        let depth = name::depth(&anchor.zone);
        let excepted =
            excepted || self.shared().negative_anchors.cover(name, depth, self.shared().now());
        let sets_clock = self.shared().clock_skew.wrong_by().is_some()
            && settings.time_servers.iter().any(|server| name::is_within(name, server));
        (!excepted && !sets_clock).then_some(anchor)
    }

    /// The known unsigned zone of `name` below the closest anchor: zones above an anchor do not decide
    /// below the anchor.
    pub(crate) fn known_unsigned(&self, name: &Name) -> Option<InsecureZone> {
        self.unsigned_below(self.anchor_of(name)?, name)
    }

    fn unsigned_below(&self, anchor: &Anchor, name: &Name) -> Option<InsecureZone> {
        let shared = self.shared();
        shared.cache.insecure_zone(name, name::depth(&anchor.zone), shared.now())
    }

    /// Whether nothing at `name` must be proven: no anchor applies, or the name lies in a zone that
    /// counts as unsigned.
    pub(crate) fn is_taken_as_it_comes(&self, name: &Name) -> bool {
        self.anchor_of(name).is_none_or(|anchor| self.unsigned_below(anchor, name).is_some())
    }

    /// Whether an anchor of the configuration tells the keys of the root zone.
    pub(crate) fn has_root_anchor(&self) -> bool {
        self.anchor_of(&name::root()).is_some()
    }
}
