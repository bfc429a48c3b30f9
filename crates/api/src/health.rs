//! The health of a daemon, as `zoners healthcheck` finds: whether the daemon answers and resolves.

use serde::{Deserialize, Serialize};

use crate::Problem;

/// The result of a health check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthReport {
    /// Whether the daemon answered and resolved the name.
    pub healthy: bool,
    /// Address and port of the DNS query; `None` if no address is known.
    pub server: Option<String>,
    /// The name in the question.
    pub name: String,
    /// The response code of the answer; `None` without an answer.
    pub rcode: Option<String>,
    /// Milliseconds from the question to the answer; `None` without an answer.
    pub took_ms: Option<f64>,
    /// The reason of bad health, as a sentence; `None` in good health.
    pub error: Option<String>,
    /// Problems reported by the daemon; empty without a control socket.
    pub problems: Vec<Problem>,
}
