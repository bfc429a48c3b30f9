//! Whether recursion works from here: tried after the start, beside serving, and again while it fails.
//!
//! The look-up has a resolver and a cache of its own, so that a restored cache does not answer in place of
//! the network, and counters and server statistics stay those of clients.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use zoners_api::{FirstRecursionReport, FirstRecursionState};
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Counters, Network, Question, Random, Rtype, Security, name};
use zoners_resolver::{Fault, Hop, NetworkState, Resolver, Settings, Shared, Trace};

use crate::clock::SystemClock;

/// Octets of the cache of this look-up.
const CACHE_SIZE: usize = 1 << 20;
/// The answer is waited for no longer than this.
const TIME_LIMIT: Duration = Duration::from_secs(2);
/// Configured forwarders and stubs that are tried where recursion fails.
const MAX_TRIED_ROUTES: usize = 4;
/// The pause before a failed recursion is tried again.
const RETRY_PERIOD: Duration = Duration::from_secs(15);

/// Whether recursion works from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstRecursion {
    /// The servers of the root zone were found, and proven.
    Proven(Duration),
    /// They were found; the configuration validates nothing.
    Unvalidated(Duration),
    /// No server responded.
    Offline,
    /// Recursion failed, for this reason.
    Failed(String),
}

impl FirstRecursion {
    /// Writes it to the log.
    pub fn log(&self) {
        match self {
            FirstRecursion::Proven(_) | FirstRecursion::Unvalidated(_) => {
                tracing::info!("recursion: {self}");
            }
            FirstRecursion::Offline | FirstRecursion::Failed(_) => {
                tracing::warn!("recursion: {self}");
            }
        }
    }
}

impl FirstRecursion {
    /// Whether names could not be resolved.
    pub(super) fn is_failure(&self) -> bool {
        self.report().state.is_failure()
    }

    /// The outcome for `zoners status`.
    pub(super) fn report(&self) -> FirstRecursionReport {
        let state = match self {
            FirstRecursion::Proven(_) => FirstRecursionState::Proven,
            FirstRecursion::Unvalidated(_) => FirstRecursionState::Unvalidated,
            FirstRecursion::Offline => FirstRecursionState::Offline,
            FirstRecursion::Failed(_) => FirstRecursionState::Failed,
        };
        FirstRecursionReport { state, text: self.to_string() }
    }
}

impl fmt::Display for FirstRecursion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FirstRecursion::Proven(took) => {
                write!(f, "works from here: the root zone is proven, in {} ms", took.as_millis())
            }
            FirstRecursion::Unvalidated(took) => write!(
                f,
                "works from here, in {} ms; answers are not validated (dnssec.validate = false)",
                took.as_millis()
            ),
            FirstRecursion::Offline => f.write_str(
                "no server responds: this machine is offline, or its network blocks DNS; names resolve \
                 as soon as servers respond",
            ),
            FirstRecursion::Failed(why) => write!(f, "does not work from here: {why}"),
        }
    }
}

/// The place of the latest outcome.
pub(super) trait RecursionRecord {
    /// Whether the latest outcome is a failure, and neither clients nor a change of the network have told more.
    fn is_failure_all_that_is_known(&self) -> bool;
    /// Replaces the outcome.
    fn keep(&self, outcome: &FirstRecursion);
}

/// Tries a failed recursion again until more is known. Without this, a daemon that starts offline would stay unhealthy:
/// clients wait for a healthy daemon, and no query of a client shows that the network is back.
pub(super) async fn try_again<R: RecursionRecord>(
    attempt: impl AsyncFn() -> FirstRecursion,
    record: &R,
) {
    while record.is_failure_all_that_is_known() {
        sleep(RETRY_PERIOD).await;
        let outcome = attempt().await;
        if record.is_failure_all_that_is_known() {
            record.keep(&outcome);
        }
    }
}

/// Looks up the servers of the root zone over `network`, as `settings` say.
pub(super) async fn try_recursion<N: Network>(
    network: N,
    settings: Arc<Settings>,
    random: Random,
) -> FirstRecursion {
    try_recursion_traced(network, settings, random, Arc::default()).await
}

/// The same; `trace` tells of the way meanwhile.
pub(super) async fn try_recursion_traced<N: Network>(
    network: N,
    settings: Arc<Settings>,
    random: Random,
    trace: Arc<Trace>,
) -> FirstRecursion {
    let validates = !settings.anchors.is_empty();
    let worker = separate_resolver(network, settings, random);
    let question = Question::new(name::root(), Rtype::NS);
    let began = Instant::now();
    let resolved = timeout(TIME_LIMIT, worker.resolve(&question, Some(trace.clone()))).await;
    let obstacle = match worker.shared().network_state() {
        NetworkState::Obstructed(obstacle) => Some(obstacle.says().to_owned()),
        NetworkState::Unknown | NetworkState::Doubtful | NetworkState::Open => None,
    };
    match resolved {
        Ok(Ok(answer)) if answer.security == Security::Secure => {
            FirstRecursion::Proven(began.elapsed())
        }
        Ok(Ok(_)) if !validates => FirstRecursion::Unvalidated(began.elapsed()),
        Ok(Ok(_)) => FirstRecursion::Failed("the root zone could not be proven".to_owned()),
        _ if !has_reply(&trace) => FirstRecursion::Offline,
        Ok(Err(unresolved)) => {
            FirstRecursion::Failed(obstacle.unwrap_or_else(|| unresolved.to_string()))
        }
        Err(_) => FirstRecursion::Failed(obstacle.unwrap_or_else(|| {
            format!("servers are too slow: no proven answer within {} s", TIME_LIMIT.as_secs())
        })),
    }
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

/// Whether a server sent anything.
pub(super) fn has_reply(trace: &Trace) -> bool {
    trace.steps().iter().any(|step| match &step.hop {
        Hop::Asked { outcome: Some(Ok(_)), .. } => true,
        Hop::Asked { outcome: Some(Err(fault)), .. } => {
            !matches!(fault, Fault::Timeout | Fault::Network(_) | Fault::Exhausted(_))
        }
        Hop::Asked { outcome: None, .. } | Hop::Waited { .. } | Hop::Note(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;
    use crate::Config;
    use parking_lot::Mutex;
    use zoners_dns::{Delegation, zonefile};
    use zoners_dnssec::chain::Ds;
    use zoners_resolver::Anchor;
    use zoners_sim::demo::{HINTS, internet};

    /// Settings for the demo's Internet, whose root servers have these addresses.
    fn settings(hints: &str, anchors: Vec<Anchor>) -> Arc<Settings> {
        let root = Delegation::from_hints(&zonefile::root_hints(hints).unwrap()).unwrap();
        Arc::new(Settings { anchors, ..Settings::new(root) })
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_whether_recursion_works_and_is_proven() {
        let (network, anchor) = internet(1);
        let ds = anchor.records.iter().filter_map(|rdata| Ds::read(&rdata)).collect();
        let anchors = vec![Anchor { zone: anchor.owner.clone(), ds, keys: vec![] }];
        let seeded = || Random::seeded(1);
        let proven =
            try_recursion(network.clone(), settings(HINTS, anchors.clone()), seeded()).await;
        assert!(matches!(proven, FirstRecursion::Proven(_)), "{proven}");
        assert!(proven.to_string().contains("is proven"), "{proven}");
        let plain = try_recursion(network.clone(), settings(HINTS, vec![]), seeded()).await;
        assert!(matches!(plain, FirstRecursion::Unvalidated(_)), "{plain}");
        let nowhere = ". NS a.root.\na.root. A 198.51.101.1\n";
        let offline = try_recursion(network, settings(nowhere, anchors), seeded()).await;
        assert_eq!(offline, FirstRecursion::Offline);
        assert_eq!(offline.report().state, FirstRecursionState::Offline);
    }

    /// An outcome, and whether clients have used the network.
    struct Record(Mutex<FirstRecursion>, AtomicBool);

    impl RecursionRecord for Record {
        fn is_failure_all_that_is_known(&self) -> bool {
            !self.1.load(Ordering::Relaxed) && self.0.lock().report().state.is_failure()
        }

        fn keep(&self, outcome: &FirstRecursion) {
            *self.0.lock() = outcome.clone();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_route_is_answered_without_the_root_servers() {
        let (network, _) = internet(1);
        let nowhere = ". NS a.root.\na.root. A 198.51.101.1\n";
        let answered = async |zone: &str, server: &str| {
            let text = format!("[[forward]]\nzone = {zone:?}\nservers = [{server:?}]\n");
            let routes = Config::parse(&text, "test").unwrap().settings().unwrap().routes;
            let mut settings = (*settings(nowhere, vec![])).clone();
            settings.routes = routes;
            let settings = Arc::new(settings);
            is_route_answered(network.clone(), settings, Random::seeded(1)).await
        };
        let root_server = zonefile::root_hints(HINTS).unwrap();
        let root_server = Delegation::from_hints(&root_server).unwrap();
        let address = root_server.servers[0].addresses[0].ip().to_string();
        assert!(answered("demo", &address).await);
        assert!(!answered("demo", "198.51.101.1").await);
        assert!(!answered(".", &address).await, "that is recursion itself");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_recursion_is_tried_until_it_works() {
        let record = Record(Mutex::new(FirstRecursion::Offline), AtomicBool::new(false));
        let (attempts, began) = (AtomicU32::new(0), Instant::now());
        let attempt = async || match attempts.fetch_add(1, Ordering::Relaxed) {
            0 => FirstRecursion::Failed("servers are too slow".to_owned()),
            _ => FirstRecursion::Proven(Duration::ZERO),
        };
        try_again(attempt, &record).await;
        assert_eq!(record.0.lock().clone(), FirstRecursion::Proven(Duration::ZERO));
        assert_eq!((attempts.load(Ordering::Relaxed), began.elapsed()), (2, RETRY_PERIOD * 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_recursion_is_not_tried_once_clients_have_used_the_network() {
        let record = Record(Mutex::new(FirstRecursion::Offline), AtomicBool::new(false));
        let attempt = async || {
            record.1.store(true, Ordering::Relaxed);
            FirstRecursion::Failed("late".to_owned())
        };
        try_again(attempt, &record).await;
        assert_eq!(record.0.lock().clone(), FirstRecursion::Offline, "the newer knowledge stays");
    }
}
