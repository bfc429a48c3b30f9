//! The strategies of networks that this machine has visited.

use serde::{Deserialize, Serialize};

use crate::strategy::Strategy;

/// Networks remembered at most: the one visited longest ago is forgotten first.
pub const MAX_NETWORKS: usize = 64;

/// A network that does not let recursion pass, and its strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedNetwork {
    /// The identifier: a keyed hash, which tells no place.
    pub id: String,
    /// The strategy of the last visit.
    pub strategy: Strategy,
}

/// Networks that do not let recursion pass, the latest visit last. Every other network needs no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkMemory {
    networks: Vec<RememberedNetwork>,
}

impl NetworkMemory {
    /// The strategy of the last visit.
    #[must_use]
    pub fn recall(&self, id: &str) -> Option<Strategy> {
        self.networks.iter().find(|network| network.id == id).map(|network| network.strategy)
    }

    /// Keeps the strategy of a network. Recursion is the rule and is not kept; a portal is temporary and changes
    /// nothing.
    pub(crate) fn keep(&mut self, id: &str, strategy: Strategy) {
        if strategy == Strategy::Portal {
            return;
        }
        self.networks.retain(|network| network.id != id);
        if strategy != Strategy::Recurse {
            self.networks.push(RememberedNetwork { id: id.to_owned(), strategy });
        }
        self.bound();
    }

    /// Forgets the oldest visits beyond the limit, as a file may have more.
    pub(crate) fn bound(&mut self) {
        let surplus = self.networks.len().saturating_sub(MAX_NETWORKS);
        self.networks.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_networks_are_kept() {
        let mut memory = NetworkMemory::default();
        for number in 0..MAX_NETWORKS + 10 {
            memory.keep(&number.to_string(), Strategy::ForwardValidating);
            memory.keep("0", Strategy::RecurseOverTcp);
        }
        assert_eq!(memory.networks.len(), MAX_NETWORKS);
        assert_eq!(memory.recall("0"), Some(Strategy::RecurseOverTcp), "visited last");
        assert_eq!((memory.recall("1"), memory.recall("73").is_some()), (None, true));
        memory.keep("73", Strategy::Portal);
        assert!(memory.recall("73").is_some());
        memory.keep("73", Strategy::Recurse);
        assert_eq!(memory.recall("73"), None, "the rule");
    }

    #[test]
    fn a_file_gives_the_same_back_and_stays_bounded() {
        let mut memory = NetworkMemory::default();
        memory.keep("ab12", Strategy::ForwardValidating);
        let json = serde_json::to_string(&memory).unwrap();
        assert_eq!(json, r#"{"networks":[{"id":"ab12","strategy":"forward-validating"}]}"#);
        assert_eq!(serde_json::from_str::<NetworkMemory>(&json).unwrap(), memory);
        let one = RememberedNetwork { id: "x".to_owned(), strategy: Strategy::RecurseOverTcp };
        let mut many = NetworkMemory { networks: vec![one; 1000] };
        many.bound();
        assert_eq!(many.networks.len(), MAX_NETWORKS);
    }
}
