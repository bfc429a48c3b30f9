//! What is known of each server, for those who ask why one is used and another is not.

use std::time::Duration;

use zoners_cache::{ServerFault, ServerInfo};
use zoners_dns::{Endpoint, Moment, Name, Network, Transport};

use crate::env::environment::Env;
use crate::infra::estimate::{Market, Price};
use crate::selection::addresses::addresses_of;

/// A server of a zone and how it is thought of.
#[derive(Clone, Debug)]
pub struct ServerReport {
    /// Its name, where it was asked for as one of a zone's.
    pub name: Option<Name>,
    /// Where it is and how it is asked.
    pub endpoint: Endpoint,
    /// What is known of it.
    pub info: ServerInfo,
    /// The round trip that is expected of it.
    pub expected: Duration,
    /// After so long without an answer another is asked beside it.
    pub patience: Duration,
    /// Whether it does not serve the zone.
    pub lame: bool,
    /// For how long it is left alone.
    pub skipped_for: Option<Duration>,
}

/// The zone whose servers would be asked for `name`, and what is known of each; over TCP too,
/// where they were asked that way. None is asked for it.
#[must_use]
pub(crate) fn server_reports<N: Network>(env: &Env<N>, name: &Name) -> (Name, Vec<ServerReport>) {
    let cut = env.known_cut(name).unwrap_or_else(|| env.settings().root.clone());
    let mut standings = Vec::new();
    for server in &cut.servers {
        for address in addresses_of(env, server).iter() {
            let endpoint = Endpoint { address: *address, transport: cut.transport };
            standings.push(server_report(env, &cut.zone, &server.name, endpoint));
            let tcp = server_report(env, &cut.zone, &server.name, endpoint.over(Transport::Tcp));
            if cut.transport == Transport::Udp && tcp.info.asked_at > 0 {
                standings.push(tcp);
            }
        }
    }
    (cut.zone, standings)
}

/// What is known of all servers, the near ones first, no more than `most` of them.
#[must_use]
pub(crate) fn all_server_reports<N: Network>(env: &Env<N>, most: usize) -> Vec<ServerReport> {
    let shared = env.shared();
    let known = shared.cache.servers(most, shared.now());
    let market = |server: &Endpoint| shared.market(shared.lines.to(server.address.ip()));
    let mut standings: Vec<ServerReport> = known
        .iter()
        .map(|(endpoint, info)| standing(&market(endpoint), *endpoint, *info))
        .collect();
    standings.sort_by_key(|standing| (standing.skipped_for.is_some(), standing.expected));
    standings
}

fn server_report<N: Network>(
    env: &Env<N>,
    zone: &Name,
    name: &Name,
    endpoint: Endpoint,
) -> ServerReport {
    let shared = env.shared();
    let market = shared.market(shared.lines.to(endpoint.address.ip()));
    let info = shared.cache.server(endpoint, market.now);
    ServerReport {
        name: Some(name.clone()),
        lame: shared.cache.is_lame(zone, endpoint, market.now),
        ..standing(&market, endpoint, info)
    }
}

/// Why a server is left alone, in words.
pub(crate) fn why_skipped<N: Network>(env: &Env<N>, endpoint: Endpoint, until: Moment) -> String {
    let now = env.shared().now();
    let info = env.shared().cache.server(endpoint, now);
    let seconds = until.since(now).as_secs_f64().ceil();
    format!("skipped {endpoint}: {}, next probe in {seconds} s", trouble_in_words(&info))
}

fn standing(market: &Market, endpoint: Endpoint, info: ServerInfo) -> ServerReport {
    let Price { rtt, doubt, patience, skipped_until, .. } = market.price(&info, None);
    ServerReport {
        name: None,
        endpoint,
        info,
        expected: rtt + doubt,
        patience,
        lame: false,
        skipped_for: skipped_until.map(|until| until.since(market.now)),
    }
}

/// What was last wrong with a server, in words; nothing if all is well.
#[must_use]
pub fn trouble_in_words(info: &ServerInfo) -> String {
    let (what, many) = match info.trouble {
        Some(ServerFault::Refused) => ("refused connection", "refused connections"),
        Some(ServerFault::Unreachable) => ("time unreachable", "times unreachable"),
        Some(ServerFault::Lame) => ("lame answer", "lame answers"),
        Some(ServerFault::ServFail) => ("SERVFAIL", "SERVFAIL"),
        Some(ServerFault::FormErr) => ("FORMERR", "FORMERR"),
        Some(ServerFault::Bogus) => ("bogus answer", "bogus answers"),
        Some(ServerFault::Timeout) | None => ("timeout", "timeouts"),
    };
    let silent = info.trouble.is_none_or(|trouble| trouble == ServerFault::Timeout);
    match if silent { info.unanswered } else { info.troubles } {
        0 => String::new(),
        1 => format!("1 {what}"),
        times => format!("{times} {many} in a row"),
    }
}
