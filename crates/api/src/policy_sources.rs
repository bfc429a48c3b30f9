//! The origins of the policy's lists, and the state of each origin.

use serde::{Deserialize, Serialize};

/// After failures for this time, in seconds, a list is a problem.
const STALE_S: u64 = 3 * 24 * 3600;

/// The origin of a configured list, and the versions from there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicySourceReport {
    /// The name of the list.
    pub name: String,
    /// The file or the address.
    pub origin: String,
    /// Rules of the version in force; `None` without a version.
    pub rules: Option<u32>,
    /// Rules of the version before.
    pub former_rules: Option<u32>,
    /// Seconds since the list was last fetched, or found unchanged.
    pub age_s: Option<u64>,
    /// Seconds since the last attempt.
    pub attempt_age_s: Option<u64>,
    /// Failed attempts since the last success.
    pub failures: u32,
    /// Why the last attempt failed, or why the newest text is not used.
    pub error: Option<String>,
    /// The version that waits, as it surprises.
    pub held: Option<HeldListReport>,
}

/// A version of a list that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HeldListReport {
    /// Rules of the version.
    pub rules: u32,
    /// Why the version waits.
    pub text: String,
    /// Seconds until the version comes into force by itself; `None` if a person has to agree.
    pub left_s: Option<u64>,
}

impl PolicySourceReport {
    /// Whether a person should look at the list.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        let is_old = self.rules.is_none() || self.age_s.is_none_or(|age| age > STALE_S);
        self.held.is_some() || self.error.is_some() && is_old
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_needs_attention_when_it_waits_or_has_failed_for_days() {
        let well =
            PolicySourceReport { rules: Some(7), age_s: Some(60), ..PolicySourceReport::default() };
        assert!(!well.needs_attention());
        let held = Some(HeldListReport::default());
        assert!(PolicySourceReport { held, ..well.clone() }.needs_attention());
        let failed = PolicySourceReport { error: Some("gone".into()), ..well };
        assert!(!failed.needs_attention(), "for a while");
        assert!(
            PolicySourceReport { age_s: Some(STALE_S + 1), ..failed.clone() }.needs_attention()
        );
        assert!(PolicySourceReport { rules: None, ..failed }.needs_attention());
    }
}
