//! Whether a daemon answers and resolves, as `zoners healthcheck` finds it.

use serde::{Deserialize, Serialize};

use crate::Problem;

/// The result of a health check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthReport {
    /// Whether the daemon answered and resolved the name.
    pub healthy: bool,
    /// The address and port that were asked by DNS; none if that could not be found out.
    pub server: Option<String>,
    /// The name that was asked for.
    pub name: String,
    /// The response code of the answer; none if there was none.
    pub rcode: Option<String>,
    /// Milliseconds from the question to the answer; none if there was none.
    pub took_ms: Option<f64>,
    /// Why it is not healthy, as a sentence; none if it is.
    pub error: Option<String>,
    /// Problems that the daemon knows of; empty where it was not asked.
    pub problems: Vec<Problem>,
}
