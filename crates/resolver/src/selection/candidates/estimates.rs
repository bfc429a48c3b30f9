//! The estimate of each candidate, over the transport of its first attempt.

use std::time::Duration;

use zoners_cache::ServerInfo;
use zoners_dns::{Network, Transport};

use super::Candidates;
use super::candidate::{Candidate, Flaws};
use crate::env::environment::Env;
use crate::infra::estimate::{Estimator, LatencyEstimate};
use crate::infra::round_trips::RoundTrips;

/// No trial of encryption is made at a server farther away: a query on a new connection takes three round trips.
pub(super) const FARTHEST_TRIAL: Duration = Duration::from_secs(1);
/// The longest wait for a reply over TLS, in waits for one in clear: a proxy within TLS may be slower than the server, and
/// a connection that stands still is no reason to wait.
pub(super) const MOST_PATIENCE_OVER_TLS: u32 = 4;
/// Unanswered datagrams after which a server replying over TCP is asked over TCP first.
const SILENT_OVER_UDP: u16 = 2;

/// What is known of a server over the transport of the first attempt.
struct FirstAttempt {
    transport: Transport,
    estimate: LatencyEstimate,
    flaws: Flaws,
    has_answered: bool,
    srtt: Option<Duration>,
}

impl FirstAttempt {
    fn over(transport: Transport, info: &ServerInfo, estimate: LatencyEstimate) -> Self {
        FirstAttempt {
            transport,
            estimate,
            flaws: Flaws::of(info),
            has_answered: info.replied_at > 0,
            srtt: info.srtt(),
        }
    }
}

impl Flaws {
    fn of(info: &ServerInfo) -> Self {
        Flaws {
            mishandles_edns: info.mishandles_edns(),
            troubled: info.trouble.is_some_and(|known| !known.is_silence()),
        }
    }
}

impl Candidates {
    /// Estimates each candidate from the infra cache.
    pub(crate) fn update_estimates<N: Network>(&mut self, env: &Env<N>) {
        let Some(first) = self.list.first() else { return };
        let shared = env.shared();
        let mut uplink = shared.uplinks.to(first.address().ip());
        let mut estimator = shared.estimator(uplink);
        self.silent = estimator.silent;
        self.can_probe = shared.probe_budget.is_left(env.settings().limits.probe_budget);
        let cache = &env.shared().cache;
        let infos: Vec<_> = self
            .list
            .iter()
            .map(|candidate| cache.server(candidate.endpoint, estimator.now))
            .collect();
        for at in 0..self.list.len() {
            let (address, server) = (self.list[at].address(), self.list[at].server());
            // Most candidates share one uplink.
            let own = shared.uplinks.to(address.ip());
            if !std::ptr::eq(own, uplink) {
                (uplink, estimator) = (own, shared.estimator(own));
            }
            let of_name =
                self.list.iter().zip(&infos).filter(|(other, _)| other.server() == server);
            let sibling = of_name.filter_map(|(_, info)| info.srtt()).min();
            let first = self.first_attempt(&infos[at], &self.list[at], env, &estimator, sibling);
            let has_answered = first.has_answered || infos[at].replied_at > 0;
            let candidate = &mut self.list[at];
            let is_another = first.transport != candidate.endpoint.transport;
            // Where only TCP works, there is no SRTT over UDP.
            let srtt = infos[at].srtt().or(first.srtt);
            let is_near = srtt.is_some_and(|srtt| srtt <= FARTHEST_TRIAL);
            candidate.is_trial_due = is_near && infos[at].encryption.is_due(estimator.now);
            candidate.over_tls = is_another && first.transport == Transport::Tls;
            candidate.over_tcp = is_another && first.transport == Transport::Tcp;
            candidate.round_trips =
                RoundTrips::of(env.network(), candidate.endpoint.over(first.transport));
            candidate.is_unproven = self.watched && !has_answered;
            candidate.estimate = first.estimate;
            candidate.cut_off = estimator.broken.has(address.ip());
            candidate.flaws = Flaws::of(&infos[at]);
            candidate.first_flaws = first.flaws;
        }
    }

    /// The transport of the first attempt at a server, from what is known of the server in clear: TLS if the server
    /// encrypts, TCP if only TCP works.
    fn first_attempt<N: Network>(
        &self,
        in_clear: &ServerInfo,
        candidate: &Candidate,
        env: &Env<N>,
        estimator: &Estimator,
        sibling: Option<Duration>,
    ) -> FirstAttempt {
        if let Some((info, estimate)) =
            self.works_over_tls(in_clear, candidate, env, estimator, sibling)
        {
            return FirstAttempt::over(Transport::Tls, &info, estimate);
        }
        let estimate = estimator.estimate(in_clear, sibling);
        let udp_fails = !estimate.penalty.is_zero() || estimator.broken.udp;
        if udp_fails
            && !candidate.no_tcp
            && let Some(info) = self.works_over_tcp(in_clear, candidate, env, estimator)
        {
            let estimate = estimator.estimate(&info, sibling);
            return FirstAttempt::over(Transport::Tcp, &info, estimate);
        }
        FirstAttempt::over(candidate.endpoint.transport, in_clear, estimate)
    }

    /// The infra cache entry for TLS and the estimate, if the server encrypts and replies.
    fn works_over_tls<N: Network>(
        &self,
        over_udp: &ServerInfo,
        candidate: &Candidate,
        env: &Env<N>,
        estimator: &Estimator,
        sibling: Option<Duration>,
    ) -> Option<(ServerInfo, LatencyEstimate)> {
        let encrypts = self.encrypts && env.settings().opportunistic_tls;
        if !encrypts || !over_udp.encryption.is_usable(estimator.now) {
            return None;
        }
        let endpoint = candidate.endpoint.over(Transport::Tls);
        let over_tls = env.shared().cache.server(endpoint, estimator.now);
        let in_clear = estimator.estimate(over_udp, sibling);
        let estimate = estimator
            .estimate(&over_tls, sibling)
            .no_more_patient(&in_clear, MOST_PATIENCE_OVER_TLS);
        // A silent server is asked in clear.
        let answers = estimate.skipped_until.is_none() && !estimate.given_up;
        answers.then_some((over_tls, estimate))
    }

    /// The infra cache entry for TCP, if TCP works and UDP does not.
    fn works_over_tcp<N: Network>(
        &self,
        over_udp: &ServerInfo,
        candidate: &Candidate,
        env: &Env<N>,
        estimator: &Estimator,
    ) -> Option<ServerInfo> {
        let silent = over_udp.unanswered >= SILENT_OVER_UDP;
        if candidate.endpoint.transport != Transport::Udp || !(silent || estimator.broken.udp) {
            return None;
        }
        let endpoint = candidate.endpoint.over(Transport::Tcp);
        let over_tcp = env.shared().cache.server(endpoint, estimator.now);
        // A query under way is no evidence yet: a datagram goes beside.
        let under_way = u16::from(candidate.streamed && candidate.tries == 1);
        let answers =
            over_tcp.replied_at > over_udp.waiting_since && over_tcp.unanswered <= under_way;
        (answers || estimator.broken.udp).then_some(over_tcp)
    }
}
