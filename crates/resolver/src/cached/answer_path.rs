//! The way to an answer: the servers of the zones above its records.
//!
//! A policy may have rules for nameservers, by name or address (RPZ NSDNAME and NSIP). The facts come out of the cache
//! alone: a recursion has just learned the delegations on its way, and expired ones stay as long as expired answers.

use std::collections::HashSet;
use std::net::IpAddr;

use zoners_cache::Cache;
use zoners_dns::{Moment, Name, Network, Question, Rtype, name};

use crate::env::environment::Env;
use crate::model::answer::Answer;

/// Names above which zones are looked for: the name in question, and those of an alias chain.
const MAX_NAMES: usize = 12;
/// Servers of a path.
const MAX_SERVERS: usize = 64;
/// Addresses of a server.
const MAX_ADDRESSES: usize = 16;

/// A nameserver on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathServer {
    /// The name.
    pub name: Name,
    /// The known addresses.
    pub addresses: Vec<IpAddr>,
}

/// The nameservers of all zones from the names of an answer up to the root, which is left out, as far as the cache knows
/// them. The servers of a route are the configuration's and do not count.
pub(crate) fn path_servers<N: Network>(
    env: &Env<N>,
    question: &Question,
    answer: &Answer,
) -> Vec<PathServer> {
    let shared = env.shared();
    let at = shared.cache.stale_read_time(shared.now());
    let aliases = answer.answer.iter().filter(|set| set.rtype == Rtype::CNAME);
    let targets = aliases.flat_map(|set| [Some(set.owner.clone()), set.target()]).flatten();
    let names = std::iter::once(question.answered_at()).chain(targets).take(MAX_NAMES);
    let foreign = names.filter(|name| env.settings().route(name).is_none());
    let mut zones: Vec<Name> = Vec::new();
    foreign.for_each(|name| zones.extend(name::with_ancestors(&name)));
    let mut seen = HashSet::new();
    zones.retain(|zone| !zone.is_root() && seen.insert(zone.clone()));
    let mut servers: Vec<PathServer> = Vec::new();
    for (name, address) in zones.iter().flat_map(|zone| servers_of(&shared.cache, zone, at)) {
        let place = servers.iter().position(|server| server.name == name);
        let place = place.unwrap_or_else(|| {
            servers.push(PathServer { name, addresses: Vec::new() });
            servers.len() - 1
        });
        if let Some(server) = servers.get_mut(place) {
            server.add(address);
        }
        if servers.len() >= MAX_SERVERS {
            break;
        }
    }
    for server in &mut servers {
        for rtype in [Rtype::A, Rtype::AAAA] {
            let cached = shared.cache.rrset(&server.name, rtype, at);
            let addresses = cached.into_iter().flat_map(|cached| cached.set.addresses());
            addresses.for_each(|address| server.add(Some(address)));
        }
    }
    servers
}

impl PathServer {
    fn add(&mut self, address: Option<IpAddr>) {
        let is_new = |address: &IpAddr| !self.addresses.contains(address);
        let new = address.filter(is_new).filter(|_| self.addresses.len() < MAX_ADDRESSES);
        self.addresses.extend(new);
    }
}

/// The servers of a zone, by the parent's word and by the zone's own: each name alone, then with each of its glue
/// addresses.
fn servers_of(cache: &Cache, zone: &Name, at: Moment) -> Vec<(Name, Option<IpAddr>)> {
    let mut all = Vec::new();
    for server in cache.delegation(zone, at).into_iter().flat_map(|cut| cut.servers) {
        all.extend(
            server.addresses.iter().map(|address| (server.name.clone(), Some(address.ip()))),
        );
        all.push((server.name, None));
    }
    let own = cache.rrset(zone, Rtype::NS, at);
    all.extend(own.iter().flat_map(|cached| cached.set.targets()).map(|name| (name, None)));
    all
}
