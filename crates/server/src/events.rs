//! An event for each finished client query, on a bounded ring for each reader whose filter admits the event.
//!
//! Without a reader a worker notes no event; the worker looks for readers once a batch ([`QueryEvents::are_read`]), and
//! gives them the noted events after the responses of the batch ([`QueryEvents::flush`]). A worker never waits for a
//! reader: where a ring is full, the event is lost and counted ([`EventReader::lost`], `events_lost`).

mod filter;
pub(crate) mod recorder;
mod ring;
mod tape;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use smallvec::SmallVec;
use zoners_api::QueryOutcome;
use zoners_dns::{ClockReading, Counter, EdeCode, Moment, OptRcode, Rtype};

use crate::client::Client;
pub use filter::EventFilter;
use recorder::MissRecorder;
pub use ring::EventReader;
use ring::Ring;
use tape::EventTape;
pub(crate) use tape::QueryEnd;

/// The most events that are noted before readers get them.
const MAX_NOTED: usize = zoners_net::datagrams::BATCH;
/// Octets of a name in an event without an allocation: longer than nearly every name.
const INLINE_NAME_OCTETS: usize = 64;

/// A finished client query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryEvent {
    /// The question; `None` in a packet without a readable question.
    pub question: Option<EventQuestion>,
    /// The client.
    pub client: Client,
    /// How the query ended.
    pub outcome: QueryOutcome,
    /// The RCODE of the reply with its extension in the OPT record; `None` without a reply.
    pub rcode: Option<OptRcode>,
    /// The reason of a failure, a refusal, a stale answer or a decision of the policy.
    pub reason: Option<EdeCode>,
    /// The clock when the query was received.
    pub received: ClockReading,
    /// The time from the query to the reply, in milliseconds of the clock; zero for an answer at once.
    pub took: Duration,
}

/// The question of an event, as the client spelled it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuestion {
    /// QNAME in wire format.
    pub name: SmallVec<[u8; INLINE_NAME_OCTETS]>,
    /// QTYPE.
    pub rtype: Rtype,
}

/// The counter of queries with this outcome; no two outcomes share one.
#[must_use]
pub const fn outcome_counter(outcome: QueryOutcome) -> Counter {
    match outcome {
        QueryOutcome::Local => Counter::ClientLocal,
        QueryOutcome::Policy => Counter::ClientPolicy,
        QueryOutcome::Cached => Counter::ClientCached,
        QueryOutcome::Recursed => Counter::ClientRecursed,
        QueryOutcome::Stale => Counter::ClientStale,
        QueryOutcome::Failed => Counter::ClientServfail,
        QueryOutcome::Refused => Counter::ClientRefused,
        QueryOutcome::RateLimited => Counter::ClientRateLimited,
        QueryOutcome::Late => Counter::ClientLate,
        QueryOutcome::Dropped => Counter::ClientDropped,
        QueryOutcome::ErrorsLimited => Counter::ClientErrorsLimited,
    }
}

impl QueryEvent {
    /// Whether the client got no answer, or the answer is SERVFAIL: a remembered failure comes from the cache.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        !self.outcome.is_answered() || self.rcode == Some(OptRcode::SERVFAIL)
    }

    /// The clock when the query ended.
    #[must_use]
    pub fn ended(&self) -> Moment {
        self.received.now.after(self.took)
    }
}

/// The time from one hit in the history to the next: hits are a sample, and displace few misses.
pub(crate) const HIT_INTERVAL: Duration = Duration::from_secs(10);
/// No hit is wanted.
const NO_HIT: u64 = u64::MAX;

/// The events of one worker, for any number of readers.
pub struct QueryEvents {
    /// Attached readers.
    readers: AtomicUsize,
    rings: Mutex<Rings>,
    /// Whether misses are recorded for the history.
    is_recorded: AtomicBool,
    recorder: OnceLock<MissRecorder>,
    /// The moment from which the history wants a hit, in milliseconds; [`NO_HIT`] for never.
    next_hit_ms: AtomicU64,
}

/// The rings of all readers, and the noted events of the present batch.
#[derive(Default)]
struct Rings {
    rings: Vec<Ring>,
    noted: EventTape,
}

impl Default for QueryEvents {
    fn default() -> Self {
        QueryEvents {
            readers: AtomicUsize::default(),
            rings: Mutex::default(),
            is_recorded: AtomicBool::default(),
            recorder: OnceLock::new(),
            next_hit_ms: AtomicU64::new(NO_HIT),
        }
    }
}

impl QueryEvents {
    /// Attaches a reader with a ring for `capacity` events admitted by `filter`.
    #[must_use]
    pub fn attach(self: &Arc<Self>, capacity: usize, filter: EventFilter) -> EventReader {
        let (ring, reader) = ring::ring(self.clone(), capacity, filter);
        let mut rings = self.rings.lock();
        if rings.rings.is_empty() {
            // Noted for a reader that went away.
            rings.noted.clear();
        }
        rings.rings.push(ring);
        self.readers.fetch_add(1, Ordering::Relaxed);
        reader
    }

    fn detach(&self, reader: &EventReader) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
        self.rings.lock().rings.retain(|ring| !ring.is_read_by(reader));
    }

    /// The recorder of misses, if misses are recorded.
    pub(crate) fn recorder(&self) -> Option<&MissRecorder> {
        self.recorder.get().filter(|_| self.is_recorded.load(Ordering::Relaxed))
    }

    /// Whether misses were ever recorded.
    pub(crate) fn has_recorder(&self) -> bool {
        self.recorder.get().is_some()
    }

    /// Records misses by this recorder, once.
    pub(crate) fn set_recorder(&self, recorder: MissRecorder) {
        let _ = self.recorder.set(recorder);
    }

    /// Whether misses are recorded from now on.
    pub(crate) fn record(&self, records: bool) {
        let was_recorded = self.is_recorded.swap(records, Ordering::Relaxed);
        if was_recorded != records {
            self.next_hit_ms.store(if records { 0 } else { NO_HIT }, Ordering::Relaxed);
        }
    }

    /// Whether the history wants the next hit.
    pub(crate) fn wants_hit(&self, clock: ClockReading) -> bool {
        clock.now.as_millis() >= self.next_hit_ms.load(Ordering::Relaxed)
    }

    /// The history got a hit, and wants the next after [`HIT_INTERVAL`].
    pub(crate) fn has_hit(&self, clock: ClockReading) {
        let next = clock.now.after(HIT_INTERVAL);
        self.next_hit_ms.store(next.as_millis(), Ordering::Relaxed);
    }

    /// Whether a reader is attached. A worker may notice a new reader a batch later.
    #[must_use]
    pub fn are_read(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 0
    }

    /// Notes the end of a query at once; the readers get the event with [`QueryEvents::flush`]. Returns how many events
    /// readers have lost.
    #[inline]
    pub(crate) fn note(&self, end: QueryEnd, query: &[u8]) -> u64 {
        let mut rings = self.rings.lock();
        rings.noted.push(end, query);
        if rings.noted.len() < MAX_NOTED { 0 } else { rings.flush() }
    }

    /// Gives the noted events to each reader whose filter admits them; returns how many events readers have lost.
    pub(crate) fn flush(&self) -> u64 {
        self.rings.lock().flush()
    }

    /// Gives an event to each reader whose filter admits the event; returns how many readers have lost the event.
    pub(crate) fn put(&self, event: &QueryEvent) -> u64 {
        let mut rings = self.rings.lock();
        rings.noted.push_event(event);
        rings.flush()
    }
}

impl Rings {
    fn flush(&mut self) -> u64 {
        let noted = self.noted.len();
        if noted == 0 {
            return 0;
        }
        let lost = match self.rings.iter().all(Ring::loses_all) {
            true => {
                self.rings.iter().for_each(|ring| ring.count_lost(noted as u64));
                (noted * self.rings.len()) as u64
            }
            false => {
                let tape = Arc::new(self.noted.clone());
                self.rings.iter_mut().map(|ring| ring.put(&tape)).sum()
            }
        };
        self.noted.clear();
        lost
    }
}

/// A number instead of the rings.
impl fmt::Debug for QueryEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryEvents").field("readers", &self.readers).finish_non_exhaustive()
    }
}
