//! The way into the dashboard.

use serde::{Deserialize, Serialize};

/// A link into the dashboard, for one use. Only the owner of the daemon gets it, over the control socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DashboardLink {
    /// The address for a browser of this machine. It has a secret, which is worth nothing after its use.
    pub url: String,
    /// Seconds until the link ends by itself.
    pub valid_s: u32,
}
