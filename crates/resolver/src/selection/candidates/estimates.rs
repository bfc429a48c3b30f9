//! The estimate of each candidate, over UDP and over TCP.

use std::time::Duration;

use zoners_cache::ServerInfo;
use zoners_dns::{Network, Transport};

use super::{Candidate, Candidates};
use crate::env::environment::Env;
use crate::infra::estimate::{Estimator, LatencyEstimate};

/// No trial of encryption is made at a server farther away: a query on a new connection takes three round trips.
const FARTHEST_TRIAL: Duration = Duration::from_secs(1);
/// Unanswered datagrams after which a server replying over TCP is asked over TCP first.
const SILENT_OVER_UDP: u16 = 2;

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
            let over_udp = estimator.estimate(&infos[at], sibling);
            let is_near = infos[at].srtt().is_some_and(|srtt| srtt <= FARTHEST_TRIAL);
            self.list[at].is_trial_due = is_near && infos[at].encryption.is_due(estimator.now);
            let over_tls = self.over_tls(&infos[at], &self.list[at], env, &estimator, sibling);
            self.list[at].over_tls = over_tls.is_some();
            let udp_fails = !over_udp.penalty.is_zero() || estimator.broken.udp;
            let tcp = match udp_fails && over_tls.is_none() && !self.list[at].no_tcp {
                true => self.works_over_tcp(&infos[at], &self.list[at], env, &estimator),
                false => None,
            };
            self.list[at].over_tcp = tcp.is_some();
            let answered = |info: &ServerInfo| info.replied_at > 0;
            self.list[at].is_unproven =
                self.watched && !answered(&infos[at]) && !tcp.as_ref().is_some_and(answered);
            let over_tcp = tcp.map(|info| estimator.estimate(&info, sibling));
            self.list[at].estimate = over_tls.or(over_tcp).unwrap_or(over_udp);
            self.list[at].cut_off = estimator.broken.has(address.ip());
            self.list[at].edns = !infos[at].mishandles_edns();
            self.list[at].troubled = infos[at].trouble.is_some_and(|known| !known.is_silence());
        }
    }

    /// The estimate over TLS, if the server encrypts and replies.
    fn over_tls<N: Network>(
        &self,
        over_udp: &ServerInfo,
        candidate: &Candidate,
        env: &Env<N>,
        estimator: &Estimator,
        sibling: Option<Duration>,
    ) -> Option<LatencyEstimate> {
        let encrypts = self.encrypts && env.settings().opportunistic_tls;
        if !encrypts || !over_udp.encryption.is_usable(estimator.now) {
            return None;
        }
        let endpoint = candidate.endpoint.over(Transport::Tls);
        let estimate =
            estimator.estimate(&env.shared().cache.server(endpoint, estimator.now), sibling);
        // A silent one is asked in clear.
        (estimate.skipped_until.is_none() && !estimate.given_up).then_some(estimate)
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
