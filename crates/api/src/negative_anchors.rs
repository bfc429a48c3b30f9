//! Negative trust anchors: zones without validation for a time (RFC 7646).

use serde::{Deserialize, Serialize};

/// A zone is not validated from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NegativeAnchorAdded {
    /// The zone.
    pub zone: String,
    /// Seconds until the zone is validated again.
    pub left_s: u32,
}

/// A zone is validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NegativeAnchorRemoved {
    /// The zone.
    pub zone: String,
    /// Whether a negative trust anchor was there.
    pub removed: bool,
}

/// Zones without validation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NegativeAnchorList {
    /// The zones, without the zones of the configuration.
    pub zones: Vec<UnvalidatedZone>,
}

/// A zone without validation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnvalidatedZone {
    /// The zone.
    pub zone: String,
    /// Seconds until the zone is validated again.
    pub left_s: u32,
}
