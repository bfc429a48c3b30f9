//! Addresses of nameservers in the cache.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use zoners_dns::{Counter, Delegation, Name, NameServer, Network, RRset, Rtype};

use crate::cached::lookup::sought;
use crate::env::environment::Env;
use crate::infra::reachability::BrokenPaths;
use crate::model::settings::Settings;
use crate::model::verdict::Finding;

/// The time after its TTL for which a nameserver's address is still used: with TTLs of a second or
/// zero, the same look-up would be repeated again and again. Clients get no expired addresses here.
const LATELY: Duration = Duration::from_secs(10);

/// The cached addresses of a nameserver: its glue, else those of its zone.
pub(crate) fn addresses_of<'a, N: Network>(
    env: &Env<N>,
    server: &'a NameServer,
) -> Cow<'a, [SocketAddr]> {
    match server.addresses.is_empty() {
        true => known_addresses(env, &server.name).into(),
        false => server.addresses.as_slice().into(),
    }
}

/// The cached addresses of the nameserver `name`, from glue and from its own zone: either may be
/// wrong, and neither hides the other.
fn known_addresses<N: Network>(env: &Env<N>, name: &Name) -> Vec<SocketAddr> {
    let cut = env.shared().cache.deepest_cut(name, env.shared().now());
    let mut addresses = cut.map_or_else(Vec::new, |cut| glue(&cut, name));
    addresses.truncate(env.settings().limits.addresses_per_server);
    addresses.extend(own_addresses(env, name));
    addresses
}

/// The cached addresses of the nameserver `name` from its own zone, also if just expired.
pub(crate) fn own_addresses<N: Network>(env: &Env<N>, name: &Name) -> Vec<SocketAddr> {
    let (cache, since) = (&env.shared().cache, env.shared().now().before(LATELY));
    let own = [Rtype::A, Rtype::AAAA].map(|rtype| cache.rrset(name, rtype, since));
    let mut addresses = usable_addresses(env, name, own.iter().flatten().map(|cached| &cached.set));
    addresses.truncate(env.settings().limits.addresses_per_server);
    addresses
}

/// Removes unsigned addresses of unresponsive servers from the cache: the next question uses the
/// glue, or a new look-up.
pub(crate) fn forget_addresses<'a, N: Network>(
    env: &Env<N>,
    servers: impl Iterator<Item = &'a Name>,
) {
    let cache = &env.shared().cache;
    for name in servers {
        [Rtype::A, Rtype::AAAA].iter().for_each(|rtype| cache.remove_unproven_rrset(name, *rtype));
    }
}

/// Whether the cache has denials for each address type of a nameserver: a look-up would find none.
pub(crate) fn is_known_without_address<N: Network>(env: &Env<N>, name: &Name) -> bool {
    let (cache, now) = (&env.shared().cache, env.shared().now());
    let denied = |rtype| {
        let known = sought(env, name, rtype).known(cache, now);
        let finding = known.map(|reply| reply.finding);
        matches!(finding, Some(Finding::NoData(_) | Finding::NxDomain(_)))
    };
    address_types(env).all(denied)
}

/// The types of the address families in use, the working family first.
pub(crate) fn address_types<N: Network>(env: &Env<N>) -> impl Iterator<Item = Rtype> + use<N> {
    let Settings { ipv4, ipv6, .. } = env.settings();
    let (ipv4, ipv6) = ((Rtype::A, *ipv4), (Rtype::AAAA, *ipv6));
    let families = match env.shared().broken_paths() {
        BrokenPaths { ipv4: true, ipv6: false, .. } => [ipv6, ipv4],
        _ => [ipv4, ipv6],
    };
    families.into_iter().filter_map(|(rtype, is_used)| is_used.then_some(rtype))
}

/// The addresses in `sets` at which the nameserver `name` may be asked.
pub(crate) fn usable_addresses<'a, N: Network>(
    env: &Env<N>,
    name: &Name,
    sets: impl Iterator<Item = &'a RRset>,
) -> Vec<SocketAddr> {
    let may_ask = |address: &IpAddr| {
        let may = env.settings().may_ask_server(name, *address);
        if !may {
            env.count(Counter::UpstreamAddressesForbidden);
        }
        may
    };
    let addresses = sets.flat_map(RRset::addresses).filter(may_ask);
    addresses.map(|address| SocketAddr::new(address, 53)).collect()
}

/// The glue of one server of a delegation, both families.
pub(crate) fn glue(cut: &Delegation, name: &Name) -> Vec<SocketAddr> {
    let servers = cut.servers.iter().filter(|server| server.name == *name);
    servers.flat_map(|server| server.addresses.iter().copied()).collect()
}
