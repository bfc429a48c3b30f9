//! Tokens for programs, and the password of the dashboard.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest life of a token, in seconds: a year.
pub const MAX_TOKEN_SECONDS: u32 = 366 * 24 * 3600;

/// A secret, which no log shows.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct AdminSecret(pub String);

impl fmt::Debug for AdminSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminSecret(…)")
    }
}

/// What the bearer of a token may ask. Each scope has the requests of the scopes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TokenScope {
    /// Everything that changes nothing; past queries, too.
    Read,
    /// Pauses, lists and rules of the policy.
    Policy,
    /// Everything that a browser with a session may ask.
    Admin,
}

impl TokenScope {
    /// Every scope.
    pub const ALL: [TokenScope; 3] = [TokenScope::Read, TokenScope::Policy, TokenScope::Admin];

    /// The name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            TokenScope::Read => "read",
            TokenScope::Policy => "policy",
            TokenScope::Admin => "admin",
        }
    }
}

/// A new token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TokenCreated {
    /// The token, which is told this once.
    pub token: AdminSecret,
    /// About the token.
    pub about: TokenReport,
    /// The address of the HTTP API; `None` without a dashboard in the configuration.
    pub url: Option<String>,
}

/// A token, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TokenReport {
    /// The name by which the token is revoked.
    pub name: String,
    /// What the bearer may ask.
    pub scope: TokenScope,
    /// Seconds since 1970 (UTC) when the token was made.
    pub created_s: u64,
    /// Seconds since 1970 (UTC) when the token ends.
    pub expires_s: u64,
}

/// The tokens that have not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TokenList {
    /// The tokens, by name.
    pub tokens: Vec<TokenReport>,
}

/// A token has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TokenRevoked {
    /// The name.
    pub name: String,
}

/// The password of the dashboard was set or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DashboardPasswordSet {
    /// Whether there is a password now.
    pub is_set: bool,
    /// The file with the hash of the password; `None` if the password ends with the daemon.
    pub file: Option<String>,
}
