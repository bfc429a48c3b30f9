//! The health of a daemon: as `zoners healthcheck` finds, by a question, and as the daemon says.

use serde::{Deserialize, Serialize};

use crate::{DaemonStatus, Problem, Severity};

/// The result of a health check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// The health of a daemon, as the daemon says (`GET /health` of the HTTP service).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DaemonHealth {
    /// Whether names are resolved, as far as is known.
    pub healthy: bool,
    /// The reasons of bad health; empty in good health.
    pub problems: Vec<Problem>,
}

impl DaemonHealth {
    /// The health behind a status.
    #[must_use]
    pub fn of(status: &DaemonStatus) -> Self {
        let problems = status.problems.iter();
        let severe = problems.filter(|problem| problem.severity == Severity::Error);
        DaemonHealth { healthy: !status.is_failing(), problems: severe.cloned().collect() }
    }
}
