//! The state of the daemon: gauges, and counts that are kept elsewhere than in the counters.

use zoners_api::{
    DaemonHealth, DaemonStatus, NetworkReport, PassageState, PolicyListReport, Reachability,
    SecondLevelState, Severity,
};
use zoners_telemetry::metrics::MetricFamily;

use super::MetricsSource;

/// The states of the passage of DNS through the network.
const PASSAGES: [(PassageState, &str); 7] = [
    (PassageState::Unknown, "unknown"),
    (PassageState::Doubtful, "doubtful"),
    (PassageState::Open, "open"),
    (PassageState::Intercepted, "intercepted"),
    (PassageState::Refused, "refused"),
    (PassageState::Rejected, "rejected"),
    (PassageState::Silent, "silent"),
];

/// The families of the state.
pub(super) fn families(source: &MetricsSource<'_>) -> Vec<MetricFamily> {
    let MetricsSource { status, lists, started_s, .. } = source;
    let parts = [
        process(status, *started_s),
        service(status),
        cache(status),
        network(&status.network),
        validation(status),
        policy(lists),
    ];
    parts.into_iter().flatten().collect()
}

/// A gauge without labels.
fn gauge(name: &str, help: &str, number: f64) -> MetricFamily {
    MetricFamily::gauge(name, help).with_number(&[], number)
}

/// 1 for yes, 0 for no.
fn flag(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

fn process(status: &DaemonStatus, started_s: u64) -> Vec<MetricFamily> {
    let build = MetricFamily::gauge("zoners_build_info", "The release of the daemon; always 1.");
    vec![
        build.with_number(&[("version", &status.program)], 1.0),
        gauge(
            "process_start_time_seconds",
            "The start of the daemon, in seconds since 1970; counters begin there.",
            started_s as f64,
        ),
        gauge("zoners_workers", "Threads that serve clients.", status.workers as f64),
        gauge(
            "zoners_configuration_generation",
            "How often the rules for clients were made anew.",
            f64::from(status.generation),
        ),
    ]
}

fn service(status: &DaemonStatus) -> Vec<MetricFamily> {
    let health = DaemonHealth::of(status);
    let severities =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Notice, "notice")];
    let mut problems = MetricFamily::gauge("zoners_problems", "Problems by severity.");
    for (severity, name) in severities {
        let count = status.problems.iter().filter(|problem| problem.severity == severity).count();
        problems = problems.with_number(&[("severity", name)], count as f64);
    }
    let copies =
        MetricFamily::gauge("zoners_zone_available", "Whether a zone is served (1) or not.");
    let copies = status.zones.iter().fold(copies, |family, zone| {
        family.with_number(&[("zone", &zone.zone)], flag(zone.unavailable.is_none()))
    });
    let layers =
        MetricFamily::gauge("zoners_sandbox_layer", "Whether a layer of the sandbox is on.");
    let layers = status.sandbox.iter().fold(layers, |family, layer| {
        family.with_number(&[("layer", &layer.name)], flag(layer.on))
    });
    vec![
        gauge(
            "zoners_healthy",
            "Whether names are resolved, as far as is known: 1, or 0 as of /health.",
            flag(health.healthy),
        ),
        problems,
        gauge("zoners_listen_addresses", "Served addresses.", status.listen.len() as f64),
        gauge(
            "zoners_client_queries_waiting",
            "Queries of clients that wait for a recursion.",
            status.waiting as f64,
        ),
        copies,
        layers,
    ]
}

fn cache(status: &DaemonStatus) -> Vec<MetricFamily> {
    let cache = &status.cache;
    let evicted =
        MetricFamily::counter("zoners_cache_evicted", "Entries evicted for lack of room.");
    let second_level = status.second_level.map(|state| {
        gauge(
            "zoners_second_level_up",
            "Whether the cache shared with other nodes is asked (1), or failed (0).",
            flag(state == SecondLevelState::InUse),
        )
    });
    let mut families = vec![
        gauge("zoners_cache_entries", "Entries, including expired ones.", cache.entries as f64),
        gauge("zoners_cache_used_bytes", "Memory of the entries.", cache.used_bytes as f64),
        gauge("zoners_cache_limit_bytes", "The most memory of entries.", cache.limit_bytes as f64),
        evicted.with_count(&[], cache.evicted),
    ];
    families.extend(second_level);
    families
}

fn network(network: &NetworkReport) -> Vec<MetricFamily> {
    let Reachability { ipv4, ipv6, udp } = network.reachability;
    let mut paths = MetricFamily::gauge(
        "zoners_path_up",
        "Whether a way out of this machine works; an untried way counts as working.",
    );
    for (path, works) in [("ipv4", ipv4), ("ipv6", ipv6), ("udp", udp)] {
        paths = paths.with_number(&[("path", path)], flag(works));
    }
    let mut passages = MetricFamily::gauge(
        "zoners_network_passage",
        "How the network treats DNS: 1 for the state in force, 0 for the others.",
    );
    for (state, name) in PASSAGES {
        passages = passages.with_number(&[("state", name)], flag(state == network.passage.state));
    }
    let mut families = vec![
        gauge(
            "zoners_uplink_up",
            "Whether servers on the Internet respond: 1, or 0 if the network appears to be down.",
            flag(!network.down),
        ),
        gauge("zoners_uplink_loss_ratio", "The share of queries lost on the uplink.", network.loss),
        gauge(
            "zoners_uplink_outages_last_day",
            "Outages of the uplink of the last day that are over.",
            f64::from(network.outages.count()),
        ),
        gauge(
            "zoners_uplink_outage_seconds_last_day",
            "The time of these outages together.",
            network.outages.total_s as f64,
        ),
        paths,
        passages,
        gauge(
            "zoners_silent_networks",
            "Networks of configured servers of which none responds.",
            network.silent_networks.len() as f64,
        ),
    ];
    families.extend(network.strategy.as_ref().map(|report| {
        MetricFamily::gauge(
            "zoners_network_strategy_info",
            "How questions become answers on this network; always 1.",
        )
        .with_number(&[("strategy", &report.strategy)], 1.0)
    }));
    families
}

fn validation(status: &DaemonStatus) -> Vec<MetricFamily> {
    vec![
        gauge(
            "zoners_validation_enabled",
            "Whether answers are validated (DNSSEC).",
            flag(status.validation.on),
        ),
        gauge(
            "zoners_negative_trust_anchors",
            "Negative trust anchors of `zoners nta`.",
            status.validation.negative_anchors as f64,
        ),
        gauge(
            "zoners_dead_zones",
            "Zones of which no server responds although the uplink works.",
            status.dead_zones as f64,
        ),
        gauge(
            "zoners_clock_wrong_by_seconds",
            "Seconds by which the clock of the machine appears to be wrong.",
            status.clock_wrong_by_s.unwrap_or_default() as f64,
        ),
    ]
}

/// The policy by list, as the operator named the lists.
fn policy(lists: &PolicyListReport) -> Vec<MetricFamily> {
    let mut rules = MetricFamily::gauge("zoners_policy_list_rules", "Rules in force by list.");
    for list in &lists.lists {
        rules = rules.with_number(&[("list", &list.name)], f64::from(list.rules));
    }
    let replies = MetricFamily::counter(
        "zoners_policy_replies",
        "Replies to clients that a rule of a list has decided, by list.",
    );
    let replies = lists
        .lists
        .iter()
        .fold(replies, |family, list| family.with_count(&[("list", &list.name)], list.hits));
    let mut ages = MetricFamily::gauge(
        "zoners_policy_list_age_seconds",
        "Time since a list was last fetched, or found unchanged.",
    );
    let mut failures = MetricFamily::gauge(
        "zoners_policy_list_failures",
        "Failed attempts to fetch a list since the last success.",
    );
    let mut held = MetricFamily::gauge(
        "zoners_policy_list_held",
        "Whether a version of a list waits, since it surprises.",
    );
    for source in &lists.sources {
        let label = [("list", &*source.name)];
        if let Some(age_s) = source.age_s {
            ages = ages.with_number(&label, age_s as f64);
        }
        failures = failures.with_number(&label, f64::from(source.failures));
        held = held.with_number(&label, flag(source.held.is_some()));
    }
    let mut paused =
        MetricFamily::gauge("zoners_policy_paused", "Whether the policy is paused, by group.");
    for group in &lists.groups {
        paused = paused.with_number(&[("group", &group.name)], flag(group.paused));
    }
    vec![
        rules,
        replies,
        ages,
        failures,
        held,
        paused,
        gauge("zoners_policy_names", "Names with rules, each counted once.", lists.names as f64),
        gauge(
            "zoners_policy_memory_bytes",
            "Memory of the tables of the policy.",
            lists.memory_bytes as f64,
        ),
    ]
}
