//! Metrics for monitoring programs.

use serde::{Deserialize, Serialize};

/// The metrics of a daemon in a text format of Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MetricsText {
    /// The text, which ends with a line break.
    pub text: String,
}
