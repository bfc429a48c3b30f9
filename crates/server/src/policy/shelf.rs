//! The compiled policy in force, and the pauses: what a reload of the configuration leaves in place.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use tokio::sync::Notify;
use zoners_dns::{ClockReading, Moment};
use zoners_policy::CompiledPolicy;

use super::groups::PolicyGroups;
use super::supply::SuppliedList;
use super::{ListPolicy, build};
use crate::config::PolicyConfig;
use crate::pipeline::policy::Policy;

/// The most pauses: one for each group of a large configuration.
const MAX_PAUSES: usize = 256;

/// The compiled policy, the pauses, and the versions of lists.
#[derive(Debug, Default)]
pub(crate) struct PolicyShelf {
    compiled: ArcSwapOption<CompiledPolicy>,
    pauses: Mutex<Vec<PolicyPause>>,
    pauses_changed: Notify,
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

    /// The policy of a configuration with its groups, as of a reading of the clock; none without rules. Rules of groups
    /// are in force before the lists are compiled.
    pub(crate) fn policy(
        &self,
        config: &PolicyConfig,
        groups: &PolicyGroups,
        clock: ClockReading,
    ) -> Option<Arc<dyn Policy>> {
        let ClockReading { now, wall_seconds } = clock;
        let compiled = self.compiled.load_full().filter(|_| !config.list.is_empty());
        let without_lists = || config.has_group_rules().then(build::without_lists).flatten();
        let compiled = compiled.or_else(without_lists)?;
        let pauses = self.pauses.lock().clone();
        let is_paused = |name: &str| {
            let concerns = |pause: &&PolicyPause| {
                pause.until > now && pause.group.as_ref().is_none_or(|group| group == name)
            };
            pauses.iter().any(|pause| concerns(&pause))
        };
        match ListPolicy::new(config, groups, compiled, is_paused, wall_seconds) {
            Ok(policy) => Some(Arc::new(policy)),
            Err(error) => {
                tracing::error!("policy: not in force: {error}");
                None
            }
        }
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
