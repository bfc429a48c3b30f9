//! The choice among very many servers: known responsive servers first; of a silent zone, the
//! addresses tried longest ago.

use std::net::SocketAddr;

use zoners_dns::{Delegation, Moment, NameServer, Network};

use super::{Candidates, is_resolvable};
use crate::env::environment::Env;
use crate::model::step::Step;
use crate::selection::addresses::{addresses_of, is_known_without_address, own_addresses};

impl Candidates {
    /// The few addresses tried longest ago; no server of the zone has given a useful reply `since`
    /// then.
    pub(crate) fn of_dead<N: Network>(
        env: &Env<N>,
        cut: &Delegation,
        step: &Step,
        since: Moment,
        most: usize,
    ) -> Self {
        let (shared, now) = (env.shared(), env.shared().now());
        let asked_at = |server: &NameServer, address: &SocketAddr| {
            let endpoint = server.endpoint(*address, cut.transport);
            let info = shared.cache.server(endpoint, now);
            match info.asked_at < since.as_millis() || info.replied_at > since.as_millis() {
                // After a reply meanwhile, the next is likely.
                true => u64::from(info.replied_at < since.as_millis()),
                false => info.asked_at,
            }
        };
        let mut all: Vec<(u64, usize, SocketAddr)> = Vec::new();
        let mut all_own = Vec::new();
        let mut candidates =
            Candidates::without_addresses(cut, step, env.settings().limits.addresses);
        for (at, server) in cut.servers.iter().enumerate() {
            let addresses = addresses_of(env, server);
            all.extend(addresses.iter().map(|address| (asked_at(server, address), at, *address)));
            if !is_resolvable(server, cut) {
                continue;
            }
            let own = own_addresses(env, &server.name);
            match (addresses.is_empty(), own.is_empty()) {
                (true, _) if !is_known_without_address(env, &server.name) => {
                    candidates.unresolved.push(at);
                }
                (true, _) => {}
                // The glue may be outdated.
                (false, true) => candidates.glue_only.push(at),
                (false, false) => {
                    all.extend(own.iter().map(|address| (asked_at(server, address), at, *address)));
                    all_own.extend(own);
                }
            }
        }
        // Untried servers are equal: the last named must not be the last to be tried.
        env.shared().random.shuffle(&mut all);
        all.sort_by_key(|(asked_at, ..)| *asked_at);
        for (_, server, address) in all {
            if candidates.list.len() < most {
                candidates.add_addresses(env, cut, server, &[address]);
            }
        }
        candidates.prefer_own(&all_own);
        env.shared().random.shuffle(&mut candidates.unresolved);
        env.shared().random.shuffle(&mut candidates.glue_only);
        (candidates.dead, candidates.doubts_glue) = (true, true);
        candidates.update_estimates(env);
        candidates
    }
}

/// Whether a server of `cut` has ever replied at an address.
pub(super) fn has_answered<N: Network>(env: &Env<N>, cut: &Delegation, server: usize) -> bool {
    let (cache, now) = (&env.shared().cache, env.shared().now());
    cut.servers.get(server).is_some_and(|named| {
        let answered = |address: &SocketAddr| {
            cache.server(named.endpoint(*address, cut.transport), now).replied_at > 0
        };
        addresses_of(env, named).iter().any(answered)
    })
}
