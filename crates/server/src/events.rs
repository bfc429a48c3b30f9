//! An event for each finished client query, on a bounded ring for each reader whose filter admits the event.
//!
//! Without a reader a worker composes no event; the worker looks for readers once a batch ([`QueryEvents::are_read`]).
//! A worker never waits for a reader: where a ring is full, the event is lost and counted
//! ([`EventReader::lost`], `events_lost`).

mod filter;
pub(crate) mod recorder;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rtrb::{Consumer, Producer, RingBuffer};
use smallvec::SmallVec;
use zoners_api::QueryOutcome;
use zoners_dns::{ClockReading, Counter, EdeCode, Moment, OptRcode, Rtype};

use crate::client::Client;
pub use filter::EventFilter;
use recorder::MissRecorder;

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
#[derive(Debug, PartialEq, Eq)]
pub struct EventQuestion {
    /// QNAME in wire format.
    pub name: SmallVec<[u8; INLINE_NAME_OCTETS]>,
    /// QTYPE.
    pub rtype: Rtype,
}

/// The octets of the name in one piece; the derived copy goes octet by octet.
impl Clone for EventQuestion {
    fn clone(&self) -> Self {
        EventQuestion { name: SmallVec::from_slice(&self.name), rtype: self.rtype }
    }
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
    rings: Mutex<Vec<Ring>>,
    /// Whether misses are recorded for the history.
    is_recorded: AtomicBool,
    recorder: OnceLock<MissRecorder>,
    /// The moment from which the history wants a hit, in milliseconds; [`NO_HIT`] for never.
    next_hit_ms: AtomicU64,
}

/// The worker's end of a reader's ring.
struct Ring {
    filter: EventFilter,
    /// Whether the filter admits every event.
    admits_all: bool,
    events: Producer<QueryEvent>,
    lost: Arc<AtomicU64>,
}

/// Reads the events of a worker in order; detached when dropped.
pub struct EventReader {
    source: Arc<QueryEvents>,
    events: Consumer<QueryEvent>,
    lost: Arc<AtomicU64>,
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
    /// Attaches a reader with a ring for `capacity` events admitted by `filter`. The memory of the ring is allocated at
    /// once.
    #[must_use]
    pub fn attach(self: &Arc<Self>, capacity: usize, filter: EventFilter) -> EventReader {
        let (producer, events) = RingBuffer::new(capacity);
        let lost = Arc::<AtomicU64>::default();
        let admits_all = filter == EventFilter::default();
        self.rings.lock().push(Ring { filter, admits_all, events: producer, lost: lost.clone() });
        self.readers.fetch_add(1, Ordering::Relaxed);
        EventReader { source: self.clone(), events, lost }
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

    /// Gives an event to each reader whose filter admits the event; returns how many readers have lost the event. An
    /// event that every reader loses is not composed. The last reader gets the event without a copy, since there is one
    /// as a rule.
    pub(crate) fn put(&self, compose: impl FnOnce() -> QueryEvent) -> u64 {
        let mut rings = self.rings.lock();
        if rings.iter().all(Ring::loses_any_event) {
            rings.iter().for_each(Ring::count_lost);
            return rings.len() as u64;
        }
        let event = compose();
        let Some((last, others)) = rings.split_last_mut() else { return 0 };
        let mut lost = 0;
        for ring in others {
            if ring.accepts(&event, &mut lost) {
                let _ = ring.events.push(event.clone());
            }
        }
        if last.accepts(&event, &mut lost) {
            let _ = last.events.push(event);
        }
        lost
    }
}

impl Ring {
    /// Whether the reader wants every event and has no room.
    fn loses_any_event(&self) -> bool {
        self.admits_all && self.events.is_full()
    }

    /// Whether the reader wants the event and has room; an event without room is counted.
    fn accepts(&self, event: &QueryEvent, lost: &mut u64) -> bool {
        let is_wanted = self.admits_all || self.filter.admits(event);
        let has_room = !self.events.is_full();
        if is_wanted && !has_room {
            self.count_lost();
            *lost += 1;
        }
        is_wanted && has_room
    }

    /// Counts a lost event. The worker alone writes, as in [`zoners_dns::Counters`].
    fn count_lost(&self) {
        let lost = self.lost.load(Ordering::Relaxed);
        self.lost.store(lost + 1, Ordering::Relaxed);
    }
}

/// A number instead of the rings.
impl fmt::Debug for QueryEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryEvents").field("readers", &self.readers).finish_non_exhaustive()
    }
}

impl EventReader {
    /// The next event, if any. Never waits: a reader polls.
    pub fn next_event(&mut self) -> Option<QueryEvent> {
        self.events.pop().ok()
    }

    /// Admitted events that found the ring full.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for EventReader {
    fn drop(&mut self) {
        self.source.readers.fetch_sub(1, Ordering::Relaxed);
        self.source.rings.lock().retain(|ring| !Arc::ptr_eq(&ring.lost, &self.lost));
    }
}

impl fmt::Debug for EventReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader").field("lost", &self.lost).finish_non_exhaustive()
    }
}
