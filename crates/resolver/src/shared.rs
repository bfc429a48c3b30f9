//! What all workers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use zoners_cache::Cache;
use zoners_dns::{Clock, Moment, Name, Question, Random};

use crate::answer::{Answer, Unresolved};
use crate::clock_doubt::ClockDoubt;
use crate::flights::{Flights, WaitGraph};
use crate::negative_anchors::NegativeAnchors;
use crate::trust::Trust;
use crate::verdict::Verdict;

/// A zone and what its servers are asked.
pub(crate) type ExchangeKey = (Name, Question);
/// A question, and whether its answer is to be proven.
pub(crate) type QuestionKey = (Question, bool);
pub(crate) type Landed<T> = Result<Arc<T>, Unresolved>;

/// Something that changes what the past is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Addresses or routes of this machine changed.
    NetworkChanged,
    /// The machine slept.
    Woke,
    /// The wall clock was set.
    ClockJumped,
}

/// What all workers share: the cache, the questions in flight, the clock, the randomness.
#[derive(Debug)]
pub struct Shared {
    /// All that is remembered.
    pub cache: Cache,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// IDs, ports, server order.
    pub random: Random,
    pub(crate) questions: Arc<Flights<QuestionKey, Landed<Answer>>>,
    pub(crate) trusts: Arc<Flights<Name, Result<Trust, Unresolved>>>,
    pub(crate) exchanges: Arc<Flights<ExchangeKey, Landed<Verdict>>>,
    /// Whether the wall clock can be trusted.
    pub clock_doubt: ClockDoubt,
    /// Zones that are not validated for a while.
    pub negative_anchors: NegativeAnchors,
    forgiven_at: AtomicU64,
    typical: Mutex<Typical>,
}

impl Shared {
    /// Everything empty.
    #[must_use]
    pub fn new(cache: Cache, clock: Arc<dyn Clock>, random: Random) -> Arc<Self> {
        let graph = Arc::<WaitGraph>::default();
        Arc::new(Shared {
            cache,
            clock,
            random,
            questions: Flights::new(graph.clone()),
            trusts: Flights::new(graph.clone()),
            exchanges: Flights::new(graph),
            clock_doubt: ClockDoubt::default(),
            negative_anchors: NegativeAnchors::default(),
            forgiven_at: AtomicU64::new(0),
            typical: Mutex::default(),
        })
    }

    /// Now, for TTLs.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Tells of something that changes what the past is worth: timeouts from before say nothing
    /// of servers when it was our own line that was gone. Set wall clocks change nothing yet, since
    /// no TTL follows them.
    pub fn notify(&self, event: Event) {
        match event {
            Event::NetworkChanged | Event::Woke => {
                self.forgiven_at.store(self.now().as_millis(), Ordering::Relaxed);
                *self.typical.lock() = Typical::default();
            }
            Event::ClockJumped => {}
        }
    }

    /// Timeouts up to this moment are forgiven.
    pub(crate) fn forgiven_at(&self) -> u64 {
        self.forgiven_at.load(Ordering::Relaxed)
    }

    /// When a healthy server of which nothing is known should have answered, by the habits of
    /// those that answered lately.
    pub(crate) fn typical_patience(&self) -> Duration {
        self.typical.lock().patience()
    }

    pub(crate) fn learn_typical(&self, rtt: Duration) {
        self.typical.lock().learn(rtt);
    }
}

/// The round-trip times that servers have at first contact, smoothed.
#[derive(Debug, Default)]
struct Typical {
    mean_us: f64,
    deviation_us: f64,
}

impl Typical {
    /// Before anything is known; between the 300 ms that users feel and a fast server's 20 ms.
    const UNKNOWN: Duration = Duration::from_millis(200);
    const LEAST: Duration = Duration::from_millis(60);
    const MOST: Duration = Duration::from_millis(600);

    fn learn(&mut self, rtt: Duration) {
        let rtt = rtt.as_micros() as f64;
        if self.mean_us == 0.0 {
            (self.mean_us, self.deviation_us) = (rtt, rtt);
        } else {
            self.deviation_us += ((rtt - self.mean_us).abs() - self.deviation_us) / 16.0;
            self.mean_us += (rtt - self.mean_us) / 16.0;
        }
    }

    fn patience(&self) -> Duration {
        if self.mean_us == 0.0 {
            return Self::UNKNOWN;
        }
        let micros = self.mean_us + 2.0 * self.deviation_us;
        Duration::from_micros(micros as u64).clamp(Self::LEAST, Self::MOST)
    }
}
