//! A person at a browser behind a satellite dish, in virtual time: the lab's `day` without sockets and without waiting.
//!
//! `benchmarks/pages DIR SECONDS SEED...` makes the plan of the person and calls this program: a line of the plan is a
//! page, in JSON, with its moment in seconds, its site and its other names. The uplink of the machine has the latencies
//! and silences of the lab's `wire` for the same seed. With `SLOWEST=N` the story of the N slowest names follows.
//! With `WARM=1` the top-level domains are known before the first page.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

use std::collections::{BTreeMap, HashMap};
use std::fs::read_to_string;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use zoners_benchmarks::lab_internet::{internet, resolver, warm};
use zoners_dns::{Checking, Counter, Moment, Name, Question, Rtype, Transport, name};
use zoners_resolver::{Resolver, Trace};
use zoners_sim::{SimNetwork, Uplink};

/// What a page costs that is not had.
const FAILED: Duration = Duration::from_secs(10);
/// A page that takes longer is felt.
const FELT: Duration = Duration::from_secs(1);
/// The second half of the names of a page is asked so much later.
const LATER: Duration = Duration::from_millis(150);
/// The uplink starts before the person.
const START: Duration = Duration::from_secs(3);
/// The types that a browser asks for together.
const TYPES: [Rtype; 3] = [Rtype::A, Rtype::AAAA, Rtype::HTTPS];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, plan, uplink_seed] = arguments.as_slice() else {
        panic!("usage: pages DIR PLAN UPLINK_SEED");
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    println!("{}", runtime.block_on(browse(directory, plan, uplink_seed.parse().unwrap())));
}

/// A page of the plan.
struct Page {
    at: Duration,
    site: Name,
    others: Vec<Name>,
}

impl Page {
    fn read(line: &str) -> Self {
        let plan: serde_json::Value = serde_json::from_str(line).unwrap();
        let named = |value: &serde_json::Value| name::parse(value.as_str().unwrap()).unwrap();
        Page {
            at: Duration::from_secs_f64(plan["at"].as_f64().unwrap()),
            site: named(&plan["site"]),
            others: plan["others"].as_array().unwrap().iter().map(named).collect(),
        }
    }
}

/// A question of a page that the cache did not answer.
struct Asked {
    question: Question,
    at: Duration,
    took: Duration,
    failure: Option<String>,
    story: Option<Arc<Trace>>,
}

/// The life of an answer in the cache.
struct Life {
    made: Moment,
    expires: Moment,
    claimed: bool,
}

impl Life {
    /// The last tenth begins.
    fn soon(&self) -> Moment {
        self.made.after(self.expires.since(self.made) * 9 / 10)
    }
}

/// The browser: its resolver, and what it has seen.
struct Browser {
    resolver: Resolver<SimNetwork>,
    started: Instant,
    tells: bool,
    missed: Mutex<Vec<Asked>>,
    questions: Mutex<u64>,
    lives: Mutex<HashMap<Question, Life>>,
}

async fn browse(directory: &str, plan: &str, uplink_seed: u64) -> String {
    let (net, anchor) = internet(directory, 0.0);
    net.behind(dish(uplink_seed));
    let slowest = std::env::var("SLOWEST").map_or(0, |count| count.parse().unwrap());
    let browser = Arc::new(Browser {
        resolver: resolver(directory, &net, anchor),
        started: Instant::now(),
        tells: slowest > 0,
        missed: Mutex::default(),
        questions: Mutex::default(),
        lives: Mutex::default(),
    });
    warm(directory, &browser.resolver, &net).await;
    sleep(START).await;
    let started = Instant::now();
    let mut visits = JoinSet::new();
    for page in read_to_string(plan).unwrap().lines().map(Page::read) {
        let browser = browser.clone();
        visits.spawn(async move {
            sleep_until(started + page.at).await;
            browser.visit(page).await
        });
    }
    let pages = visits.join_all().await;
    let stories = browser.stories(slowest);
    format!("{} {}{stories}", figures(pages), browser.figures(&net))
}

impl Browser {
    /// The time that the names of a page take; `None` if one fails.
    async fn visit(self: Arc<Self>, page: Page) -> Option<Duration> {
        let began = Instant::now();
        let site = self.clone().ask_all(&[page.site], Duration::ZERO).await;
        let first = began.elapsed();
        let began = Instant::now();
        let half = |odd: usize| -> Vec<Name> {
            page.others.iter().skip(odd).step_by(2).cloned().collect()
        };
        let (early, late) = (half(0), half(1));
        let (early, late) =
            tokio::join!(self.clone().ask_all(&early, Duration::ZERO), self.ask_all(&late, LATER));
        let rest = began.elapsed().saturating_sub(LATER);
        (site && early && late).then_some(first + rest)
    }

    async fn ask_all(self: Arc<Self>, names: &[Name], after: Duration) -> bool {
        sleep(after).await;
        let mut asked = JoinSet::new();
        for name in names {
            for rtype in TYPES {
                let (browser, question) = (self.clone(), Question::new(name.clone(), rtype));
                asked.spawn(async move { browser.ask(question).await });
            }
        }
        asked.join_all().await.into_iter().all(|is_answered| is_answered)
    }

    /// Asks as the service does: the cache first, and a refresh of what expires soon.
    async fn ask(&self, question: Question) -> bool {
        *self.questions.lock().unwrap() += 1;
        let (resolver, checking) = (&self.resolver, Checking::Enabled);
        let now = resolver.shared().now();
        let lack = match resolver.cached(&question, checking, now) {
            Ok(answer) => {
                self.refresh(&question, answer.ttl(), now);
                return true;
            }
            Err(lack) => lack,
        };
        if resolver.synthesised(&question, now).is_some() {
            return true;
        }
        resolver.mark_wanted(&question);
        let began = Instant::now();
        let story: Option<Arc<Trace>> = self.tells.then(Arc::default);
        let resolution = resolver.resolve_for(None, &question, checking, lack, story.clone());
        let failure = match timeout(FAILED, resolution).await {
            Ok(Ok(_)) => None,
            Ok(Err(unresolved)) => Some(unresolved.to_string()),
            Err(_) => Some("no answer".to_owned()),
        };
        let is_answered = failure.is_none();
        let (at, took) = (began - self.started, began.elapsed());
        self.missed.lock().unwrap().push(Asked { question, at, took, failure, story });
        is_answered
    }

    /// Refreshes what expires soon, and the types that are asked for together, as the service does.
    fn refresh(&self, question: &Question, ttl: u32, now: Moment) {
        self.resolver.mark_wanted(question);
        let mut lives = self.lives.lock().unwrap();
        let expires = now.after(Duration::from_secs(ttl.into()));
        let life =
            lives.entry(question.clone()).or_insert(Life { made: now, expires, claimed: false });
        if expires > life.expires.after(Duration::from_secs(1)) {
            *life = Life { made: now, expires, claimed: false };
        }
        let again = now.after(life.expires.since(life.made));
        if now < life.soon() {
            return;
        }
        for rtype in TYPES {
            let question = Question { rtype, ..question.clone() };
            if let Some(life) = lives.get_mut(&question)
                && !life.claimed
                && life.expires > now
                && life.expires <= again
            {
                life.claimed = true;
                self.resolver.refresh(&question, Checking::Enabled, life.made, life.expires);
            }
        }
    }

    fn figures(&self, net: &SimNetwork) -> String {
        let missed = self.missed.lock().unwrap();
        let mut took: Vec<Duration> = missed.iter().map(|asked| asked.took).collect();
        took.sort();
        let failed = missed.iter().filter(|asked| asked.failure.is_some()).count();
        let mean = took.iter().sum::<Duration>().as_secs_f64() * 1000.0 / took.len().max(1) as f64;
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for sent in &net.sent() {
            let kind = match sent.to.transport {
                Transport::Udp => sent.question.rtype.to_string(),
                transport => transport.to_string().to_uppercase(),
            };
            *kinds.entry(kind).or_default() += 1;
        }
        let packets: usize = kinds.values().sum();
        let count = |counter: Counter| self.resolver.counters().get(counter);
        format!(
            "\"questions\": {}, \"missed\": {}, \"miss_mean\": {mean:.0}, \"failed\": {failed}, \
             \"packets\": {packets}, \"prefetches\": [{}, {}], \"kinds\": {kinds:?}}}",
            self.questions.lock().unwrap(),
            took.len(),
            count(Counter::CachePrefetchesUsed),
            count(Counter::CachePrefetches),
        )
    }

    /// The stories of the questions that took longest.
    fn stories(&self, count: usize) -> String {
        let mut missed = self.missed.lock().unwrap();
        missed.sort_by_key(|asked| std::cmp::Reverse(asked.took));
        let mut out = String::new();
        for asked in missed.iter().take(count) {
            let at = asked.at.as_secs_f64();
            out += &format!("\n{}: {} ms at {at:.3} s\n", asked.question, asked.took.as_millis());
            for step in asked.story.iter().flat_map(|trace| trace.steps()) {
                let indent = "  ".repeat(step.depth.into());
                out += &format!("  {:>5} {indent}{:?}\n", step.at.as_millis(), step.hop);
            }
            out += asked.failure.as_deref().unwrap_or_default();
        }
        out
    }
}

fn figures(pages: Vec<Option<Duration>>) -> String {
    let failed = pages.iter().filter(|page| page.is_none()).count();
    let mut took: Vec<Duration> = pages.into_iter().map(|page| page.unwrap_or(FAILED)).collect();
    took.sort();
    let count = took.len();
    let at = |share: f64| took[((count as f64 * share) as usize).min(count - 1)].as_millis();
    let felt = took.iter().filter(|page| **page > FELT).count() as f64 / count as f64;
    format!(
        "{{\"pages\": {count}, \"p50\": {}, \"p90\": {}, \"p99\": {}, \"felt\": {felt:.4}, \
         \"pages_failed\": {failed},",
        at(0.5),
        at(0.9),
        at(0.99)
    )
}

/// The uplink of the lab's dish with this seed: see `Line` of its `wire`.
fn dish(seed: u64) -> Uplink {
    const SLOTS: u64 = 480;
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut chance = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..16).for_each(|_| _ = chance());
    let seconds = Duration::from_secs_f64;
    let mut uplink = Uplink { loss: 0.005, jitter: Duration::from_millis(4), ..Uplink::default() };
    for slot in 0..SLOTS {
        uplink.access.push(seconds(0.025 + 0.035 * chance()));
        if chance() < 0.3 {
            uplink.silences.push(silence(slot as f64 * 15.0, 0.05 + 0.25 * chance()));
        }
    }
    for (every, least, most) in [(45.0, 0.5, 8.0), (300.0, 15.0, 40.0)] {
        let mut at = 20.0;
        loop {
            at += every * -f64::ln(chance().max(1e-9));
            if at > SLOTS as f64 * 15.0 {
                break;
            }
            let share: f64 = chance();
            let length = least + (most - least) * share * share;
            uplink.silences.push(silence(at, length));
            at += length;
        }
    }
    uplink
}

fn silence(at: f64, length: f64) -> Range<Duration> {
    Duration::from_secs_f64(at)..Duration::from_secs_f64(at + length)
}
