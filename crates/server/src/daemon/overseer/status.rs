//! The state of the daemon: `zoners status`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use zoners_api::{
    CertificateState, CrashReport, DaemonStatus, LayerReport, NetworkReport, OutageReport,
    SecondLevelState, ValidationReport,
};
use zoners_dns::{Counter, Network};
use zoners_sandbox::{Layer, LayerState};
use zoners_tls::Certificate;

use super::{Overseer, cache, history, policy_lists, zones};
use crate::daemon::ListenStatus;
use crate::daemon::run_history::now_s;
use crate::report;

/// The time over which outages are reported.
const DAY: Duration = Duration::from_secs(86_400);

/// The state of the daemon, with its problems.
pub(super) fn status<N: Network>(overseer: &Overseer<N>) -> DaemonStatus {
    let (service, bound) = (overseer.service(), overseer.bound.load());
    let (shared, rules) = (service.worker().shared(), service.rules());
    let texts =
        |addresses: &[std::net::SocketAddr]| addresses.iter().map(ToString::to_string).collect();
    let second_level = overseer.about.second_level.as_ref();
    let state = |is_broken| match is_broken {
        true => SecondLevelState::Broken,
        false => SecondLevelState::InUse,
    };
    let status = DaemonStatus {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        process: std::process::id(),
        uptime_s: overseer.uptime_s(),
        workers: overseer.about.workers as u64,
        config: overseer.about.config.as_ref().map(|path| path.display().to_string()),
        generation: rules.generation(),
        reloads: overseer.reloads.load(Ordering::Relaxed),
        listen: texts(&bound.addresses),
        single_transport: single_transport(&bound),
        http: texts(&bound.http),
        encrypted: encrypted(&bound),
        http3: http3(&bound),
        certificate: overseer.about.tls.certificate().map(|it| certificate_state(&it, now_s())),
        acme: overseer.about.acme.report().map(Box::new),
        awaited: texts(&bound.absent),
        not_served: bound.missing.clone(),
        side_effects: bound.side_effects.clone(),
        serves: rules.allow().iter().map(ToString::to_string).collect(),
        waiting: rules.waiting() as u64,
        network: network(overseer),
        dead_zones: shared.silent_zones(usize::MAX).iter().filter(|zone| zone.dead).count() as u64,
        validation: ValidationReport {
            on: !service.worker().settings().anchors.is_empty(),
            negative_anchors: shared.negative_anchors.list(shared.now()).len() as u64,
        },
        clock_wrong_by_s: shared.clock_skew.wrong_by(),
        cache: cache::fill(overseer),
        second_level: second_level.map(|level| state(level.is_broken())),
        zones: zones::states(rules.local()),
        log_lost: overseer.count(Counter::LogLinesLost),
        query_log: overseer.about.query_log.folder().map(|path| path.display().to_string()),
        sandbox: overseer.about.sandbox.iter().map(layer).collect(),
        last_crash: overseer.about.last_crash.clone().map(|crash| {
            let ago_s = now_s().saturating_sub(crash.at_unix_s);
            Box::new(CrashReport { ago_s, ..crash })
        }),
        refused: rules.refused_clients(shared.now()),
        rebinding_denied: rules
            .denies_private_addresses()
            .then(|| overseer.count(Counter::ClientRebinding)),
        lists: policy_lists::lists_in_need(&overseer.about.policies),
        trend: history::trend_status(overseer).map(Box::new),
        problems: Vec::new(),
    };
    status.with_problems()
}

fn network<N: Network>(overseer: &Overseer<N>) -> NetworkReport {
    let service = overseer.service();
    let shared = service.worker().shared();
    NetworkReport {
        down: shared.is_uplink_down(),
        loss: report::thousandths(shared.uplink_loss()),
        reachability: report::reachability(shared.broken_paths()),
        silent_networks: shared.silent_networks(),
        routes_reply: shared.do_routes_reply() || overseer.is_route_answered(),
        passage: report::passage(shared.network_state()),
        strategy: overseer.strategy.load().as_deref().cloned().map(Box::new),
        first_recursion: overseer.first_recursion.load().as_deref().cloned(),
        outages: OutageReport::of(&shared.outages(DAY)),
    }
}

/// The addresses over UDP or TCP alone, as the configuration names addresses.
fn single_transport(bound: &ListenStatus) -> Vec<String> {
    let single = bound.single_transport.iter();
    single.map(|(transport, address)| format!("{transport}://{address}")).collect()
}

/// The addresses over encrypted transports, as the configuration names addresses.
fn encrypted(bound: &ListenStatus) -> Vec<String> {
    let tls = bound.tls.iter().map(|address| format!("tls://{address}"));
    let https = bound.https.iter().map(|(address, path)| format!("https://{address}{path}"));
    let quic = bound.quic.iter().map(|address| format!("quic://{address}"));
    tls.chain(https).chain(quic).collect()
}

/// The addresses over HTTPS that have HTTP/3 too.
fn http3(bound: &ListenStatus) -> Vec<String> {
    let https = bound.https.iter().filter(|(address, _)| bound.http3.contains(address));
    https.map(|(address, path)| format!("https://{address}{path}")).collect()
}

fn certificate_state(certificate: &Certificate, now_s: u64) -> CertificateState {
    let not_after = i64::try_from(certificate.validity().not_after).unwrap_or(i64::MAX);
    let now = i64::try_from(now_s).unwrap_or(i64::MAX);
    CertificateState { names: certificate.names(), expires_in_s: not_after.saturating_sub(now) }
}

fn layer(layer: &Layer) -> LayerReport {
    let (on, text) = match &layer.state {
        LayerState::On(text) => (true, text.clone()),
        LayerState::Off(text) => (false, text.clone()),
    };
    LayerReport { name: layer.name.to_owned(), on, text }
}
