//! Candidates: the servers of a zone, for a race.
//!
//! Every nameserver with known addresses takes part. Candidates are ordered
//! by estimated latency; a failed attempt adds to the estimate, also for further addresses of the
//! same name. Lame servers, servers in backoff and servers behind a broken path come last.

mod candidate;
mod estimates;
mod explore;
mod order;
mod outcomes;
mod silent_zone;
mod unresolved;

use std::net::SocketAddr;

use zoners_dns::{
    Counter, Delegation, DsStatus, Endpoint, NameServer, Network, QueryMode, Transport,
};

use crate::env::environment::Env;
use crate::infra::unproven_addresses::is_watched;
use crate::model::step::Step;
use crate::selection::addresses::{addresses_of, is_known_without_address, own_addresses};
use crate::selection::candidates::candidate::Candidate;
use crate::selection::candidates::silent_zone::has_answered;

pub(crate) use order::Attempt;

/// The servers of a zone, ordered by server selection.
#[derive(Debug)]
pub(crate) struct Candidates {
    transport: Transport,
    list: Vec<Candidate>,
    limit: usize,
    /// Whether an outsider named the servers.
    watched: bool,
    /// Whether the servers are authorities, which are asked over TLS if they speak TLS.
    encrypts: bool,
    /// Nameservers without known addresses, as indices into the delegation's servers.
    unresolved: Vec<usize>,
    /// Nameservers with addresses from glue alone, which their own zone may contradict.
    glue_only: Vec<usize>,
    /// The addresses from glue may be outdated.
    doubts_glue: bool,
    /// The race is for a nested look-up: lame and silent servers are not tried, repaired or not.
    is_nested: bool,
    /// Addresses with bogus answers.
    avoided: Vec<SocketAddr>,
    /// Whether an answer without EDNS will do.
    plain: bool,
    /// No server has replied lately: UDP may not work.
    silent: bool,
    /// The probe budget allows probes of unknown servers beside the question.
    can_probe: bool,
    /// The zone is dead, and is asked over datagrams alone.
    dead: bool,
}

impl Candidates {
    /// Lines up the servers of `cut`, without the addresses to be avoided in this step.
    pub(crate) fn new<N: Network>(env: &Env<N>, cut: &Delegation, step: &Step) -> Self {
        let mut order: Vec<usize> = (0..cut.servers.len()).collect();
        env.shared().random.shuffle(&mut order);
        let in_play = env.settings().limits.servers_in_play;
        let limit = env.settings().limits.addresses;
        let addresses: usize = cut.servers.iter().map(|server| server.addresses.len()).sum();
        if order.len() > in_play || addresses > limit {
            // A known responsive server always takes part, and is not left out by chance.
            order.sort_by_key(|server| !has_answered(env, cut, *server));
        }
        order.truncate(in_play);
        let mut candidates = Candidates::without_addresses(cut, step, limit);
        candidates.list.reserve_exact(addresses.min(limit));
        for server in order {
            let named = &cut.servers[server];
            let resolvable = is_resolvable(named, cut);
            let addresses = match resolvable {
                true => addresses_of(env, named),
                false => named.addresses.as_slice().into(),
            };
            candidates.add_addresses(env, cut, server, &addresses);
            match (resolvable, addresses.is_empty()) {
                (true, false) => candidates.glue_only.push(server),
                (true, true) if !is_known_without_address(env, &named.name) => {
                    candidates.unresolved.push(server);
                }
                _ => {}
            }
        }
        candidates.update_estimates(env);
        if cut.mode == QueryMode::Iterative {
            candidates.add_own_addresses(env, cut);
        }
        candidates
    }

    /// No candidate yet.
    fn without_addresses(cut: &Delegation, step: &Step, limit: usize) -> Self {
        Candidates {
            transport: cut.transport,
            list: Vec::new(),
            limit,
            watched: is_watched(cut),
            encrypts: cut.mode == QueryMode::Iterative && cut.transport == Transport::Udp,
            unresolved: Vec::new(),
            glue_only: Vec::new(),
            doubts_glue: false,
            avoided: step.avoided().to_vec(),
            is_nested: step.depth > 0,
            // Without EDNS a signed zone's answer has no signatures.
            plain: !matches!(cut.signing, DsStatus::Signed(_)),
            silent: false,
            can_probe: false,
            dead: false,
        }
    }

    /// Adds the addresses that the servers' own zones give, beside unproven glue, which may be
    /// outdated.
    fn add_own_addresses<N: Network>(&mut self, env: &Env<N>, cut: &Delegation) {
        let before = self.list.len();
        for (server, named) in cut.servers.iter().enumerate() {
            let mut of_name = self.list[..before].iter().filter(|other| other.server() == server);
            if !of_name.clone().any(Candidate::is_well_known) && of_name.next().is_some() {
                let own = own_addresses(env, &named.name);
                if !own.is_empty() {
                    self.add_addresses(env, cut, server, &own);
                    self.prefer_own(&own);
                    self.glue_only.retain(|at| *at != server);
                }
            }
        }
        if self.list.len() > before {
            self.update_estimates(env);
        }
    }

    /// Adds addresses of a server.
    pub(crate) fn add<N: Network>(
        &mut self,
        env: &Env<N>,
        cut: &Delegation,
        server: usize,
        addresses: &[SocketAddr],
    ) {
        self.add_addresses(env, cut, server, addresses);
        self.update_estimates(env);
    }

    /// Adds a server named by the child zone alone, numbered after the servers of `cut`.
    pub(crate) fn add_child_servers<N: Network>(
        &mut self,
        env: &Env<N>,
        cut: &Delegation,
        at: usize,
        server: &NameServer,
    ) {
        let addresses = addresses_of(env, server);
        if addresses.is_empty() {
            self.unresolved.push(at);
        }
        self.add(env, cut, at, &addresses);
    }

    fn add_addresses<N: Network>(
        &mut self,
        env: &Env<N>,
        cut: &Delegation,
        server: usize,
        addresses: &[SocketAddr],
    ) {
        let shared = env.shared();
        let now = shared.now();
        let Ok(place) = u16::try_from(server) else {
            env.count(Counter::LimitDelegationAddresses);
            return;
        };
        for address in addresses {
            // A server that the child zone alone names has no encryption.
            let named = cut.servers.get(server);
            let plain = || Endpoint::new(*address, self.transport);
            let endpoint = named.map_or_else(plain, |it| it.endpoint(*address, self.transport));
            if self.avoided.contains(&endpoint.address)
                || self.has(endpoint.address)
                || !env.settings().has_family(address.ip())
            {
                continue;
            }
            if self.list.len() >= self.limit {
                env.count(Counter::LimitDelegationAddresses);
                return;
            }
            let lame = shared.cache.is_lame(&cut.zone, endpoint.over(Transport::Udp), now);
            // Referrals can name any number of nameservers in a victim's zone.
            if lame && self.is_nested {
                continue;
            }
            let jitter = shared.random.below(5000) as u16;
            self.list.push(Candidate::new(endpoint, place, jitter, lame));
        }
    }

    /// Whether a candidate has not been tried at all.
    pub(crate) fn has_fresh(&self) -> bool {
        self.list.iter().any(|candidate| candidate.tries == 0 && !candidate.is_excluded)
    }

    /// Whether every address was tried as often as allowed, or gave a bad answer.
    pub(crate) fn is_spent(&self) -> bool {
        let enough = |candidate: &Candidate| self.most_tries(candidate).min(2);
        self.list
            .iter()
            .all(|candidate| candidate.is_excluded || candidate.tries >= enough(candidate))
    }

    /// Whether every candidate has given a bad answer.
    pub(crate) fn have_all_answered(&self) -> bool {
        self.list.iter().all(|candidate| candidate.is_excluded && !candidate.has_network_error)
    }

    /// Whether every candidate is lame, in backoff or given up.
    pub(crate) fn are_in_trouble(&self) -> bool {
        let in_trouble = |candidate: &Candidate| {
            let estimate = &candidate.estimate;
            candidate.lame
                || candidate.first_flaws.troubled
                || estimate.given_up
                || estimate.skipped_until.is_some()
        };
        !self.list.is_empty() && self.list.iter().all(in_trouble)
    }

    /// Whether a server has replied, and is not in backoff.
    pub(crate) fn is_responsive(&self, address: SocketAddr) -> bool {
        let is_good = |candidate: &Candidate| {
            let estimate = &candidate.estimate;
            estimate.has_replied && estimate.skipped_until.is_none() && !estimate.given_up
        };
        self.list.iter().any(|candidate| candidate.address() == address && is_good(candidate))
    }

    /// Whether an address is a candidate, or was.
    pub(crate) fn has(&self, address: SocketAddr) -> bool {
        self.list.iter().any(|candidate| candidate.address() == address)
    }

    /// Whether a trial of encryption may be made at a server.
    pub(crate) fn is_trial_due(&self, address: SocketAddr) -> bool {
        let due = |candidate: &Candidate| candidate.address() == address && candidate.is_trial_due;
        self.encrypts && self.list.iter().any(due)
    }

    /// Whether no address is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// A name within the zone itself cannot be looked up without its glue (RFC 1034 section 4.2.1). A configured server
/// with a name alone is looked up around the route of the server.
fn is_resolvable(server: &NameServer, cut: &Delegation) -> bool {
    server.is_named_alone()
        || cut.mode == QueryMode::Iterative && !zoners_dns::name::is_within(&server.name, &cut.zone)
}

#[cfg(test)]
mod tests;
