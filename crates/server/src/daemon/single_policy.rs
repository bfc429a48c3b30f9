//! The policy of a single worker: rules of groups and of the operator, without lists and without a state folder.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use zoners_dns::Network;

use super::list_requests::{ListRequest, ListRequests, requests};
use super::operator_rules;
use super::overseer::Overseer;
use crate::config::{Config, ConfigError};
use crate::pipeline::Service;
use crate::policy::groups::PolicyGroups;
use crate::policy::shelf::PolicyShelf;

/// The policy, and the service under that policy.
pub(super) struct SinglePolicy<N: Network> {
    config: Config,
    groups: PolicyGroups,
    shelf: Arc<PolicyShelf>,
    current: Arc<ArcSwap<Service<N>>>,
    ways: (ListRequests, mpsc::Receiver<ListRequest>),
    /// The number of the last rules.
    number: u32,
}

impl<N: Network> SinglePolicy<N> {
    /// The policy of `config` for a service.
    ///
    /// # Errors
    /// The groups of the configuration have faults.
    pub(super) fn new(
        config: Config,
        current: Arc<ArcSwap<Service<N>>>,
    ) -> Result<Self, ConfigError> {
        let groups = PolicyGroups::read(&config)?;
        let (shelf, ways) = (Arc::default(), requests());
        let number = current.load().rules().generation();
        Ok(SinglePolicy { config, groups, shelf, current, ways, number })
    }

    /// The rules and the pauses.
    pub(super) fn shelf(&self) -> Arc<PolicyShelf> {
        self.shelf.clone()
    }

    /// The way of requests.
    pub(super) fn requests(&self) -> ListRequests {
        self.ways.0.clone()
    }

    /// Puts the policy into force, and every change from now on.
    pub(super) async fn keep(mut self, overseer: Arc<Overseer<N>>) {
        let shelf = self.shelf.clone();
        self.renew(&overseer);
        loop {
            tokio::select! {
                biased;
                () = shelf.pauses_changed() => self.renew(&overseer),
                Some(request) = self.ways.1.recv() => self.answer(request, &overseer),
            }
        }
    }

    fn answer(&mut self, request: ListRequest, overseer: &Overseer<N>) {
        match request {
            ListRequest::Rule(request) => {
                let service = self.current.load_full();
                let (local, clock) = (service.rules().local(), service.clock());
                let (config, groups) = (&self.config.policy, &self.groups);
                let policy_with =
                    |rules| self.shelf.policy_with(rules, config, groups, local, clock);
                let answer = operator_rules::carry_out(request, &self.shelf, None, policy_with);
                // A trial and a refusal have changed nothing.
                if let Some(answer) = answer {
                    self.renew(overseer);
                    answer.send();
                }
            }
            ListRequest::Update { caller, .. } | ListRequest::Accept { caller, .. } => {
                // A caller that went away needs no reply.
                let _ = caller.send(Err("there are no lists here".to_owned()));
            }
        }
    }

    fn renew(&mut self, overseer: &Overseer<N>) {
        let service = self.current.load_full();
        let (rules, clock) = (service.rules(), service.clock());
        let policy = self.shelf.policy(&self.config.policy, &self.groups, rules.local(), clock);
        self.number += 1;
        let rules = Arc::new(rules.governed(policy, self.number));
        self.current.store(Arc::new(service.with_rules(rules.clone())));
        overseer.renew(overseer.service().with_rules(rules));
    }
}
