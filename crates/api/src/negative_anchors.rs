//! Negative trust anchors: zones that are not validated for a time (RFC 7646).

use serde::{Deserialize, Serialize};

/// A zone is not validated from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegativeAnchorAdded {
    /// The zone.
    pub zone: String,
    /// Seconds until it is validated again.
    pub left_s: u32,
}

/// A zone is validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegativeAnchorRemoved {
    /// The zone.
    pub zone: String,
    /// Whether it was not validated before.
    pub removed: bool,
}

/// The zones that are not validated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegativeAnchors {
    /// The zones. Those of the configuration are not among them.
    pub zones: Vec<UnvalidatedZone>,
}

/// A zone that is not validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnvalidatedZone {
    /// The zone.
    pub zone: String,
    /// Seconds until it is validated again.
    pub left_s: u32,
}
