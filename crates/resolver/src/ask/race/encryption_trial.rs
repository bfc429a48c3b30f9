//! Trials of opportunistic encryption (RFC 9539 section 4.6). A trial follows the reply in clear: no client waits for a
//! closed port.

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
    /// A server has answered in clear. Asks the same question over TLS, if a trial is due and earned.
    pub(super) fn try_encryption(&self, answered: &Attempt) {
        let shared = self.env.shared();
        if answered.endpoint.transport.is_encrypted() || !self.env.settings().opportunistic_tls {
            return;
        }
        shared.trial_budget.earn();
        // The budget is looked at first: most often no trial is earned.
        if !shared.trial_budget.is_left()
            || !self.candidates.is_trial_due(answered.endpoint.address)
            || !self.is_trial_still_due(answered)
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
        // `adopt` only queues the task, so `Begun` is recorded before the query is sent.
        self.env.count(Counter::UpstreamTlsTrials);
        observe(self.env, server, Observation::Trial(TrialEvent::Begun));
    }

    /// Whether no other race has begun a trial since the candidates of this race were estimated.
    fn is_trial_still_due(&self, answered: &Attempt) -> bool {
        let (shared, in_clear) = (self.env.shared(), answered.endpoint.over(Transport::Udp));
        shared.cache.server(in_clear, shared.now()).encryption.is_due(shared.now())
    }
}
