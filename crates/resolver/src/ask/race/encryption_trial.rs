//! Queries over TLS for which no client waits (RFC 9539 section 4.6): trials, and those that open a connection.
//!
//! A trial follows the reply in clear, so that a closed port delays nothing. A connection is opened beside a question
//! to another server of the zone, which replies before the handshakes are over; later questions find it open.

use zoners_cache::TrialEvent;
use zoners_dns::{Counter, Endpoint, Network, Transport};

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
        if !self.ask_aside(server, "to see whether the server encrypts") {
            shared.trial_budget.give_back();
            return;
        }
        // `adopt` only queues the task, so `Begun` is recorded before the query is sent.
        self.env.count(Counter::UpstreamTlsTrials);
        observe(self.env, server, Observation::Trial(TrialEvent::Begun));
    }

    /// The first attempt is in clear. Opens a connection to a server that encrypts and is as near.
    pub(super) fn open_connection(&self, first: &Attempt) {
        let budget = &self.env.shared().session_budget;
        let Some(server) = self.candidates.worth_a_connection(first) else { return };
        if self.is_uplink_interrupted() || self.env.network().is_short() || !budget.take() {
            return;
        }
        match self.ask_aside(server, "to have a connection open") {
            true => self.env.count(Counter::UpstreamSessionsOpened),
            false => budget.give_back(),
        }
    }

    /// Asks a server the question of the race, aside from the race. No client query pays, since no client waits.
    fn ask_aside(&self, server: Endpoint, why: &'static str) -> bool {
        let asking = UpstreamQuery { retry: true, ..self.asking.clone() };
        let step = Step::without_client(self.env.settings().limits);
        let exchange = attempt(self.env.arc(), asking, Attempt::alone(server, why), step);
        self.env.adopt(exchange.report) == StragglerFate::Living
    }

    /// Whether no other race has begun a trial since the candidates of this race were estimated.
    fn is_trial_still_due(&self, answered: &Attempt) -> bool {
        let (shared, in_clear) = (self.env.shared(), answered.endpoint.over(Transport::Udp));
        shared.cache.server(in_clear, shared.now()).encryption.is_due(shared.now())
    }
}
