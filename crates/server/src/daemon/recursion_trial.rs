//! A trial of recursion: the servers of the root zone, looked up with a resolver and a cache of its own.
//!
//! So a restored cache does not answer in place of the network, and counters and server statistics stay those of clients.
//! Copies of zones do not answer either, since a copy of the root would say nothing of the network.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Counters, Network, OptRcode, Question, Random, Rtype, Security, name};
use zoners_resolver::{Fault, Hop, NetworkState, Resolver, Settings, Shared, Trace};

use super::first_recursion::FirstRecursion;
use crate::clock::SystemClock;

/// Octets of the cache of a trial.
const CACHE_SIZE: usize = 1 << 20;
/// An answer is waited for no longer than this.
const TIME_LIMIT: Duration = Duration::from_secs(2);
/// Configured forwarders and stubs that are tried where recursion fails.
const MAX_TRIED_ROUTES: usize = 4;

/// Looks up the servers of the root zone over `network`, as `settings` say.
pub(super) async fn try_recursion<N: Network>(
    network: N,
    settings: Arc<Settings>,
    random: Random,
) -> FirstRecursion {
    RecursionTrial::new(network, &settings, random).run().await
}

/// Whether a configured forwarder or stub answers for its zone: such a zone is resolved without the Internet. Routes of
/// the root zone are what [`try_recursion`] has tried.
pub(super) async fn is_route_answered<N: Network>(
    network: N,
    settings: Arc<Settings>,
    random: Random,
) -> bool {
    let worker = separate_resolver(network, settings.clone(), random);
    let zones = settings.routes.iter().map(|route| &route.zone).filter(|zone| !zone.is_root());
    let mut look_ups = JoinSet::new();
    for zone in zones.take(MAX_TRIED_ROUTES) {
        let (worker, question) = (worker.clone(), Question::new(zone.clone(), Rtype::SOA));
        look_ups.spawn(async move { worker.resolve(&question, None).await.is_ok() });
    }
    let answered = async {
        while let Some(look_up) = look_ups.join_next().await {
            if matches!(look_up, Ok(true)) {
                return true;
            }
        }
        false
    };
    timeout(TIME_LIMIT, answered).await.unwrap_or(false)
}

/// A resolver with a cache and counters of its own.
fn separate_resolver<N: Network>(
    network: N,
    settings: Arc<Settings>,
    random: Random,
) -> Resolver<N> {
    let cache = Cache::new(CACHE_SIZE, TtlLimits::default(), [random.bits(), random.bits()]);
    let shared = Shared::new(cache, Arc::new(SystemClock), random);
    Resolver::new(shared, network, settings, Arc::<Counters>::default())
}

/// A trial of recursion.
pub(super) struct RecursionTrial<N: Network> {
    resolver: Resolver<N>,
    validates: bool,
    trace: Arc<Trace>,
}

impl<N: Network> RecursionTrial<N> {
    /// A trial over `network`, as `settings` say.
    pub(super) fn new(network: N, settings: &Settings, random: Random) -> Self {
        let settings = Settings { zone_copies: None, ..settings.clone() };
        let validates = !settings.anchors.is_empty();
        let resolver = separate_resolver(network, Arc::new(settings), random);
        RecursionTrial { resolver, validates, trace: Arc::default() }
    }

    /// Looks up the servers of the root zone.
    pub(super) async fn run(&self) -> FirstRecursion {
        let question = Question::new(name::root(), Rtype::NS);
        let began = Instant::now();
        let resolved = self.resolver.resolve(&question, Some(self.trace.clone()));
        let resolved = timeout(TIME_LIMIT, resolved).await;
        let obstacle = match self.resolver.shared().network_state() {
            NetworkState::Obstructed(obstacle) => Some(obstacle.says().to_owned()),
            NetworkState::Unknown | NetworkState::Doubtful | NetworkState::Open => None,
        };
        match resolved {
            Ok(Ok(answer)) if answer.security == Security::Secure => {
                FirstRecursion::Proven(began.elapsed())
            }
            Ok(Ok(_)) if !self.validates => FirstRecursion::Unvalidated(began.elapsed()),
            Ok(Ok(_)) => FirstRecursion::Failed("the root zone could not be proven".to_owned()),
            _ if !self.has_reply() => FirstRecursion::Offline,
            Ok(Err(unresolved)) => {
                FirstRecursion::Failed(obstacle.unwrap_or_else(|| unresolved.to_string()))
            }
            Err(_) => FirstRecursion::Failed(obstacle.unwrap_or_else(|| {
                format!("servers are too slow: no proven answer within {} s", TIME_LIMIT.as_secs())
            })),
        }
    }

    /// Whether a server sent anything.
    pub(super) fn has_reply(&self) -> bool {
        self.trace.steps().iter().any(|step| match &step.hop {
            Hop::Asked { outcome: Some(Ok(_)), .. } => true,
            Hop::Asked { outcome: Some(Err(fault)), .. } => {
                !matches!(fault, Fault::Timeout | Fault::Network(_) | Fault::Exhausted(_))
            }
            Hop::Asked { outcome: None, .. } | Hop::Waited { .. } | Hop::Note(_) => false,
        })
    }

    /// Whether recursion works for any name, after a successful [`RecursionTrial::run`].
    ///
    /// An interceptor may answer for the root zone from its cache and refuse all other questions without RD, or answer
    /// over TCP alone, as dnsmasq does. So either servers themselves replied, with AA and a proof; or the interceptor,
    /// which has refused nothing, finds out that a name of chance does not exist.
    pub(super) async fn reaches_servers(&self) -> bool {
        match self.resolver.shared().network_state() {
            // Root servers of a local network are no evidence about the Internet.
            NetworkState::Open | NetworkState::Unknown => true,
            NetworkState::Obstructed(obstacle) if obstacle.is_closed() => false,
            NetworkState::Obstructed(_) | NetworkState::Doubtful => {
                !self.has_failure() && self.proves_absence().await && !self.has_failure()
            }
        }
    }

    /// Whether a server replied with a failure, such as REFUSED.
    fn has_failure(&self) -> bool {
        let is_failure =
            |hop: &Hop| matches!(hop, Hop::Asked { outcome: Some(Err(Fault::Rcode(_))), .. });
        self.trace.steps().iter().any(|step| is_failure(&step.hop))
    }

    async fn proves_absence(&self) -> bool {
        let random = &self.resolver.shared().random;
        let Ok(name) = name::parse(&format!("{:016x}", random.bits())) else { return false };
        let question = Question::new(name, Rtype::NS);
        let resolved = self.resolver.resolve(&question, Some(self.trace.clone()));
        let Ok(Ok(answer)) = timeout(TIME_LIMIT, resolved).await else { return false };
        answer.rcode == OptRcode::NXDOMAIN && answer.security == Security::Secure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use zoners_api::FirstRecursionState;
    use zoners_dns::{CopyReply, Delegation, Name, ZoneCopies, zonefile};
    use zoners_dnssec::chain::Ds;
    use zoners_resolver::Anchor;
    use zoners_sim::demo::{HINTS, internet};
    use zoners_sim::{Middlebox, SimNetwork};

    /// Settings for the demo's Internet, whose root servers have these addresses.
    fn settings(hints: &str, anchors: Vec<Anchor>) -> Settings {
        let root = Delegation::from_hints(&zonefile::root_hints(hints).unwrap()).unwrap();
        Settings { anchors, ..Settings::new(root) }
    }

    fn validated() -> (SimNetwork, Settings) {
        let (network, anchor) = internet(1);
        let ds = anchor.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
        let anchors = vec![Anchor { zone: anchor.owner.clone(), ds, keys: vec![] }];
        (network, settings(HINTS, anchors))
    }

    async fn tried(network: &SimNetwork, settings: &Settings) -> FirstRecursion {
        RecursionTrial::new(network.clone(), settings, Random::seeded(1)).run().await
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_whether_recursion_works_and_is_proven() {
        let (network, validating) = validated();
        let proven = tried(&network, &validating).await;
        assert!(matches!(proven, FirstRecursion::Proven(_)), "{proven}");
        assert!(proven.to_string().contains("is proven"), "{proven}");
        let plain = tried(&network, &settings(HINTS, vec![])).await;
        assert!(matches!(plain, FirstRecursion::Unvalidated(_)), "{plain}");
        let nowhere = ". NS a.root.\na.root. A 198.51.101.1\n";
        let offline = tried(&network, &settings(nowhere, validating.anchors)).await;
        assert_eq!(offline, FirstRecursion::Offline);
        assert_eq!(offline.report().state, FirstRecursionState::Offline);
    }

    /// Whether a network behind this middlebox is found to let recursion work.
    async fn works(middlebox: Option<Middlebox>) -> bool {
        let (network, settings) = validated();
        network.interpose(middlebox);
        let trial = RecursionTrial::new(network, &settings, Random::seeded(1));
        trial.run().await.is_success() && trial.reaches_servers().await
    }

    #[tokio::test(start_paused = true)]
    async fn an_interceptor_passes_for_recursion_only_if_it_resolves_any_name() {
        assert!(works(None).await && works(Some(Middlebox::TRANSPARENT)).await);
        for deaf in [Middlebox::OVER_TCP, Middlebox::FROM_CACHE, Middlebox::STRIPPING] {
            assert!(!works(Some(deaf)).await, "{deaf:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_route_is_answered_without_the_root_servers() {
        let (network, _) = internet(1);
        let nowhere = ". NS a.root.\na.root. A 198.51.101.1\n";
        let answered = async |zone: &str, server: &str| {
            let text = format!("[[forward]]\nzone = {zone:?}\nservers = [{server:?}]\n");
            let routes = Config::parse(&text, "test").unwrap().settings().unwrap().routes;
            let settings = Arc::new(Settings { routes, ..settings(nowhere, vec![]) });
            is_route_answered(network.clone(), settings, Random::seeded(1)).await
        };
        let root_server = zonefile::root_hints(HINTS).unwrap();
        let root_server = Delegation::from_hints(&root_server).unwrap();
        let address = root_server.servers[0].addresses[0].ip().to_string();
        assert!(answered("demo", &address).await);
        assert!(!answered("demo", "198.51.101.1").await);
        assert!(!answered(".", &address).await, "that is recursion itself");
    }

    #[derive(Debug)]
    struct RootCopy;

    impl ZoneCopies for RootCopy {
        fn reply(&self, _: &Name, _: &Question) -> Option<CopyReply> {
            Some(CopyReply::Unavailable("a copy".to_owned()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_copy_of_the_root_says_nothing_of_the_network() {
        let (network, settings) = validated();
        let settings = Settings { zone_copies: Some(Arc::new(RootCopy)), ..settings };
        let proven = tried(&network, &settings).await;
        assert!(proven.is_success(), "{proven}");
    }
}
