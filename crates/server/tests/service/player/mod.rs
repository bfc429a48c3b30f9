//! Plays scenarios: the resolver as clients see it, over a scripted network and virtual time.

mod access;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{
    Counters, Delegation, DsStatus, Message, Moment, Name, NameServer, QueryMode, Question, Random,
    Rtype, Transport, name, zonefile,
};
use zoners_dnssec::chain::{self, Ds};
use zoners_resolver::{Anchor, NeverAsk};
use zoners_resolver::{Glue, Resolver, Settings, Shared};
use zoners_server::Client;
use zoners_server::config::{Any, Clients, LocalConfig, PolicyConfig, ServerConfig, SpecialUse};
use zoners_server::pipeline::{Cookies, Rules};
use zoners_server::{Config, Service};
use zoners_sim::SimClock;
use zoners_sim::scenario::{Action, Dialect, Scenario, ScriptedNetwork, records};

/// Virtual time of a step after which the scenario counts as stuck.
const STUCK: Duration = Duration::from_secs(30);

/// Keys of features that the resolver does not have; a scenario with such a key is not played.
const MISSING: &[&str] = &[
    "auth-zone",
    "dns64-prefix",
    "do-nat64",
    "fallback-enabled",
    "feature-list",
    "forward-first",
    "interface-view",
    "local-zone",
    "nat64-prefix",
    "private-address",
    "response-ip",
    "rpz",
    "stub-first",
    "trust-anchor-file",
];

/// The result of a scenario.
#[derive(Debug)]
pub(crate) enum ScenarioOutcome {
    Passed,
    /// The scenario needs a missing feature.
    Skipped(String),
    /// The scenario failed, for this reason.
    Failed(String),
}

/// Plays the scenario in `text`.
pub(crate) fn play(text: &str, dialect: Dialect) -> ScenarioOutcome {
    let scenario = match Scenario::parse(text, dialect) {
        Ok(scenario) => scenario,
        Err(error) => return ScenarioOutcome::Skipped(error),
    };
    // The player has no local zones, so `nodefault` changes nothing.
    let off = |value: &str| value == "no" || value.ends_with(" nodefault");
    let is_on = |key: &&&str| scenario.value(key).is_some_and(|value| !off(value));
    if let Some(key) = MISSING.iter().find(is_on) {
        return ScenarioOutcome::Skipped(format!("needs {key}"));
    }
    let (allow, refuse) = match access::access(&scenario) {
        Ok(rules) => rules,
        Err(error) => return ScenarioOutcome::Skipped(format!("access-control: {error}")),
    };
    let server = ServerConfig {
        allow: Clients::of(allow),
        refuse,
        any: Any::Full,
        ..ServerConfig::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    match runtime.block_on(Player::new(&scenario, dialect, server).play(&scenario)) {
        Ok(()) => ScenarioOutcome::Passed,
        Err(reason) => ScenarioOutcome::Failed(reason),
    }
}

struct Player {
    network: ScriptedNetwork,
    service: Arc<Service<ScriptedNetwork>>,
    asked: Option<JoinHandle<Option<Vec<u8>>>>,
    dialect: Dialect,
}

impl Player {
    fn new(scenario: &Scenario, dialect: Dialect, server: ServerConfig) -> Self {
        let network = ScriptedNetwork::new(scenario.ranges.clone());
        let random = Random::seeded(1);
        let clock = Arc::new(SimClock::new(None));
        let number =
            |key, default| scenario.value(key).and_then(|v| v.parse().ok()).unwrap_or(default);
        let limits = TtlLimits {
            floor: number("cache-min-ttl", 0),
            cap: number("cache-max-ttl", 86_400),
            negative_cap: number("cache-max-negative-ttl", 3_600),
            // Off in Unbound unless a scenario turns it on.
            stale: match scenario.value("serve-expired") {
                Some("yes") => 86_400,
                _ => 0,
            },
        };
        let cookies = Cookies::new(&random);
        let shared = Shared::new(Cache::new(8 << 20, limits, [1, 2]), clock, random);
        let settings = Arc::new(settings(scenario, dialect));
        let counters = Arc::new(Counters::default());
        let worker = Resolver::new(shared, network.clone(), settings, counters);
        let off = SpecialUse {
            localhost: false,
            invalid: false,
            test: false,
            onion: false,
            local: false,
            home_arpa: false,
            resolver_arpa: false,
            private_reverse: false,
        };
        let config = Config {
            local: LocalConfig { special_use: off, ..LocalConfig::default() },
            server,
            // Scenarios are played with private addresses.
            policy: PolicyConfig { rebinding_protection: false, ..PolicyConfig::default() },
            ..Config::default()
        };
        let rules = Rules::new(&config, &[], cookies, &Random::seeded(2), 0).unwrap();
        Player {
            network,
            service: Arc::new(Service::new(worker, Arc::new(rules))),
            asked: None,
            dialect,
        }
    }

    async fn play(mut self, scenario: &Scenario) -> Result<(), String> {
        for step in &scenario.steps {
            self.network.enter_step(step.number);
            self.step(&step.action).await.map_err(|reason| {
                let sent = self.network.sent().join("\n  ");
                format!("step {}: {reason}\n  {sent}", step.number)
            })?;
        }
        Ok(())
    }

    async fn step(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Query(entry) => {
                let query = entry.query().ok_or("a query without a question")?;
                let service = self.service.clone();
                let answer =
                    async move { service.answer(&query, Client::local(Transport::Tcp)).await };
                self.asked = Some(tokio::spawn(answer));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Action::CheckAnswer(entry) => {
                let asked = self.asked.take().ok_or("no query to check")?;
                let reply = tokio::time::timeout(STUCK, asked).await;
                let reply =
                    reply.map_err(|_| "no answer at all")?.map_err(|error| error.to_string())?;
                let reply = reply.ok_or("the query was dropped")?;
                let reply = Message::parse(&reply.into()).map_err(|error| error.to_string())?;
                if let Some(fault) = entry.fault(&reply) {
                    let ede: Vec<String> = reply
                        .edns
                        .iter()
                        .flat_map(|edns| &edns.errors)
                        .map(ToString::to_string)
                        .collect();
                    return Err(format!("{fault} {ede:?}"));
                }
            }
            // Deckard does not check how a resolver asks.
            Action::CheckOutQuery(_) if self.dialect == Dialect::Deckard => {}
            Action::CheckOutQuery(entry) => {
                for _ in 0..1000 {
                    match self.network.waiting_matches(entry) {
                        Some(true) => return Ok(()),
                        Some(false) | None => tokio::time::sleep(Duration::from_millis(10)).await,
                    }
                }
                return Err("no such query went out".into());
            }
            Action::Reply(entry) => {
                for _ in 0..300 {
                    if self.network.answer_waiting(entry, false) {
                        return Ok(());
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                self.network.answer_waiting(entry, true);
            }
            Action::Timeout => self.network.drop_waiting(),
            Action::TimePasses(time) => tokio::time::sleep(*time).await,
            Action::Settle => tokio::time::sleep(Duration::from_secs(6)).await,
        }
        Ok(())
    }
}

fn settings(scenario: &Scenario, dialect: Dialect) -> Settings {
    let yes = |key, default| match scenario.value(key) {
        Some("yes" | "on" | "true") => true,
        Some("no" | "off" | "false") => false,
        _ => default,
    };
    let mut settings = Settings::new(route(&name::root(), QueryMode::Iterative, &[]));
    settings.routes = routes(scenario);
    let root = settings
        .routes
        .iter()
        .position(|route| route.zone.is_root() && route.mode == QueryMode::Stub);
    if let Some(at) = root {
        settings.root = Delegation { mode: QueryMode::Iterative, ..settings.routes.remove(at) };
    }
    if settings.root.servers.is_empty() {
        let hints = zonefile::root_hints(zoners_server::config::ROOT_HINTS).unwrap();
        settings.root = Delegation::from_hints(&hints).unwrap();
    }
    // No priming is expected unless the scenario answers it.
    settings.priming = scenario.steps.iter().any(|step| match &step.action {
        Action::Reply(entry) => entry.question == Some(Question::new(name::root(), Rtype::NS)),
        _ => false,
    });
    settings.never_ask = NeverAsk::default();
    settings.minimise = match dialect {
        Dialect::Deckard => yes("query-minimization", true),
        Dialect::Unbound => yes("qname-minimisation", false),
    };
    settings.minimised_type = if dialect == Dialect::Deckard { Rtype::NS } else { Rtype::A };
    settings.anchors = anchors(scenario);
    let unsigned = scenario.values("domain-insecure").filter_map(|zone| name::parse(zone).ok());
    settings.negative_anchors = unsigned.collect();
    settings.validation_date = scenario.validation_date();
    settings.ipv4 = yes("do-ip4", true);
    settings.ipv6 = yes("do-ip6", true);
    settings.full_answers = dialect == Dialect::Unbound && !yes("minimal-responses", true);
    if !yes("harden-glue", true) {
        settings.glue = Glue::Any;
    }
    settings
}

/// Trust anchors: DS and DNSKEY records, one on each line.
fn anchors(scenario: &Scenario) -> Vec<Anchor> {
    let parsed = scenario.values("trust-anchor").filter_map(|text| records(text).ok());
    parsed
        .flatten()
        .map(|set| Anchor {
            zone: set.owner.clone(),
            ds: match set.rtype {
                Rtype::DS => set.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect(),
                _ => Vec::new(),
            },
            keys: chain::keys(&set),
        })
        .collect()
}

/// Stubs and forwarders. Deckard's files name the root's address alone.
fn routes(scenario: &Scenario) -> Vec<Delegation> {
    let mut routes: Vec<Delegation> = Vec::new();
    let mut zone = name::root();
    for (key, value) in &scenario.config {
        let mode = match key.as_str() {
            "name" => {
                zone = name::parse(value).unwrap();
                continue;
            }
            "stub-addr" => QueryMode::Stub,
            "forward-addr" => QueryMode::Forward,
            _ => continue,
        };
        let Ok(address) = value.parse() else { continue };
        match routes.iter_mut().find(|route| route.zone == zone && route.mode == mode) {
            Some(route) => route.servers.extend(server(address)),
            None => routes.push(route(&zone, mode, &[address])),
        }
    }
    routes
}

fn server(address: std::net::IpAddr) -> [NameServer; 1] {
    [NameServer::plain(name::root(), vec![(address, 53).into()])]
}

fn route(zone: &Name, mode: QueryMode, addresses: &[std::net::IpAddr]) -> Delegation {
    Delegation {
        zone: zone.clone(),
        mode,
        transport: Transport::Udp,
        servers: addresses.iter().flat_map(|address| server(*address)).collect(),
        signing: DsStatus::Unknown,
        expires: Moment::NEVER,
    }
}
