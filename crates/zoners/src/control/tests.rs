//! The pages and objects of commands asking the daemon, as files in `snapshots/`. A changed page
//! fails; `INSTA_UPDATE=always cargo test -p zoners --bins control::tests` writes the files anew,
//! and `git diff` shows the difference.

use zoners_api::{
    AdminReply, CacheEntries, CacheEntry, CacheFill, CounterStats, DaemonStatus,
    DefaultRouteReport, DnsSettingsReport, DnssecStatus, EdeReport, EncryptionReport,
    FinishedQuery, FirstRecursionReport, FirstRecursionState, KnownServer, LayerReport, LinkReport,
    LocalNetworks, NegativeAnchorList, NetworkReport, NetworkRouteReport, PassageReport,
    PassageState, PortalReport, QueryOutcome, Reachability, SecondLevelState, ServerList,
    SilentZoneReport, StrategyReport, UnvalidatedZone, ValidationReport,
};
use zoners_dns::Counter;

use super::{cache, network, nta, servers, stats, status, watch};

mod history;
mod trend;

/// Compares a text with the file of this name.
fn holds(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Compares a page without colours, and checks the length of each line.
fn shows(name: &str, page: &[String], width: usize) {
    let text = anstream::adapter::strip_str(&page.join("\n")).to_string();
    let too_long = text.lines().find(|line| line.chars().count() > width);
    assert_eq!(too_long, None, "{name}");
    holds(name, &text);
}

/// Compares the output of `--json`, in several lines.
fn prints(name: &str, reply: impl Into<AdminReply>) {
    let object: serde_json::Value = serde_json::from_str(&reply.into().to_line()).unwrap();
    holds(name, &serde_json::to_string_pretty(&object).unwrap());
}

fn fill() -> CacheFill {
    CacheFill {
        entries: 12_345,
        used_bytes: 5 << 20,
        limit_bytes: 64 << 20,
        evicted: 7,
        queries: 100_000,
        cached: 87_000,
        recursed: 12_500,
        stale: 100,
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn well() -> DaemonStatus {
    let layer = |name: &str| LayerReport { name: name.into(), on: true, text: "in force".into() };
    DaemonStatus {
        program: "1.2.3".into(),
        process: 4711,
        uptime_s: 93_784,
        workers: 2,
        config: Some("/etc/zoners/zoners.toml".into()),
        generation: 3,
        reloads: 1,
        listen: texts(&["127.0.0.1:53", "[::1]:53"]),
        http: texts(&["127.0.0.1:8053"]),
        serves: texts(&["127.0.0.0/8", "::1/128"]),
        network: NetworkReport {
            loss: 0.002,
            passage: PassageReport { state: PassageState::Open, ..PassageReport::default() },
            ..NetworkReport::default()
        },
        validation: ValidationReport { on: true, negative_anchors: 0 },
        cache: fill(),
        sandbox: vec![layer("landlock"), layer("seccomp")],
        ..DaemonStatus::default()
    }
    .with_problems()
}

fn troubled() -> DaemonStatus {
    let landlock = "the kernel does not have it";
    DaemonStatus {
        config: None,
        generation: 0,
        reloads: 0,
        awaited: texts(&["192.0.2.7:53"]),
        not_served: texts(&["[::1]:53: address in use, by dnsmasq (process 812)"]),
        serves: (0..9).map(|third| format!("10.0.{third}.0/24")).collect(),
        waiting: 3,
        network: NetworkReport {
            loss: 0.12,
            reachability: Reachability { ipv4: true, ipv6: false, udp: true },
            silent_networks: texts(&["10.8.0.0/16"]),
            routes_reply: false,
            passage: PassageReport {
                state: PassageState::Intercepted,
                proves: Some(true),
                text: Some("DNS on this network is intercepted".into()),
            },
            ..NetworkReport::default()
        },
        dead_zones: 2,
        validation: ValidationReport { on: true, negative_anchors: 1 },
        second_level: Some(SecondLevelState::Broken),
        zones: Vec::new(),
        log_lost: 4,
        sandbox: vec![LayerReport { name: "landlock".into(), on: false, text: landlock.into() }],
        ..well()
    }
    .with_problems()
}

fn offline() -> DaemonStatus {
    let network = NetworkReport { down: true, loss: 1.0, ..NetworkReport::default() };
    let cache = CacheFill { limit_bytes: 64 << 20, ..CacheFill::default() };
    let clock_wrong_by_s = Some(-86_400);
    DaemonStatus { uptime_s: 5, network, cache, clock_wrong_by_s, ..well() }.with_problems()
}

/// A daemon of which no client has asked anything.
fn unused(state: FirstRecursionState, text: &str) -> DaemonStatus {
    let first_recursion = Some(FirstRecursionReport { state, text: text.into() });
    let network = NetworkReport { first_recursion, ..NetworkReport::default() };
    let cache = CacheFill { limit_bytes: 64 << 20, ..CacheFill::default() };
    DaemonStatus { uptime_s: 5, network, cache, ..well() }.with_problems()
}

#[test]
fn status_tells_how_the_first_recursion_went() {
    let works = "works from here: the root zone is proven, in 31 ms";
    let proven = unused(FirstRecursionState::Proven, works);
    shows("status-first-proven", &status::page(&proven, 80), 80);
    let slow = "does not work from here: servers are too slow";
    let failed = unused(FirstRecursionState::Failed, slow);
    shows("status-first-failed", &status::page(&failed, 80), 80);
}

#[test]
fn watch_has_a_line_for_each_query() {
    let cached = FinishedQuery {
        received_s: 1_795_502_534,
        client: "192.168.1.7".into(),
        transport: "udp".into(),
        name: Some("www.example.com.".into()),
        r#type: Some("AAAA".into()),
        outcome: Some(QueryOutcome::Cached),
        rcode: Some("NOERROR".into()),
        ede: None,
        failed: false,
        took_ms: 0.0,
    };
    let meaning = "No Reachable Authority".into();
    let failed = FinishedQuery {
        client: "2001:db8::7".into(),
        outcome: Some(QueryOutcome::Failed),
        rcode: Some("SERVFAIL".into()),
        ede: Some(EdeReport { code: 22, meaning, text: String::new() }),
        failed: true,
        took_ms: 1234.5,
        ..cached.clone()
    };
    let dropped = FinishedQuery {
        name: None,
        r#type: None,
        outcome: Some(QueryOutcome::ErrorsLimited),
        rcode: None,
        ..cached.clone()
    };
    let later = FinishedQuery { outcome: None, ..cached.clone() };
    let rows = [cached, failed, dropped, later].map(|query| watch::row(&query));
    shows("watch", &[vec![watch::heading()], rows.to_vec()].concat(), 120);
}

#[test]
fn status_is_a_page_and_an_object() {
    shows("status-well", &status::page(&well(), 80), 80);
    shows("status-troubled", &status::page(&troubled(), 80), 80);
    shows("status-troubled-narrow", &status::page(&troubled(), 50), 50);
    shows("status-offline", &status::page(&offline(), 80), 80);
    prints("status-json", troubled());
}

#[test]
fn stats_has_a_sentence_for_each_counter() {
    let counted = [
        (Counter::ClientQueries, 100_000),
        (Counter::ClientCached, 87_000),
        (Counter::UpstreamQueries, 31_415),
        (Counter::UpstreamTimeouts, 12),
    ];
    let zero = Counter::ALL.iter().map(|counter| (counter.name().to_owned(), 0));
    let counted = counted.iter().map(|(counter, count)| (counter.name().to_owned(), *count));
    let stats = CounterStats { uptime_s: 3661, counters: zero.chain(counted).collect() };
    shows("stats", &stats::page(&stats, false, 100), 100);
    shows("stats-narrow", &stats::page(&stats, false, 48), 48);
    let all = stats::page(&stats, true, 100);
    let has = |counter: &Counter| all.iter().any(|line| line.contains(counter.name()));
    assert!(Counter::ALL.iter().all(has));
    let few = [(Counter::ClientQueries.name().to_owned(), 100_000)].into();
    prints("stats-json", CounterStats { counters: few, ..stats });
}

fn known() -> ServerList {
    let good = KnownServer {
        name: Some("ns1.example.com.".into()),
        address: "192.0.2.53".into(),
        transport: "udp".into(),
        srtt_ms: Some(12.345),
        rttvar_ms: Some(1.5),
        loss: 0.01,
        replied_s: Some(3),
        asked_s: Some(3),
        unanswered: 0,
        trouble: String::new(),
        lame: false,
        edns: true,
        encryption: EncryptionReport::Works,
        expected_ms: 13.0,
        hedge_after_ms: 40.0,
        backoff_s: None,
    };
    let bad = KnownServer {
        name: None,
        address: "[2001:db8::53]:5300".into(),
        srtt_ms: None,
        rttvar_ms: None,
        loss: 1.0,
        replied_s: None,
        unanswered: 4,
        trouble: "4 timeouts in a row".into(),
        lame: true,
        edns: false,
        encryption: EncryptionReport::Fails,
        backoff_s: Some(17),
        ..good.clone()
    };
    ServerList {
        zone: Some("example.com.".into()),
        servers: vec![good, bad],
        silent_zones: vec![SilentZoneReport {
            zone: "dead.example.".into(),
            silent_s: 90,
            queries: 23,
            dead: true,
        }],
        reachability: Reachability { ipv6: false, ..Reachability::default() },
    }
}

#[test]
fn servers_are_lines_and_an_object() {
    shows("servers", &servers::page(&known(), 100), 100);
    shows("servers-narrow", &servers::page(&known(), 75), 75);
    shows("servers-none", &servers::page(&ServerList::default(), 80), 80);
    prints("servers-json", known());
}

#[test]
fn the_cache_is_shown_and_an_object() {
    let entry = |kind: &str, records: &[&str], denies: Option<&str>, dnssec, left_s| CacheEntry {
        kind: kind.into(),
        records: texts(records),
        denies: denies.map(str::to_owned),
        dnssec,
        left_s,
    };
    let record = "www.example.com. 300 IN A 192.0.2.1";
    let entries = CacheEntries {
        name: "www.example.com.".into(),
        entries: vec![
            entry("RRset", &[record], None, DnssecStatus::Secure, 300),
            entry("denial", &[], Some("AAAA"), DnssecStatus::Insecure, -5),
            entry("denial", &[], Some("all"), DnssecStatus::Unchecked, 60),
        ],
        more: 2,
    };
    let none = CacheEntries { name: "other.example.".into(), ..CacheEntries::default() };
    shows("cache-lookup", &cache::entries_page(&entries), 80);
    shows("cache-lookup-none", &cache::entries_page(&none), 80);
    shows("cache-stats", &cache::fill_page(&fill(), 80), 80);
    prints("cache-lookup-json", entries);
    prints("cache-stats-json", fill());
}

#[test]
fn negative_trust_anchors_are_listed() {
    let zones = vec![UnvalidatedZone { zone: "broken.example.".into(), left_s: 5400 }];
    let listed = NegativeAnchorList { zones };
    shows("nta-list", &nta::page(&listed), 80);
    shows("nta-list-none", &nta::page(&NegativeAnchorList::default()), 80);
    prints("nta-list-json", listed);
}

fn networks() -> LocalNetworks {
    let text = str::to_owned;
    let settings = |source: &str, resolvers: &[&str]| DnsSettingsReport {
        source: source.into(),
        in_use: true,
        resolvers: texts(resolvers),
        takes_other_names: true,
        ..DnsSettingsReport::default()
    };
    let wireless = LinkReport {
        name: "wlan0".into(),
        index: 3,
        kind: "wireless".into(),
        addresses: texts(&["192.168.178.20/24", "2001:db8:1:2:3:4:5:6/64", "fe80::1:2:3/64"]),
        gateways: texts(&["192.168.178.1", "fe80::1"]),
        dns: vec![DnsSettingsReport {
            search_domains: texts(&["fritz.box"]),
            ..settings("systemd-networkd", &["192.168.178.1:53", "[fd00::1]:53"])
        }],
        dhcp_domain: Some(text("fritz.box")),
        dhcp_server: Some(text("192.168.178.1")),
        portal_api: Some(text("https://portal.example/api")),
        nat64_prefixes: texts(&["64:ff9b::/96"]),
    };
    let tunnel = LinkReport {
        name: "tun0".into(),
        index: 9,
        kind: "tunnel".into(),
        addresses: texts(&["10.8.0.2/24"]),
        dns: vec![DnsSettingsReport {
            routing_domains: texts(&["corp.example"]),
            ..settings("systemd-resolved", &["10.8.0.1:5353"])
        }],
        ..LinkReport::default()
    };
    let route = |zone: &str, server: &str, link: &str, reason: &str| NetworkRouteReport {
        zone: zone.into(),
        servers: texts(&[server]),
        link: link.into(),
        reason: reason.into(),
        validate: false,
    };
    LocalNetworks {
        network: Some(text("3f9a12bc0011223344556677889900aa")),
        strategy: None,
        links: vec![wireless, tunnel],
        default_routes: vec![DefaultRouteReport {
            link: "wlan0".into(),
            gateway: Some(text("192.168.178.1")),
            metric: 600,
        }],
        machine: vec![settings("resolv.conf", &["192.168.178.1:53"])],
        routes: vec![
            route("corp.example.", "10.8.0.1:5353", "tun0", "vpn"),
            route("fritz.box.", "192.168.178.1:53", "wlan0", "dhcp-domain"),
        ],
    }
}

#[test]
fn network() {
    shows("network", &network::page(&networks(), 80), 80);
    shows("network-none", &network::page(&LocalNetworks::default(), 80), 80);
    prints("network-json", networks());
}

#[test]
fn a_network_with_a_portal() {
    let portal = PortalReport {
        captive: false,
        user_portal_url: Some("https://login.hotel.example/start".into()),
        venue_info_url: Some("https://hotel.example/".into()),
        seconds_remaining: Some(5400),
        ..PortalReport::default()
    };
    let strategy = StrategyReport {
        strategy: "recurse".into(),
        text: "recursion from the root".into(),
        portal: Some(portal),
        ..StrategyReport::default()
    };
    let networks = LocalNetworks { strategy: Some(strategy), ..networks() };
    shows("network-portal", &network::page(&networks, 80), 80);
    prints("network-portal-json", networks);
}
