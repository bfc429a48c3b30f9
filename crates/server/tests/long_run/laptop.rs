//! A laptop with its Internet, resolver and disk.

use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Counters, Delegation, Random, name, zonefile};
use zoners_dnssec::chain::Ds;
use zoners_resolver::Anchor;
use zoners_resolver::{Event, Resolver, Settings, Shared};
use zoners_server::pipeline::{Cookies, Rules};
use zoners_server::policy::ListPolicy;
use zoners_server::{Config, Service};
use zoners_sim::sign::Signing;
use zoners_sim::{SimClock, SimNetwork, world};
use zoners_store::Seal;
use zoners_store::snapshot::{self, Boot, Fingerprints, Loaded, SnapshotOptions, Times};

use crate::dashboard::Dashboard;
use crate::{checks, lists};

/// Domains of its Internet, `d0.t0.` and so on; every fourth domain is signed, with the zones
/// above.
pub(crate) const DOMAINS: usize = 120;
/// The share of dead servers, but never every server of one domain.
const DEAD: f64 = 0.2;
const LOSS: f64 = 0.01;
/// Octets of its cache: too few for every name asked, so that entries are evicted.
const CACHE: usize = 256 << 10;
/// The boot of the machine, to which moments refer.
const BOOT: Boot = Boot(Some([1; 16]));

pub(crate) struct Laptop {
    pub(crate) net: SimNetwork,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) service: Arc<Service<SimNetwork>>,
    settings: Arc<Settings>,
    random: Random,
    generation: u32,
    disk: TempDir,
    policy: Arc<ListPolicy>,
    /// The version of the policy list in force.
    pub(crate) list_version: u32,
    pub(crate) dashboard: Dashboard,
    /// Events that dashboards have seen, and events that were lost.
    events: (u64, u64),
}

impl Laptop {
    pub(crate) fn new(seed: u64) -> Self {
        let net = world::populous(seed, DOMAINS, DEAD, LOSS);
        let domains: Vec<String> =
            (0..DOMAINS).step_by(4).map(|domain| format!("d{domain}.t0")).collect();
        let mut signed: Vec<&str> = domains.iter().map(String::as_str).collect();
        signed.extend(["t0", "t1", "t2", "t3", "."]);
        let anchor = net.sign(&signed, &Signing::default());
        net.stop_recording();
        let hints = zonefile::root_hints(world::HINTS).unwrap();
        let mut settings = Settings::new(Delegation::from_hints(&hints).unwrap());
        let ds = anchor.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
        settings.anchors = vec![Anchor { zone: name::root(), ds, keys: vec![] }];
        let (clock, random) = (Arc::new(SimClock::new(None)), Random::seeded(seed));
        let settings = Arc::new(settings);
        let policy = lists::policy(0);
        let service = start(&net, &clock, &settings, &random, rules(&random, 0, &policy));
        Laptop {
            dashboard: Dashboard::open(&service),
            net,
            clock,
            service,
            settings,
            random,
            generation: 0,
            disk: tempfile::tempdir().unwrap(),
            policy,
            list_version: 0,
            events: (0, 0),
        }
    }

    pub(crate) fn tell(&self, event: Event) {
        self.service.worker().shared().notify(event);
    }

    /// Drops every reply for `span`.
    pub(crate) fn without_a_line(&self, span: Duration) {
        let now = self.net.now();
        let gone: Range<Duration> = now..now + span;
        self.net.outage(gone);
    }

    /// A new configuration comes into force; work under way keeps the old configuration.
    pub(crate) fn reload(&mut self) {
        self.generation += 1;
        let rules = rules(&self.random, self.generation, &self.policy);
        let next = Service::new(self.service.worker().clone(), rules).continuing(&self.service);
        self.service = Arc::new(next);
    }

    /// The next version of the policy list comes into force; work under way keeps the former version.
    pub(crate) fn updates_lists(&mut self) {
        self.list_version += 1;
        self.generation += 1;
        self.policy = lists::policy(self.list_version);
        let rules = self.service.rules().governed(Some(self.policy.clone()), self.generation);
        self.service = Arc::new(self.service.with_rules(Arc::new(rules)));
    }

    /// The process ends, and a new process starts with the contents of the disk.
    pub(crate) fn restart(&mut self) {
        checks::all_is_counted(&self.service);
        self.events = self.seen_and_lost();
        let (net, clock) = (&self.net, &self.clock);
        let rules = rules(&self.random, self.generation, &self.policy);
        self.service = start(net, clock, &self.settings, &self.random, rules);
        self.dashboard = Dashboard::open(&self.service);
        let (seal, cache) = (seal(), &self.service.worker().shared().cache);
        let (terms, path) = (terms(&seal), self.disk.path().join("cache"));
        let read = snapshot::read(&path, cache, &terms, &**clock, BOOT, true, || true);
        let Loaded { entries, trusted, .. } = read.unwrap();
        assert!(trusted && entries.imported > 0 && cache.stats().bytes <= cache.limit());
    }

    /// Events of queries: how many the dashboard has seen, and how many were lost. Each query had one.
    pub(crate) fn seen_and_lost(&mut self) -> (u64, u64) {
        let (seen, lost) = self.dashboard.has_all(&self.service);
        (self.events.0 + seen, self.events.1 + lost)
    }

    /// The cache is written.
    pub(crate) fn writes(&self) {
        let (seal, shared) = (seal(), self.service.worker().shared());
        let times = Times { reading: shared.clock.read(), boot: BOOT };
        let path = self.disk.path().join("cache");
        let written =
            snapshot::write(&path, &shared.cache, &terms(&seal), times, &shared.random, u64::MAX);
        assert!(written.unwrap() > 0);
    }

    /// Writes the cache to a full disk.
    pub(crate) fn cannot_write(&self) {
        let (seal, shared) = (seal(), self.service.worker().shared());
        let times = Times { reading: shared.clock.read(), boot: BOOT };
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut out = BufWriter::with_capacity(16, full);
        let (cache, random) = (&shared.cache, &shared.random);
        let written = snapshot::write_to(&mut out, cache, &terms(&seal), times, random, u64::MAX);
        assert!(written.is_err());
    }
}

fn start(
    net: &SimNetwork,
    clock: &Arc<SimClock>,
    settings: &Arc<Settings>,
    random: &Random,
    rules: Arc<Rules>,
) -> Arc<Service<SimNetwork>> {
    let cache = Cache::new(CACHE, TtlLimits::default(), [1, 2]);
    let shared = Shared::new(cache, clock.clone(), Random::seeded(random.bits()));
    let counters = Arc::new(Counters::default());
    let worker = Resolver::new(shared, net.clone(), settings.clone(), counters);
    Arc::new(Service::new(worker, rules))
}

/// A configuration; local data differ from generation to generation.
fn rules(random: &Random, generation: u32, policy: &Arc<ListPolicy>) -> Arc<Rules> {
    let host = generation % 256;
    let local = format!("[local]\nrecords = [\"here.home. 60 A 192.168.0.{host}\"]\n");
    let config = Config::parse(&format!("{local}{}", lists::TEXT), "zoners.toml").unwrap();
    let cookies = Cookies::new(&Random::seeded(2));
    let rules = Rules::new(&config, &[], cookies, random, generation).unwrap();
    Arc::new(rules.with_policy(policy.clone()))
}

fn seal() -> Seal {
    Seal::new(b"a secret of this folder")
}

fn terms(seal: &Seal) -> SnapshotOptions<'_> {
    SnapshotOptions { seal: Some(seal), fingerprints: Fingerprints::of("the root", "its anchor") }
}
