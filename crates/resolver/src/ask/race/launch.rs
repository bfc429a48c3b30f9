//! The start of attempts: the next one, and probes beside the first.

use tokio::time::Instant;
use zoners_dns::{Counter, Network};

use super::Race;
use super::permits::NextStep;
use super::running::RunningAttempt;
use crate::ask::exchange::{Suspicion, attempt};
use crate::model::asking::UpstreamQuery;
use crate::selection::candidates::Attempt;

impl<N: Network> Race<'_, N> {
    /// Asks the next candidate, or looks up the address of one.
    pub(super) fn launch(&mut self) -> Option<Attempt> {
        if self.exhausted.is_some() {
            self.hedge_at = Instant::now() + self.env.settings().limits.recursion;
            return None;
        }
        if self.candidates.wants_look_up() && self.candidates.has_unresolved() {
            let at_once = match self.step.depth {
                _ if self.candidates.has_fresh() => 1,
                0 => self.env.settings().limits.lookups_at_once,
                _ => 1,
            };
            self.look_up_more(at_once);
            // A second attempt at a server starts beside a look-up only if the look-up is late.
            if !self.lookups.is_empty() && self.candidates.is_empty() {
                self.hedge_at = Instant::now() + self.env.shared().rtt_prior.late() * 2;
                return None;
            }
        }
        if self.candidates.is_spent() {
            self.ask_for_child_servers();
        }
        let next = self.next_attempt();
        (self.waits_for_permit, self.wants_more) = (false, !matches!(next, NextStep::Ask(_)));
        let next = match next {
            NextStep::Ask(next) => next,
            // A dead zone is not waited for.
            NextStep::Wait(_) if self.probe.is_some() && !self.running.is_empty() => {
                self.probe = Some(0);
                self.hedge_at = Instant::now() + self.env.settings().limits.recursion;
                return None;
            }
            NextStep::Wait(until) => {
                self.wait_for_permit(until);
                return None;
            }
            // No candidate is left; the queries under way decide.
            NextStep::Nothing => {
                self.hedge_at = Instant::now() + self.env.settings().limits.recursion;
                return None;
            }
        };
        self.hedge_at = Instant::now() + self.hedge_after(&next);
        self.newest = Some(next.endpoint);
        self.waits_for_uplink = self.is_uplink_interrupted();
        self.env.shared().probe_budget.earn(self.env.settings().limits.probe_budget);
        match self.late > 0 || self.has_bad_message {
            true => self.ask_beside(next),
            false => self.ask(next, self.asking.clone()),
        }
        Some(next)
    }

    /// Probes an unknown server beside the first attempt, or a broken path, if an optional packet
    /// is available.
    pub(super) fn explore(&mut self, first: &Attempt) {
        if self.env.network().is_short() {
            return;
        }
        let probe_budget = &self.env.shared().probe_budget;
        if probe_budget.is_left(self.env.settings().limits.probe_budget)
            && let Some(unknown) = self.candidates.explore(first)
        {
            match self.may_add(&unknown) {
                true => {
                    probe_budget.take();
                    self.env.count(Counter::UpstreamProbes);
                    self.ask_beside(unknown);
                }
                false => self.candidates.take_back(&unknown),
            }
        }
        if let Some(probe) = self.candidates.probe(self.env)
            && self.may_add(&probe)
        {
            self.env.count(Counter::UpstreamProbes);
            self.ask_beside(probe);
        }
    }

    /// Sends a hedge, a repetition or a probe.
    fn ask_beside(&mut self, next: Attempt) {
        self.ask(next, UpstreamQuery { retry: true, ..self.asking.clone() });
    }

    fn ask(&mut self, next: Attempt, asking: UpstreamQuery) {
        let since = Instant::now();
        self.step.begin_query(since, next.endpoint, next.why, || {
            (&self.cut.zone, asking.question.rtype, &self.server(next.server).name)
        });
        let exchange = attempt(self.env.arc(), asking, next, self.step.clone());
        self.running.push(RunningAttempt {
            attempt: next,
            since,
            exchange,
            doubt: Suspicion::None,
        });
    }
}
