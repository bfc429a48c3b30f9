//! Trials of opportunistic encryption (RFC 9539 section 4.6): beside the query in clear, and after its reply, so that no
//! client waits for a port that nobody listens on.

use zoners_cache::TrialEvent;
use zoners_dns::{Counter, Network, Transport};

use super::Race;
use crate::ask::exchange::attempt;
use crate::env::stragglers::StragglerFate;
use crate::model::asking::UpstreamQuery;
use crate::model::step::Step;
use crate::selection::candidates::Attempt;
use crate::selection::observation::{Observation, observe};

impl<N: Network> Race<'_, N> {
    /// A server has answered in clear. Asks the same over TLS, if a trial is due and earned.
    pub(super) fn try_encryption(&self, answered: &Attempt) {
        let shared = self.env.shared();
        if answered.endpoint.transport.is_encrypted() || !self.env.settings().opportunistic_tls {
            return;
        }
        shared.trial_budget.earn();
        // The budget is looked at first: most often no trial is earned.
        if !shared.trial_budget.is_left()
            || !self.candidates.is_trial_due(answered.endpoint.address)
            || self.env.network().is_short()
            || !shared.trial_budget.take()
        {
            return;
        }
        let server = answered.endpoint.over(Transport::Tls);
        let trial = Attempt::alone(server, "to see whether the server encrypts");
        let asking = UpstreamQuery { retry: true, ..self.asking.clone() };
        // No client query pays, since the answer is there.
        let step = Step::without_client(self.env.settings().limits);
        let exchange = attempt(self.env.arc(), asking, trial, step);
        if self.env.adopt(exchange.report) == StragglerFate::Full {
            shared.trial_budget.give_back();
            return;
        }
        // The adopted task has not run yet: the trial begins before its query is sent.
        self.env.count(Counter::UpstreamTlsTrials);
        observe(self.env, server, Observation::Trial(TrialEvent::Begun));
    }
}
