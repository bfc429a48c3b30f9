//! The schedule of questions: which target is asked for which name, and when.
//!
//! A closed loop keeps a number of names under way and continues when a name is done, as a person
//! does. An open loop asks at its rate, independent of the answers, and measures from the due time
//! of a question: a stalled target is charged for the questions that were due meanwhile
//! (coordinated omission).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use zoners_dns::{Name, Question, Rtype};

use crate::sample::{Phase, Sample};
use crate::target::{QuestionOutcome, Target, TargetAnswer};

/// The most samples of a run; at the limit the run ends.
const MOST_SAMPLES: usize = if cfg!(test) { 50_000 } else { 1_000_000 };
/// The timer fires up to a millisecond late, which is not charged to the target. With a larger
/// delay the machine is behind, and the question counts from its due time.
const TIMER_GRAIN: Duration = Duration::from_millis(2);
/// The most questions of an open loop under way; further due questions count as lost.
const MOST_UNDER_WAY: usize = 20_000;

/// The questions of a run, and their schedule.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The names.
    pub names: Arc<[Name]>,
    /// The record types asked together for each name, as a browser does.
    pub types: Vec<Rtype>,
    /// How often the list is gone through.
    pub rounds: usize,
    /// How often a name is asked again, right after.
    pub repeats: usize,
    /// Whether the names were asked before, so that no question is a first ask.
    pub again: bool,
    /// When.
    pub load: LoadShape,
    /// The time after which a question has failed.
    pub timeout: Duration,
    /// The time after which the run ends.
    pub time: Duration,
}

impl Plan {
    /// The number of questions of the complete plan for a number of targets; at a rate, plus or
    /// minus one.
    #[must_use]
    pub fn questions(&self, targets: usize) -> usize {
        match self.load {
            LoadShape::Closed { .. } => {
                let each = self.names.len() * self.types.len() * targets;
                each * self.rounds * (self.repeats + 1)
            }
            LoadShape::Open { from, to } => {
                (self.time.as_secs_f64() * f64::midpoint(from, to)) as usize
            }
        }
    }
}

/// When questions are asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoadShape {
    /// A closed loop.
    Closed {
        /// Names under way at a time.
        names: usize,
        /// Questions a second of each target, at most.
        pace: Option<f64>,
    },
    /// An open loop; the rate grows linearly over the time of the run.
    Open {
        /// Questions a second at the beginning.
        from: f64,
        /// At the end.
        to: f64,
    },
}

impl LoadShape {
    /// Whether the load is a growing rate.
    #[must_use]
    pub fn is_ramp(&self) -> bool {
        matches!(self, LoadShape::Open { from, to } if from < to)
    }
}

/// Observes the progress of a run.
pub trait Watcher: Send + Sync {
    /// A question has ended.
    fn sampled(&self, sample: &Sample);
}

/// Ignores the progress.
impl Watcher for () {
    fn sampled(&self, _: &Sample) {}
}

/// Ends a run early.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// No new question is asked from now on.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the run was told to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Asks the targets for the names, and returns the samples in the order of their end.
pub async fn run(
    plan: Plan,
    targets: Vec<Arc<dyn Target>>,
    watcher: Arc<dyn Watcher>,
    stop: Stop,
) -> Vec<Sample> {
    let began = Instant::now();
    let asker =
        Arc::new(LoadGenerator { plan, targets, watcher, stop, began, samples: Mutex::default() });
    match asker.plan.load {
        LoadShape::Closed { names, pace } => asker.closed(names, pace).await,
        LoadShape::Open { from, to } => asker.open(from, to).await,
    }
    std::mem::take(&mut *asker.samples.lock())
}

struct LoadGenerator {
    plan: Plan,
    targets: Vec<Arc<dyn Target>>,
    watcher: Arc<dyn Watcher>,
    stop: Stop,
    began: Instant,
    samples: Mutex<Vec<Sample>>,
}

impl LoadGenerator {
    async fn closed(self: &Arc<Self>, names: usize, pace: Option<f64>) {
        let pacer = Arc::new(Pacer::new(pace, self.plan.types.len()));
        for round in 0..self.plan.rounds {
            if self.is_over() {
                break;
            }
            let forgot: Vec<bool> = self.targets.iter().map(|target| target.forget()).collect();
            let forgot: Arc<[bool]> = forgot.into();
            let next = Arc::new(AtomicUsize::new(0));
            let mut workers = JoinSet::new();
            for _ in 0..names.min(self.plan.names.len()) {
                let (asker, next, forgot, pacer) =
                    (self.clone(), next.clone(), forgot.clone(), pacer.clone());
                workers.spawn(async move {
                    while !asker.is_over() {
                        let name = next.fetch_add(1, Ordering::Relaxed);
                        if name >= asker.plan.names.len() {
                            return;
                        }
                        asker.visit(name, round, &forgot, &pacer).await;
                    }
                });
            }
            workers.join_all().await;
        }
    }

    fn is_over(&self) -> bool {
        self.is_enough() || self.began.elapsed() >= self.plan.time
    }

    fn is_enough(&self) -> bool {
        self.stop.is_stopped() || self.samples.lock().len() >= MOST_SAMPLES
    }

    /// Asks the targets for one name in turn. Each name starts with a different target, so that
    /// changes of the network affect the targets alike.
    async fn visit(self: &Arc<Self>, name: usize, round: usize, forgot: &[bool], pacer: &Pacer) {
        for turn in 0..self.targets.len() {
            let target = (name + round + turn) % self.targets.len();
            let cold = (round == 0 && !self.plan.again) || forgot[target];
            for repeat in 0..=self.plan.repeats {
                pacer.turn(self.targets.len()).await;
                let phase = if repeat == 0 && cold { Phase::Cold } else { Phase::Warm };
                let mut types = JoinSet::new();
                for rtype in 0..self.plan.types.len() {
                    let asker = self.clone();
                    types.spawn(async move {
                        asker.ask(name, rtype, target, phase, Instant::now()).await;
                    });
                }
                types.join_all().await;
            }
        }
    }

    async fn open(self: &Arc<Self>, from: f64, to: f64) {
        let under_way = Arc::new(AtomicUsize::new(0));
        let mut asked = JoinSet::new();
        let each = self.plan.types.len() * self.targets.len();
        for number in 0.. {
            let Some(due) = due(number, from, to, self.plan.time) else { break };
            let due = self.began + due;
            sleep_until(due).await;
            let now = Instant::now();
            let at = if now - due < TIMER_GRAIN { now } else { due };
            if self.is_enough() {
                break;
            }
            while asked.try_join_next().is_some() {}
            let name = number / each;
            let cold = name < self.plan.names.len() && !self.plan.again;
            let phase = if cold { Phase::Cold } else { Phase::Warm };
            let (name, rtype) = (name % self.plan.names.len(), number % each / self.targets.len());
            let target = number % self.targets.len();
            if under_way.load(Ordering::Relaxed) >= MOST_UNDER_WAY {
                let ending =
                    QuestionOutcome::Broken(format!("{MOST_UNDER_WAY} questions were under way"));
                let told = TargetAnswer { ending, hops: Vec::new() };
                self.note(name, rtype, target, phase, at, at + self.plan.timeout, told);
                continue;
            }
            under_way.fetch_add(1, Ordering::Relaxed);
            let (asker, under_way) = (self.clone(), under_way.clone());
            asked.spawn(async move {
                asker.ask(name, rtype, target, phase, at).await;
                under_way.fetch_sub(1, Ordering::Relaxed);
            });
        }
        asked.join_all().await;
    }

    async fn ask(&self, name: usize, rtype: usize, target: usize, phase: Phase, at: Instant) {
        let question = Question::new(self.plan.names[name].clone(), self.plan.types[rtype]);
        let telling = self.targets[target].ask(&question);
        let told = timeout(self.plan.timeout, telling).await.unwrap_or_default();
        self.note(name, rtype, target, phase, at, Instant::now(), told);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a sample")]
    fn note(
        &self,
        name: usize,
        rtype: usize,
        target: usize,
        phase: Phase,
        at: Instant,
        ended: Instant,
        told: TargetAnswer,
    ) {
        let micros = |duration: Duration| duration.as_micros() as u64;
        let sample = Sample {
            name: name as u32,
            rtype: self.plan.types[rtype].to_int(),
            target: target as u16,
            phase,
            at_us: micros(at - self.began),
            took_us: micros(ended - at),
            ending: told.ending,
            hops: told.hops,
        };
        self.watcher.sampled(&sample);
        self.samples.lock().push(sample);
    }
}

/// The due time of question `number` of an open loop, whose rate grows from `from` to `to` over
/// `time`; `None` after the end.
fn due(number: usize, from: f64, to: f64, time: Duration) -> Option<Duration> {
    let (time, number) = (time.as_secs_f64(), number as f64);
    // The number of questions due at t: from * t + (to - from) / (2 * time) * t * t.
    let growth = (to - from) / (2.0 * time);
    let due = if growth.abs() < 1e-9 {
        number / from
    } else {
        ((from * from + 4.0 * growth * number).max(0.0).sqrt() - from) / (2.0 * growth)
    };
    (due < time).then(|| Duration::from_secs_f64(due))
}

/// Keeps a closed loop from asking more quickly than a line or a public server can bear.
struct Pacer {
    gap: Duration,
    next: Mutex<Instant>,
}

impl Pacer {
    fn new(pace: Option<f64>, types: usize) -> Self {
        let gap = pace.map_or(Duration::ZERO, |pace| Duration::from_secs_f64(types as f64 / pace));
        Pacer { gap, next: Mutex::new(Instant::now()) }
    }

    /// Waits until the next questions may be sent to `targets` targets.
    async fn turn(&self, targets: usize) {
        let at = {
            let mut next = self.next.lock();
            let at = (*next).max(Instant::now());
            *next = at + self.gap / targets.max(1) as u32;
            at
        };
        sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests;
