//! The compiled policy in force, and the pauses: what a reload of the configuration leaves in place.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use tokio::sync::Notify;
use zoners_dns::{ClockReading, Moment};
use zoners_policy::{CompiledPolicy, OperatorRules};

use super::groups::PolicyGroups;
use super::known_clients::KnownClients;
use super::pause_file::KeptPause;
use super::supply::SuppliedList;
use super::{ListHits, ListPolicy, PolicySurroundings, build};
use crate::config::{ClientNaming, HardwareAddress, PolicyConfig};
use crate::pipeline::Local;
use crate::pipeline::policy::Policy;

/// The longest pause: a week.
pub(crate) const MAX_PAUSE_SECONDS: u32 = 7 * 24 * 3600;
/// The most pauses: one for each group of a large configuration.
const MAX_PAUSES: usize = 256;

/// The compiled policy, the pauses, and the versions of lists.
#[derive(Debug, Default)]
pub(crate) struct PolicyShelf {
    compiled: ArcSwapOption<CompiledPolicy>,
    operator_rules: ArcSwap<OperatorRules>,
    pauses: Mutex<Vec<PolicyPause>>,
    pauses_changed: Notify,
    clients: Mutex<KnownClients>,
    /// The replies decided by each list since the start, by the name of the list.
    hits: Mutex<BTreeMap<String, ListHits>>,
    /// The configured lists, for reports.
    supply: ArcSwap<Vec<SuppliedList>>,
}

/// A pause of a group, or of all groups.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PolicyPause {
    group: Option<String>,
    until: Moment,
}

impl PolicyShelf {
    /// Replaces the compiled policy.
    pub(crate) fn put(&self, compiled: CompiledPolicy) {
        self.compiled.store(Some(Arc::new(compiled)));
    }

    /// Whether there is a compiled policy.
    pub(crate) fn has_policy(&self) -> bool {
        self.compiled.load().is_some()
    }

    /// Reports these lists from now on.
    pub(crate) fn put_supply(&self, supply: Vec<SuppliedList>) {
        if **self.supply.load() != supply {
            self.supply.store(Arc::new(supply));
        }
    }

    /// The configured lists.
    pub(crate) fn supply(&self) -> Arc<Vec<SuppliedList>> {
        self.supply.load_full()
    }

    /// The rules of the operator.
    pub(crate) fn operator_rules(&self) -> Arc<OperatorRules> {
        self.operator_rules.load_full()
    }

    /// Replaces the rules of the operator.
    pub(crate) fn put_operator_rules(&self, rules: Arc<OperatorRules>) {
        self.operator_rules.store(rules);
    }

    /// The policy of a configuration with its groups, as of a reading of the clock; none without rules. Rules of groups
    /// and of the operator are in force before the lists are compiled.
    pub(crate) fn policy(
        &self,
        config: &PolicyConfig,
        groups: &PolicyGroups,
        local: &Local,
        clock: ClockReading,
    ) -> Option<Arc<dyn Policy>> {
        self.policy_with(self.operator_rules(), config, groups, local, clock)
    }

    /// The policy with these rules of the operator.
    pub(crate) fn policy_with(
        &self,
        operator_rules: Arc<OperatorRules>,
        config: &PolicyConfig,
        groups: &PolicyGroups,
        local: &Local,
        clock: ClockReading,
    ) -> Option<Arc<dyn Policy>> {
        let ClockReading { now, wall_seconds } = clock;
        let compiled = self.compiled.load_full().filter(|_| !config.list.is_empty());
        let has_rules = config.has_group_rules() || !operator_rules.is_empty();
        let without_lists = || has_rules.then(build::without_lists).flatten();
        let compiled = compiled.or_else(without_lists)?;
        self.hits.lock().retain(|name, _| config.list.iter().any(|list| list.name == *name));
        let pauses = self.pauses.lock().clone();
        let is_paused = |name: &str| {
            let concerns = |pause: &&PolicyPause| {
                pause.until > now && pause.group.as_ref().is_none_or(|group| group == name)
            };
            pauses.iter().any(|pause| concerns(&pause))
        };
        let addresses_of = |client: &ClientNaming| match client {
            ClientNaming::Prefix(_) => Vec::new(),
            ClientNaming::Hardware(address) => self.clients.lock().addresses(*address),
            ClientNaming::Name(name) => local.addresses(name),
        };
        let now = PolicySurroundings {
            unix_seconds: wall_seconds,
            is_paused: &is_paused,
            addresses_of: &addresses_of,
            hits_of: &|name| self.hits(name),
            operator_rules,
        };
        match ListPolicy::new(config, groups, compiled, &now) {
            Ok(policy) => Some(Arc::new(policy)),
            Err(error) => {
                tracing::error!("policy: not in force: {error}");
                None
            }
        }
    }

    /// The count of the replies that a list has decided.
    pub(crate) fn hits(&self, list: &str) -> ListHits {
        self.hits.lock().entry(list.to_owned()).or_default().clone()
    }

    /// Takes a table of neighbours; true if wanted clients have other addresses than before.
    pub(crate) fn observe_clients(
        &self,
        neighbours: &[(IpAddr, HardwareAddress)],
        wanted: &BTreeSet<HardwareAddress>,
        now: Moment,
    ) -> bool {
        self.clients.lock().observe(neighbours, wanted, now)
    }

    /// Pauses a group, or all groups, until a moment; a moment of the past ends the pause.
    pub(crate) fn pause(&self, group: Option<String>, until: Moment, now: Moment) {
        {
            let mut pauses = self.pauses.lock();
            pauses.retain(|pause| pause.until > now && pause.group != group);
            // The end of the pause of all groups ends every pause.
            if group.is_none() && until <= now {
                pauses.clear();
            }
            if until > now && pauses.len() < MAX_PAUSES {
                pauses.push(PolicyPause { group, until });
            }
        }
        self.pauses_changed.notify_one();
    }

    /// The pauses, by group, with their ends in Unix time.
    pub(crate) fn pauses(&self, clock: ClockReading) -> Vec<KeptPause> {
        let kept = |pause: &PolicyPause| {
            let left = pause.until.since(clock.now).as_secs();
            KeptPause { group: pause.group.clone(), until: clock.wall_seconds + left }
        };
        self.pauses.lock().iter().map(kept).collect()
    }

    /// Takes pauses of an earlier daemon, which end at their time; true if one is left.
    pub(crate) fn restore_pauses(&self, kept: Vec<KeptPause>, clock: ClockReading) -> bool {
        let mut pauses = self.pauses.lock();
        for KeptPause { group, until } in kept.into_iter().take(MAX_PAUSES) {
            // A clock that was set lengthens no pause beyond the longest.
            let left = until.saturating_sub(clock.wall_seconds).min(MAX_PAUSE_SECONDS.into());
            let until = clock.now.after(Duration::from_secs(left));
            if left > 0 {
                pauses.push(PolicyPause { group, until });
            }
        }
        !pauses.is_empty()
    }

    /// Whether a pause has ended and its group is still paused.
    pub(crate) fn has_ended_pause(&self, now: Moment) -> bool {
        self.pauses.lock().iter().any(|pause| pause.until <= now)
    }

    /// Forgets pauses that have ended.
    pub(crate) fn end_pauses(&self, now: Moment) {
        self.pauses.lock().retain(|pause| pause.until > now);
    }

    /// Ends once pauses have changed.
    pub(crate) async fn pauses_changed(&self) {
        self.pauses_changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(now: u64, wall_seconds: u64) -> ClockReading {
        ClockReading { now: Moment::from_millis(now * 1000), wall_seconds }
    }

    #[test]
    fn pauses_end_at_their_time_after_a_restart_too() {
        let shelf = PolicyShelf::default();
        let start = clock(500, 10_000);
        shelf.pause(Some("kids".into()), start.now.after_seconds(600), start.now);
        let kept = shelf.pauses(clock(600, 10_100));
        assert_eq!(kept, [KeptPause { group: Some("kids".into()), until: 10_600 }]);
        // The machine was started anew, and a minute has passed.
        let (next, now) = (PolicyShelf::default(), clock(7, 10_160));
        assert!(next.restore_pauses(kept.clone(), now));
        assert!(!next.has_ended_pause(now.now.after_seconds(439)));
        assert!(next.has_ended_pause(now.now.after_seconds(440)));
        let late = PolicyShelf::default();
        assert!(!late.restore_pauses(kept.clone(), clock(7, 10_600)), "over");
        // The clock stood in the past for a while.
        let early = PolicyShelf::default();
        assert!(early.restore_pauses(kept, clock(7, 0)));
        assert!(early.has_ended_pause(now.now.after_seconds(MAX_PAUSE_SECONDS)));
    }
}
