//! Addresses of nameservers that came without glue, as far as the cache has them.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use zoners_dns::{Counter, Delegation, Name, NameServer, Network, RRset, Rtype};

use crate::cached::lookup::sought;
use crate::env::environment::Env;
use crate::infra::reachability::BrokenPaths;
use crate::model::settings::Settings;
use crate::model::verdict::Finding;

/// For so long after its TTL is over, the address of a nameserver is asked on: with TTLs of a second or
/// none, its zone would have to be asked for it again and again. Clients are not given such addresses.
const LATELY: Duration = Duration::from_secs(10);

/// The addresses of a nameserver without asking anyone: its glue, else what is in the cache.
pub(crate) fn addresses_of<'a, N: Network>(
    env: &Env<N>,
    server: &'a NameServer,
) -> Cow<'a, [SocketAddr]> {
    match server.addresses.is_empty() {
        true => known_addresses(env, &server.name).into(),
        false => server.addresses.as_slice().into(),
    }
}

/// The addresses of the nameserver `name` that are in the cache, as glue and as its own zone has
/// them: either may be wrong, and none hides the other.
fn known_addresses<N: Network>(env: &Env<N>, name: &Name) -> Vec<SocketAddr> {
    let cut = env.shared().cache.deepest_cut(name, env.shared().now());
    let mut addresses = cut.map_or_else(Vec::new, |cut| glue(&cut, name));
    addresses.truncate(env.settings().limits.addresses_per_server);
    addresses.extend(own_addresses(env, name));
    addresses
}

/// The addresses of the nameserver `name` that are in the cache as its own zone has them, or had
/// them a moment ago.
pub(crate) fn own_addresses<N: Network>(env: &Env<N>, name: &Name) -> Vec<SocketAddr> {
    let (cache, since) = (&env.shared().cache, env.shared().now().before(LATELY));
    let own = [Rtype::A, Rtype::AAAA].map(|rtype| cache.rrset(name, rtype, since));
    let mut addresses = usable_addresses(env, own.iter().flatten().map(|cached| &cached.set));
    addresses.truncate(env.settings().limits.addresses_per_server);
    addresses
}

/// Forgets what zones were heard to say of the addresses of servers that do not answer, unless
/// signatures vouch for it: the next question is put to their glue, or asks for them anew.
pub(crate) fn forget_addresses<'a, N: Network>(
    env: &Env<N>,
    servers: impl Iterator<Item = &'a Name>,
) {
    let cache = &env.shared().cache;
    for name in servers {
        [Rtype::A, Rtype::AAAA].iter().for_each(|rtype| cache.remove_unproven_rrset(name, *rtype));
    }
}

/// Whether the cache has denials of all addresses of a nameserver: looking it up again finds
/// none.
pub(crate) fn is_known_without_address<N: Network>(env: &Env<N>, name: &Name) -> bool {
    let (cache, now) = (&env.shared().cache, env.shared().now());
    let denied = |rtype| {
        let known = sought(env, name, rtype).known(cache, now);
        let finding = known.map(|reply| reply.finding);
        matches!(finding, Some(Finding::NoData(_) | Finding::NxDomain(_)))
    };
    families(env).into_iter().all(|(rtype, wanted)| !wanted || denied(rtype))
}

/// The types that addresses have, first that of the family that works, and whether each is to
/// be used.
pub(crate) fn families<N: Network>(env: &Env<N>) -> [(Rtype, bool); 2] {
    let Settings { ipv4, ipv6, .. } = env.settings();
    let (ipv4, ipv6) = ((Rtype::A, *ipv4), (Rtype::AAAA, *ipv6));
    match env.shared().broken_paths() {
        BrokenPaths { ipv4: true, ipv6: false, .. } => [ipv6, ipv4],
        _ => [ipv4, ipv6],
    }
}

pub(crate) fn usable_addresses<'a, N: Network>(
    env: &Env<N>,
    sets: impl Iterator<Item = &'a RRset>,
) -> Vec<SocketAddr> {
    let may_ask = |address: &IpAddr| {
        let may = env.settings().may_ask(*address);
        if !may {
            env.count(Counter::UpstreamAddressesForbidden);
        }
        may
    };
    let addresses = sets.flat_map(RRset::addresses).filter(may_ask);
    addresses.map(|address| SocketAddr::new(address, 53)).collect()
}

/// The addresses that came with a delegation for one of its servers, both families.
pub(crate) fn glue(cut: &Delegation, name: &Name) -> Vec<SocketAddr> {
    let servers = cut.servers.iter().filter(|server| server.name == *name);
    servers.flat_map(|server| server.addresses.iter().copied()).collect()
}
