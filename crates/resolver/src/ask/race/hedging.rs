//! Hedging: when a server is late, and the next step.

use std::time::Duration;

use tokio::time::Instant;
use zoners_dns::{Counter, Network};

use super::Race;
use super::child_nameservers::ChildServers;
use crate::ask::interception::observe_silence;
use crate::env::interception::evidence::FailureSign;
use crate::infra::estimate::LEAST_PATIENCE;
use crate::model::answer::Unresolved;
use crate::model::budget::Exhausted;
use crate::model::verdict::Verdict;
use crate::selection::candidates::Attempt;
use crate::selection::observation::{Observation, observe};

/// The most halvings of the hedge delay of servers asked for the first time.
const MOST_HALVINGS: u8 = 4;

/// Late replies after which glue without any reply so far may be outdated.
const GLUE_DOUBTED_AFTER: u8 = 2;

/// The least wait for the servers of a dead zone after the last query.
const PROBED: Duration = Duration::from_millis(400);

impl<N: Network> Race<'_, N> {
    /// Whether the query to the newest server waits for a socket, as a further query would.
    fn waits_for_room(&self) -> bool {
        self.env.network().is_short()
            && self.running.iter().last().is_some_and(|newest| newest.exchange.is_to_be_sent())
    }

    /// Whether the newest query was not sent yet, for lack of a socket; then its time starts anew.
    pub(super) fn is_yet_to_be_asked(&mut self) -> bool {
        let waits = self.waits_for_room();
        if waits {
            self.hedge_at = Instant::now() + self.env.shared().rtt_prior.late();
        }
        waits
    }

    /// The result of a race whose time is over; for lack of a socket, the result says nothing about
    /// the zone.
    pub(super) fn end_in_time(&mut self) -> Result<Box<Verdict>, Unresolved> {
        if self.waits_for_room() {
            self.env.count(Counter::BudgetSockets);
            return Err(Exhausted(Counter::BudgetSockets).unresolved());
        }
        self.end()
    }

    /// The newest server is late: a second server is asked.
    pub(super) fn hedge(&mut self) {
        if !self.waits_for_uplink {
            self.late = self.late.saturating_add(1);
            if let Some(late) = self.newest {
                observe(self.env, late, Observation::LateReply);
                self.note_late(late);
                observe_silence(self.env, self.cut, late.address, FailureSign::Silence);
            }
        }
        self.probe_uplink_if_silent();
        if self.holds_back() {
            return;
        }
        self.candidates.update_estimates(self.env);
        if self.late >= GLUE_DOUBTED_AFTER {
            self.candidates.doubt_glue();
        }
        if self.launch().is_some() {
            self.env.count(Counter::UpstreamHedged);
        }
    }

    /// Whether the only remaining server is known by now to be slower than its hedge delay; then it
    /// is waited for.
    pub(super) fn is_not_late_after_all(&mut self) -> bool {
        let Some(newest) = self.running.iter().last() else { return false };
        let (since, address) = (newest.since, newest.attempt.endpoint.address);
        if self.running.iter().any(|other| other.attempt.endpoint.address != address) {
            return false;
        }
        self.candidates.update_estimates(self.env);
        let until = self.candidates.alone(address).map(|longest| since + longest);
        let later = until.filter(|until| *until > Instant::now());
        self.hedge_at = later.unwrap_or(self.hedge_at);
        later.is_some()
    }

    /// Asks a postponed candidate if it may be asked now; but not a second one at once with a query
    /// under way.
    pub(super) fn try_again(&mut self) {
        self.waits_for_permit = false;
        self.probe_uplink_if_silent();
        self.candidates.update_estimates(self.env);
        match self.running.is_empty() || self.hedge_at <= Instant::now() {
            true => _ = self.launch(),
            false => self.hedge_at = Instant::now() + self.env.shared().rtt_prior.late(),
        }
    }

    /// The hedge delay of `next`. The more servers are silent, the shorter the delay of untried
    /// servers.
    pub(super) fn hedge_after(&self, next: &Attempt) -> Duration {
        let halvings = match self.probe {
            Some(_) => MOST_HALVINGS,
            None if next.is_first => self.late.min(MOST_HALVINGS),
            None => 0,
        };
        (next.hedge_after / (1 << halvings)).max(LEAST_PATIENCE)
    }

    /// The end of the race: soon, if only servers in long backoff remain and no others can be
    /// found, else at `over`.
    pub(super) fn ends_at(&mut self, over: Instant) -> Instant {
        let hopeless = self.lookups.is_empty()
            && !matches!(self.child_servers_state, ChildServers::Asked(_))
            && (self.candidates.are_given_up() || self.probe == Some(0));
        let soon = || Instant::now() + self.longest_wait();
        self.hopeless_at = hopeless.then(|| self.hopeless_at.unwrap_or_else(soon));
        self.hopeless_at.map_or(over, |at| at.min(over))
    }

    /// The remaining wait for an unlikely reply.
    fn longest_wait(&self) -> Duration {
        let longest = self.running.iter().map(|running| running.attempt.longest).max();
        let late = self.env.shared().rtt_prior.late() * 2;
        longest.unwrap_or_default().max(if self.probe.is_some() { late.max(PROBED) } else { late })
    }
}
