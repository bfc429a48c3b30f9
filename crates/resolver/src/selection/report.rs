//! Report: the knowledge of server selection about a server, for people.

use std::time::Duration;

use zoners_cache::{ServerFault, ServerInfo};
use zoners_dns::{Endpoint, Moment, Name, Network, Transport};

use crate::env::environment::Env;
use crate::infra::estimate::{Estimator, LatencyEstimate};
use crate::selection::addresses::addresses_of;

/// A server of a zone, and the state in the infra cache.
#[derive(Clone, Debug)]
pub struct ServerReport {
    /// The nameserver, if asked for as part of a zone.
    pub name: Option<Name>,
    /// The address and transport.
    pub endpoint: Endpoint,
    /// The infra cache entry.
    pub info: ServerInfo,
    /// The RTT estimate.
    pub expected: Duration,
    /// The hedge delay.
    pub hedge_after: Duration,
    /// Whether the server is lame for the zone.
    pub lame: bool,
    /// The remaining backoff.
    pub skipped_for: Option<Duration>,
}

/// The zone whose servers would be asked for `name`, and a report of each server, also over TCP and TLS
/// if used. No query is sent.
#[must_use]
pub(crate) fn report<N: Network>(env: &Env<N>, name: &Name) -> (Name, Vec<ServerReport>) {
    let cut = env.known_cut(name).unwrap_or_else(|| env.settings().root.clone());
    let mut reports = Vec::new();
    for server in &cut.servers {
        for address in addresses_of(env, server).iter() {
            let endpoint = server.endpoint(*address, cut.transport);
            reports.push(report_server(env, &cut.zone, &server.name, endpoint));
            if endpoint.transport.is_stream() {
                continue;
            }
            let streams = [Transport::Tcp, Transport::Tls].map(|stream| endpoint.over(stream));
            let streams = streams.map(|other| report_server(env, &cut.zone, &server.name, other));
            reports.extend(streams.into_iter().filter(|report| report.info.asked_at > 0));
        }
    }
    (cut.zone, reports)
}

/// Reports of the servers in the infra cache, the nearest first, at most `most`.
#[must_use]
pub(crate) fn report_all<N: Network>(env: &Env<N>, most: usize) -> Vec<ServerReport> {
    let shared = env.shared();
    let known = shared.cache.servers(most, shared.now());
    let estimator = |server: &Endpoint| shared.estimator(shared.uplinks.to(server.address.ip()));
    let mut reports: Vec<ServerReport> = known
        .iter()
        .map(|(endpoint, info)| report_estimate(&estimator(endpoint), *endpoint, *info))
        .collect();
    reports.sort_by_key(|report| (report.skipped_for.is_some(), report.expected));
    reports
}

fn report_server<N: Network>(
    env: &Env<N>,
    zone: &Name,
    name: &Name,
    endpoint: Endpoint,
) -> ServerReport {
    let shared = env.shared();
    let estimator = shared.estimator(shared.uplinks.to(endpoint.address.ip()));
    let info = shared.cache.server(endpoint, estimator.now);
    ServerReport {
        name: Some(name.clone()),
        lame: shared.cache.is_lame(zone, endpoint.over(Transport::Udp), estimator.now),
        ..report_estimate(&estimator, endpoint, info)
    }
}

/// Why a server is left alone, in words.
pub(crate) fn why_skipped<N: Network>(env: &Env<N>, endpoint: Endpoint, until: Moment) -> String {
    let now = env.shared().now();
    let info = env.shared().cache.server(endpoint, now);
    let seconds = until.since(now).as_secs_f64().ceil();
    let transport = endpoint.transport;
    format!(
        "skipped {endpoint} ({transport}): {}, next probe in {seconds} s",
        trouble_in_words(&info)
    )
}

fn report_estimate(estimator: &Estimator, endpoint: Endpoint, info: ServerInfo) -> ServerReport {
    let LatencyEstimate { rtt, penalty, hedge_after, skipped_until, .. } =
        estimator.estimate(&info, None);
    ServerReport {
        name: None,
        endpoint,
        info,
        expected: rtt + penalty,
        hedge_after,
        lame: false,
        skipped_for: skipped_until.map(|until| until.since(estimator.now)),
    }
}

/// The last fault of a server, in words; empty without a fault.
#[must_use]
pub fn trouble_in_words(info: &ServerInfo) -> String {
    let (what, many) = match info.trouble {
        Some(ServerFault::Refused) => ("refused connection", "refused connections"),
        Some(ServerFault::Unreachable) => ("time unreachable", "times unreachable"),
        Some(ServerFault::Lame) => ("lame answer", "lame answers"),
        Some(ServerFault::ServFail) => ("SERVFAIL", "SERVFAIL"),
        Some(ServerFault::FormErr) => ("FORMERR", "FORMERR"),
        Some(ServerFault::Bogus) => ("bogus answer", "bogus answers"),
        Some(ServerFault::Untrusted) => ("wrong certificate", "wrong certificates"),
        Some(ServerFault::Handshake) => ("failure of TLS", "failures of TLS"),
        Some(ServerFault::Http) => ("failure of HTTP", "failures of HTTP"),
        Some(ServerFault::Timeout) | None => ("timeout", "timeouts"),
    };
    let silent = info.trouble.is_none_or(|trouble| trouble == ServerFault::Timeout);
    match if silent { info.unanswered } else { info.troubles } {
        0 => String::new(),
        1 => format!("1 {what}"),
        times => format!("{times} {many} in a row"),
    }
}
