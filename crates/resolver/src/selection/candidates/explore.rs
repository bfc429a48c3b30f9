//! Probes of servers beside the question, never instead of it.

use std::time::Duration;

use zoners_dns::{Endpoint, Moment, Network, Transport};

use super::candidate::{Candidate, Flaws};
use super::order::IN_CLEAR_HANDICAP;
use super::{Attempt, Candidates};
use crate::env::environment::Env;
use crate::infra::round_trips::RoundTrips;

/// With a server this near, no probe is worth its packet.
const NEAR: Duration = Duration::from_millis(10);

impl Candidates {
    /// A server to probe beside the first attempt: an unknown server if the known servers are few
    /// or far, or a server whose backoff has lasted long enough.
    pub(crate) fn explore(&mut self, beside: &Attempt) -> Option<Attempt> {
        let first = self.list.iter().find(|other| other.address() == beside.endpoint.address)?;
        if first.estimate.has_replied && first.estimate.rtt < NEAR {
            return None;
        }
        let has_replied = |server| {
            self.list.iter().any(|other| other.server() == server && other.estimate.has_replied)
        };
        let worth_it = |at: &usize| {
            let candidate = &self.list[*at];
            let estimate = &candidate.estimate;
            let is_untried = candidate.tries == 0
                && !candidate.is_excluded
                && !candidate.postponed
                && !candidate.lame
                && !candidate.cut_off
                && !candidate.over_tcp;
            let another = candidate.server() != first.server() && estimate.skipped_until.is_none();
            let unknown = !has_replied(candidate.server()) && estimate.penalty.is_zero();
            let is_penalised = estimate.has_replied
                && !estimate.penalty.is_zero()
                && estimate.rtt + NEAR < first.estimate.rtt;
            is_untried && another && (unknown || is_penalised)
        };
        let at = (0..self.list.len()).filter(worth_it).min_by_key(|at| self.cost(*at))?;
        Some(self.attempt(at, "to learn of it"))
    }

    /// The server that encrypts and that an open connection would have put in the place of the first attempt.
    pub(crate) fn worth_a_connection(&self, beside: &Attempt) -> Option<Endpoint> {
        if beside.endpoint.transport.is_encrypted() {
            return None;
        }
        let first = self.list.iter().find(|other| other.address() == beside.endpoint.address)?;
        let most = first.estimate.rtt + first.estimate.penalty + IN_CLEAR_HANDICAP;
        let worth_it = |candidate: &&Candidate| {
            let estimate = &candidate.estimate;
            let is_untried = candidate.tries == 0
                && !candidate.is_excluded
                && !candidate.postponed
                && !candidate.lame
                && !candidate.cut_off;
            let is_good = estimate.has_replied && estimate.penalty.is_zero();
            is_untried
                && is_good
                && candidate.over_tls
                && candidate.round_trips.is_closed()
                && estimate.rtt <= most
        };
        let nearest = self.list.iter().filter(worth_it).min_by_key(|other| other.estimate.rtt)?;
        Some(nearest.endpoint.over(Transport::Tls))
    }

    /// Whether another server would reply before the handshakes with an asked one are over. The address of a server that
    /// encrypts may be found first.
    pub(crate) fn has_quicker(&self, asked: Endpoint) -> bool {
        let is_asked = |other: &&Candidate| other.address() == asked.address;
        let Some(asked) = self.list.iter().find(is_asked).filter(|_| asked.is_opportunistic())
        else {
            return false;
        };
        let handshakes = match asked.round_trips {
            RoundTrips::ONE => return false,
            round_trips => asked.estimate.rtt * (round_trips.expected() - 1),
        };
        let is_quicker = |other: &Candidate| {
            other.is_well_known()
                && !other.cut_off
                && !other.postponed
                && other.time_to_reply() < handshakes
        };
        self.list.iter().any(is_quicker)
    }

    /// A server behind a broken path, probed now and then beside the first attempt, to see whether
    /// the path works again.
    pub(crate) fn probe<N: Network>(&mut self, env: &Env<N>) -> Option<Attempt> {
        let (paths, now) = (&env.shared().reachability, env.shared().now());
        let candidate = self.list.iter().find(|candidate| {
            let is_behind = candidate.cut_off || candidate.over_tcp;
            is_behind && paths.claim_probe(candidate.endpoint, now)
        })?;
        let Flaws { mishandles_edns, troubled } = candidate.flaws;
        Some(Attempt {
            endpoint: candidate.endpoint,
            edns: !mishandles_edns,
            troubled,
            is_first: true,
            server: candidate.server(),
            hedge_after: candidate.estimate.hedge_after,
            longest: candidate.estimate.alone,
            is_unproven: candidate.is_unproven,
            why: "to see whether this way works again",
        })
    }

    /// Servers in backoff, with its end.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = (Endpoint, Moment)> {
        let skipped =
            |candidate: &Candidate| Some((candidate.endpoint, candidate.estimate.skipped_until?));
        self.list.iter().filter_map(skipped)
    }
}
