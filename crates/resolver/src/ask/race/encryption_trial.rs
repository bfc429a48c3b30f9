//! Queries over TLS for which no client waits (RFC 9539 section 4.6): trials, and queries that open a connection.
//!
//! A trial follows the reply in clear, so that a closed port delays nothing. A connection is opened beside a question
//! to a different server of the zone, whose reply comes before the handshakes are over; later questions find the
//! connection open.

use zoners_cache::{EncryptionState, TrialEvent, TrialResult};
use zoners_dns::second_level::SecondLevelEntries;
use zoners_dns::{Counter, Endpoint, Network, Transport};

use super::Race;
use crate::ask::exchange::attempt;
use crate::env::environment::Env;
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
        self.look_up_trial(answered);
        // The budget is looked at first: most often no trial is earned.
        if !shared.trial_budget.is_left()
            || !self.candidates.is_trial_due(answered.endpoint.address)
            || !self.is_trial_still_due(answered)
            || self.env.network().is_short()
            || !shared.trial_budget.take()
        {
            return;
        }
        if !begin_trial(self.env, &self.asking, answered.endpoint) {
            shared.trial_budget.give_back();
        }
    }

    /// Asks the further nodes for the result of their trials at a server untried here. Where encryption works elsewhere, a trial
    /// needs no budget.
    fn look_up_trial(&self, answered: &Attempt) {
        let (shared, server) = (self.env.shared(), answered.endpoint.over(Transport::Udp));
        let Some(second) = shared.second_level() else { return };
        let now = shared.now();
        if !self.candidates.is_trial_due(server.address)
            || shared.cache.server(server, now).encryption.state(now) != EncryptionState::Unknown
            || !shared.trial_look_ups.claim(server.address, now)
        {
            return;
        }
        let found = second.look_up_trial(server.address);
        let (env, asking) = (self.env.arc(), self.asking.clone());
        self.env.adopt(Box::pin(async move {
            if let Some(found) = found.await {
                hear_of_trial(&env, &asking, server, &found);
            }
        }));
    }

    /// After a first attempt in clear, opens a connection to an equally near server that encrypts.
    pub(super) fn open_connection(&self, first: &Attempt) {
        let budget = &self.env.shared().session_budget;
        let Some(server) = self.candidates.worth_a_connection(first) else { return };
        if self.is_uplink_interrupted() || self.env.network().is_short() || !budget.take() {
            return;
        }
        match ask_aside(self.env, &self.asking, server, "to have a connection open") {
            true => self.env.count(Counter::UpstreamSessionsOpened),
            false => budget.give_back(),
        }
    }

    /// Whether no other race has begun a trial since the candidates of this race were estimated.
    fn is_trial_still_due(&self, answered: &Attempt) -> bool {
        let (shared, in_clear) = (self.env.shared(), answered.endpoint.over(Transport::Udp));
        shared.cache.server(in_clear, shared.now()).encryption.is_due(shared.now())
    }
}

/// Takes the result of the trials of a different node at a server.
fn hear_of_trial<N: Network>(
    env: &Env<N>,
    asking: &UpstreamQuery,
    server: Endpoint,
    found: &SecondLevelEntries,
) {
    let (shared, now) = (env.shared(), env.shared().now());
    let result = TrialResult::decode(&found.entries, found.shift, now);
    let Some(result) = result.filter(|_| found.trusted) else {
        env.count(Counter::SecondLevelRejected);
        return;
    };
    env.count(Counter::SecondLevelTrials);
    // A race may have begun a trial meanwhile.
    if !shared.cache.server(server, now).encryption.is_due(now) {
        return;
    }
    match result.works {
        true => _ = begin_trial(env, asking, server),
        false => _ = observe(env, server, Observation::TrialElsewhere { failed_at: result.at }),
    }
}

/// Asks a server over TLS, to see whether the server encrypts; false if too many queries go on already.
fn begin_trial<N: Network>(env: &Env<N>, asking: &UpstreamQuery, server: Endpoint) -> bool {
    let server = server.over(Transport::Tls);
    let has_begun = ask_aside(env, asking, server, "to see whether the server encrypts");
    if has_begun {
        // `adopt` only queues the task, so `Begun` is recorded before the query is sent.
        env.count(Counter::UpstreamTlsTrials);
        observe(env, server, Observation::Trial(TrialEvent::Begun));
    }
    has_begun
}

/// Asks a server the question of a race, aside from the race. No client query pays, since no client waits.
fn ask_aside<N: Network>(
    env: &Env<N>,
    asking: &UpstreamQuery,
    server: Endpoint,
    why: &'static str,
) -> bool {
    let asking = UpstreamQuery { retry: true, ..asking.clone() };
    let step = Step::without_client(env.settings().limits);
    let exchange = attempt(env.arc(), asking, Attempt::alone(server, why), step);
    env.adopt(exchange.report) == StragglerFate::Living
}
