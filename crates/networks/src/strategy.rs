//! The strategies, from the best to the least.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How questions become answers on a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Recursion from the root.
    #[default]
    Recurse,
    /// Recursion over TCP, since UDP does not pass.
    RecurseOverTcp,
    /// The resolver of the network is asked, and answers are validated here.
    ForwardValidating,
    /// The resolver of the network is asked, and nothing can be validated; only with the operator's consent.
    ForwardUnvalidated,
    /// A captive portal holds the network: its resolver answers where recursion cannot.
    Portal,
}

impl Strategy {
    /// Whether all questions go to the resolver of the network.
    #[must_use]
    pub const fn forwards(self) -> bool {
        matches!(self, Strategy::ForwardValidating | Strategy::ForwardUnvalidated)
    }

    /// The strategy as a sentence, for people.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Strategy::Recurse => "recursion from the root",
            Strategy::RecurseOverTcp => "recursion from the root over TCP, as UDP does not pass",
            Strategy::ForwardValidating => {
                "the network's resolver is asked, and its answers are validated"
            }
            Strategy::ForwardUnvalidated => {
                "the network's resolver is asked, and nothing is validated"
            }
            Strategy::Portal => "a captive portal holds this network until you log in",
        }
    }
}

/// The word for programs, as in JSON.
impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Strategy::Recurse => "recurse",
            Strategy::RecurseOverTcp => "recurse-over-tcp",
            Strategy::ForwardValidating => "forward-validating",
            Strategy::ForwardUnvalidated => "forward-unvalidated",
            Strategy::Portal => "portal",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_same_in_json() {
        for strategy in [
            Strategy::Recurse,
            Strategy::RecurseOverTcp,
            Strategy::ForwardValidating,
            Strategy::ForwardUnvalidated,
            Strategy::Portal,
        ] {
            let json = serde_json::to_string(&strategy).unwrap();
            assert_eq!(json, format!("\"{strategy}\""));
            assert!(!strategy.says().is_empty());
        }
    }
}
