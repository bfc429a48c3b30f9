//! The way to an answer: the servers of the zones above its records.
//!
//! A policy may have rules for nameservers, by name or address (RPZ NSDNAME and NSIP). The facts come out of the cache
//! alone: a recursion has just learned the delegations on the way, and expired delegations stay as long as expired
//! answers.

use std::collections::HashSet;
use std::net::IpAddr;

use zoners_cache::Cache;
use zoners_dns::{Counter, Moment, Name, Network, Question, Rtype, name};

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

/// The nameservers of all zones from the names of an answer up to the root, without the root, as far as the cache knows.
/// The servers of a route are the configuration's and do not count.
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
    let (mut servers, mut is_whole): (Vec<PathServer>, bool) = (Vec::new(), true);
    for (name, address) in zones.iter().flat_map(|zone| servers_of(&shared.cache, zone, at)) {
        let place = servers.iter().position(|server| server.name == name);
        if let Some(server) = place.and_then(|place| servers.get_mut(place)) {
            is_whole &= server.add(address);
            continue;
        }
        match servers.len() < MAX_SERVERS {
            true => servers.push(PathServer { name, addresses: address.into_iter().collect() }),
            false => is_whole = false,
        }
    }
    for server in &mut servers {
        for rtype in [Rtype::A, Rtype::AAAA] {
            let Some(cached) = shared.cache.rrset(&server.name, rtype, at) else { continue };
            for address in cached.set.addresses() {
                is_whole &= server.add(Some(address));
            }
        }
    }
    if !is_whole {
        env.counters().count(Counter::LimitPathServers);
    }
    servers
}

impl PathServer {
    /// Adds an address; false if there is no room.
    fn add(&mut self, address: Option<IpAddr>) -> bool {
        let new = address.filter(|address| !self.addresses.contains(address));
        let has_room = self.addresses.len() < MAX_ADDRESSES;
        self.addresses.extend(new.filter(|_| has_room));
        has_room || new.is_none()
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
