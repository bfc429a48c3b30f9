//! The error rates of run comparisons: how often two runs of one build are said to differ, and how
//! often a build that is a tenth slower is detected.
//!
//! The suite compares ten pairs. 200 pairs take minutes: `ZONERS_PAIRS=200 cargo test --profile
//! dist -p zoners-sim --test resolver calibration:: -- --nocapture`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use zoners_bench::target::Telling;
use zoners_bench::{
    Circumstances, Comparison, ComparisonVerdict, LoadShape, Plan, QuestionOutcome, Stop, Summary,
    Target, TargetAnswer,
};
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Counters, Delegation, Question, Random, Rtype, name, zonefile};
use zoners_resolver::{Resolver, Settings, Shared};
use zoners_sim::{SimClock, SimNetwork, world};

/// Domains of each Internet.
const DOMAINS: usize = 300;
/// The most false alarms in 200 comparisons of a build with itself, and the least detections of a
/// build that is a tenth slower.
const MOST_FALSE: usize = 14;
const LEAST_FOUND: usize = 180;

#[test]
fn comparisons_can_be_believed() {
    let pairs = std::env::var("ZONERS_PAIRS").map_or(10, |pairs| pairs.parse().unwrap());
    let halves = [0, 1].map(|half| (0..pairs).filter(move |pair| pair % 2 == half));
    let counted = std::thread::scope(|scope| {
        let count = |half: Vec<usize>| {
            scope.spawn(move || half.into_iter().map(|pair| judge(pair as u64)).collect())
        };
        let halves = halves.map(|half| count(half.collect()));
        halves.map(|half| -> Vec<[ComparisonVerdict; 2]> { half.join().unwrap() }).concat()
    });
    let count = |which: usize, said: &dyn Fn(ComparisonVerdict) -> bool| {
        counted.iter().filter(|verdicts| said(verdicts[which])).count()
    };
    let false_alarms = count(0, &|verdict| verdict != ComparisonVerdict::NoChange);
    let found = count(1, &|verdict| verdict == ComparisonVerdict::Regressed);
    println!("{pairs} pairs over {DOMAINS} domains: {false_alarms} false alarms, {found} found");
    assert!(false_alarms * 200 <= MOST_FALSE * pairs && found * 200 >= LEAST_FOUND * pairs);
}

/// The verdicts on two runs of one build, and on a build that is a tenth slower.
fn judge(pair: u64) -> [ComparisonVerdict; 2] {
    let run = |seed, slower| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(carry_out(pair, seed, slower))
    };
    let (before, again, slower) =
        (run(3 * pair, 0.0), run(3 * pair + 1, 0.0), run(3 * pair + 2, 0.1));
    [&again, &slower].map(|now| Comparison::of(&before, now, Circumstances::default()).verdict)
}

/// A run with an empty cache over the Internet of `pair`; `seed` seeds losses and delays.
async fn carry_out(pair: u64, seed: u64, slower: f64) -> Summary {
    let net = world::populous(pair, DOMAINS, 0.1, 0.02);
    net.reseed(seed);
    let hints = zonefile::root_hints(world::HINTS).unwrap();
    let settings = Settings::new(Delegation::from_hints(&hints).unwrap());
    let cache = Cache::new(64 << 20, TtlLimits::default(), [seed, 1]);
    let shared = Shared::new(cache, Arc::new(SimClock::new(None)), Random::seeded(seed));
    let worker = Resolver::new(shared, net, Arc::new(settings), Arc::new(Counters::default()));
    let names =
        (0..DOMAINS).map(|domain| name::parse(&format!("www.d{domain}.t{}", domain % 4)).unwrap());
    let plan = Plan {
        names: names.collect(),
        types: vec![Rtype::A],
        rounds: 1,
        repeats: 1,
        again: false,
        load: LoadShape::Closed { names: 10, pace: None },
        timeout: Duration::from_secs(5),
        time: Duration::from_secs(100_000),
    };
    let target = Arc::new(InProcess { worker, slower });
    let samples = zoners_bench::run::run(plan, vec![target], Arc::new(()), Stop::default()).await;
    Summary::of(&samples, 0, Duration::from_secs(5))
}

struct InProcess {
    worker: Resolver<SimNetwork>,
    /// Every answer takes longer by this share.
    slower: f64,
}

impl Target for InProcess {
    fn label(&self) -> &str {
        "in process"
    }

    fn ask(&self, question: &Question) -> Telling {
        let (worker, question, slower) = (self.worker.clone(), question.clone(), self.slower);
        Box::pin(async move {
            let began = Instant::now();
            let answer = worker.resolve(&question, None).await;
            sleep(began.elapsed().mul_f64(slower)).await;
            let failed = || QuestionOutcome::Failed { rcode: "SERVFAIL".into(), ede: None };
            let ending = answer.map_or_else(|_| failed(), |_| QuestionOutcome::Answered);
            TargetAnswer { ending, hops: Vec::new() }
        })
    }
}
