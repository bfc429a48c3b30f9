//! The lab in virtual time: every question of an Internet that the lab's generator wrote, asked of
//! a resolver with an empty cache, without sockets and without waiting.
//!
//! `cargo run --profile dist -p zoners-benchmarks --bin lab -- LOSS% CONCURRENCY DIR...` prints a line of
//! figures for each. They come close to those of the real lab, in a hundredth of the time and the
//! same at every run, so that a change of policy can be judged over many seeds. With `SLOWEST=N`
//! the story of the N questions follows that took longest beyond their floor; `SEED` changes the
//! resolver's own randomness. With `PASSES=N` every question is asked N times, each time with an empty cache and with
//! what is known of servers, a line each; `encrypted` is the share of TLS among the queries to servers that speak TLS
//! (`OFFERING=SECONDS`), and that of those among all. With `WARM=1` the top-level domains are known before.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use zoners_benchmarks::lab_internet::{internet, offering, resolver, warm};
use zoners_dns::{Question, Rtype, Transport, name};
use zoners_resolver::{Resolver, Trace};
use zoners_sim::{Sent, SimNetwork};

/// What a question costs that is not answered.
const UNANSWERED: Duration = Duration::from_secs(10);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [loss, concurrency, directories @ ..] = arguments.as_slice() else {
        panic!("usage: lab LOSS% CONCURRENCY DIR...");
    };
    let (loss, concurrency) = (loss.parse::<f64>().unwrap() / 100.0, concurrency.parse().unwrap());
    let measure = |directory: &String| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(measure(directory, loss, concurrency))
    };
    std::thread::scope(|scope| {
        let runs: Vec<_> =
            directories.iter().map(|directory| scope.spawn(|| measure(directory))).collect();
        for run in runs {
            println!("{}", run.join().unwrap());
        }
    });
}

/// A question of the lab and what became of it.
struct Asked {
    question: Question,
    answerable: bool,
    floor_ms: f64,
    took: Duration,
    failure: Option<String>,
    story: Option<Arc<Trace>>,
}

impl Asked {
    /// A line of the generator's table of questions.
    fn read(line: &str) -> Self {
        let truth: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| truth[key].as_str().unwrap();
        let rtype: Rtype = text("t").parse().unwrap();
        Asked {
            question: Question::new(name::parse(text("q")).unwrap(), rtype),
            answerable: text("rcode") != "SERVFAIL",
            floor_ms: truth["floor_ms"].as_f64().unwrap_or(0.0),
            took: Duration::ZERO,
            failure: None,
            story: None,
        }
    }

    fn cost_ms(&self) -> f64 {
        let cost = if self.failure.is_some() { UNANSWERED } else { self.took };
        cost.as_secs_f64() * 1000.0
    }
}

async fn measure(directory: &str, loss: f64, concurrency: usize) -> String {
    let (net, anchor) = internet(directory, loss);
    let worker = resolver(directory, &net, anchor);
    let passes = std::env::var("PASSES").map_or(1, |count| count.parse().unwrap());
    let mut lines = Vec::new();
    for _ in 0..passes {
        warm(directory, &worker, &net).await;
        lines.push(pass(directory, &net, &worker, concurrency).await);
        worker.shared().cache.flush(&name::root(), true);
        net.forget_sent();
    }
    lines.join("\n")
}

/// Every question once.
async fn pass(
    directory: &str,
    net: &SimNetwork,
    worker: &Resolver<SimNetwork>,
    concurrency: usize,
) -> String {
    let slowest = std::env::var("SLOWEST").map_or(0, |count| count.parse().unwrap());
    let truth = read_to_string(format!("{directory}/truth.jsonl")).unwrap();
    let waiting: Vec<Asked> = truth.lines().map(Asked::read).collect();
    let waiting = Arc::new(Mutex::new(waiting.into_iter()));
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..concurrency {
        let (worker, waiting, asked) = (worker.clone(), waiting.clone(), asked.clone());
        clients.spawn(async move {
            loop {
                let Some(mut next) = waiting.lock().unwrap().next() else { return };
                next.story = (slowest > 0).then(Arc::default);
                let started = Instant::now();
                let answer = worker.resolve(&next.question, next.story.clone()).await;
                next.failure = answer.err().map(|unresolved| unresolved.to_string());
                next.took = started.elapsed();
                asked.lock().unwrap().push(next);
            }
        });
    }
    while clients.join_next().await.is_some() {}
    let mut asked = std::mem::take(&mut *asked.lock().unwrap());
    let figures = figures(&mut asked, net);
    let encrypted = encrypted(net, directory);
    format!("{directory} {figures} {encrypted}{}", stories(&mut asked, slowest))
}

/// The share of TLS in the queries to servers that speak TLS, and the share of these servers in every query.
fn encrypted(net: &SimNetwork, directory: &str) -> String {
    let (sent, (offering, _)) = (net.sent(), offering(directory));
    let is_theirs = |sent: &&Sent| offering.contains(&sent.to.address.ip().to_string());
    let theirs: Vec<&Sent> = sent.iter().filter(is_theirs).collect();
    let over_tls = theirs.iter().filter(|sent| sent.to.transport == Transport::Tls).count();
    let share = |part: usize, all: usize| part as f64 * 100.0 / all.max(1) as f64;
    let (of_theirs, of_all) = (share(over_tls, theirs.len()), share(theirs.len(), sent.len()));
    format!("encrypted {of_theirs:.1} % of {of_all:.1} %")
}

fn figures(asked: &mut [Asked], net: &SimNetwork) -> String {
    asked.sort_by(|one, two| one.cost_ms().total_cmp(&two.cost_ms()));
    let answerable: Vec<&Asked> = asked.iter().filter(|asked| asked.answerable).collect();
    let count = answerable.len();
    let mean = answerable.iter().map(|asked| asked.cost_ms()).sum::<f64>() / count as f64;
    let floor = answerable.iter().map(|asked| asked.floor_ms).sum::<f64>() / count as f64;
    let at = |share: f64| answerable[((count as f64 * share) as usize).min(count - 1)].cost_ms();
    let failed = answerable.iter().filter(|asked| asked.failure.is_some()).count();
    let took_ms = |asked: &Asked| asked.took.as_millis();
    let longest =
        asked.iter().filter(|asked| asked.failure.is_some()).map(took_ms).max().unwrap_or(0);
    let sent = net.sent();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for sent in &sent {
        let kind = match sent.to.transport {
            Transport::Udp => sent.question.rtype.to_string(),
            transport => transport.to_string().to_uppercase(),
        };
        *kinds.entry(kind).or_default() += 1;
    }
    format!(
        "mean {mean:.1} (floor {floor:.1}) p50 {:.1} p90 {:.1} p99 {:.1} failed {failed} \
         longest failure {longest} packets {} {kinds:?}",
        at(0.5),
        at(0.9),
        at(0.99),
        sent.len()
    )
}

/// The stories of the questions that took longest beyond their floor.
fn stories(asked: &mut [Asked], count: usize) -> String {
    let over = |asked: &Asked| asked.cost_ms() - asked.floor_ms;
    asked.sort_by(|one, two| over(two).total_cmp(&over(one)));
    let mut out = String::new();
    for asked in asked.iter().filter(|asked| asked.answerable).take(count) {
        let (question, took, floor) = (&asked.question, asked.took.as_millis(), asked.floor_ms);
        out += &format!("\n{question}: {took} ms, floor {floor:.0} ms\n");
        for step in asked.story.iter().flat_map(|trace| trace.steps()) {
            let indent = "  ".repeat(step.depth.into());
            out += &format!("  {:>5} {indent}{:?}\n", step.at.as_millis(), step.hop);
        }
        out += asked.failure.as_deref().unwrap_or_default();
    }
    out
}
