//! The way of events from a worker to a reader: a bounded ring of tapes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use super::filter::EventFilter;
use super::tape::EventTape;
use super::{QueryEvent, QueryEvents};

/// The worker's end of a ring.
pub(super) struct Ring {
    filter: EventFilter,
    /// Whether the filter admits every event.
    admits_all: bool,
    tapes: Producer<Arc<EventTape>>,
    capacity: usize,
    state: Arc<RingState>,
}

/// The numbers that both ends see.
#[derive(Debug, Default)]
pub(super) struct RingState {
    /// Events in the ring.
    waiting: AtomicUsize,
    /// Admitted events that found the ring full.
    lost: AtomicU64,
}

/// Reads the events of a worker in order; detached when dropped.
pub struct EventReader {
    source: Arc<QueryEvents>,
    tapes: Consumer<Arc<EventTape>>,
    /// The tape that is read, and the position of the next event.
    present: (Arc<EventTape>, usize),
    state: Arc<RingState>,
}

/// A ring for `capacity` events that `filter` admits. The memory of the ring is allocated at once, that of events as they
/// come.
pub(super) fn ring(
    source: Arc<QueryEvents>,
    capacity: usize,
    filter: EventFilter,
) -> (Ring, EventReader) {
    // A tape has one event at least.
    let (producer, tapes) = RingBuffer::new(capacity);
    let state = Arc::<RingState>::default();
    let admits_all = filter == EventFilter::default();
    let ring = Ring { filter, admits_all, tapes: producer, capacity, state: state.clone() };
    (ring, EventReader { source, tapes, present: Default::default(), state })
}

impl Ring {
    /// Whether the reader wants every event and has room for none.
    pub(super) fn loses_all(&self) -> bool {
        self.admits_all && self.room() == 0
    }

    /// Counts lost events. The worker alone writes, as in [`zoners_dns::Counters`].
    pub(super) fn count_lost(&self, events: u64) {
        let lost = self.state.lost.load(Ordering::Relaxed);
        self.state.lost.store(lost + events, Ordering::Relaxed);
    }

    /// Gives the reader the events that the filter admits, as far as there is room; returns how many were lost.
    pub(super) fn put(&mut self, tape: &Arc<EventTape>) -> u64 {
        let tape = match self.admits_all {
            true => tape.clone(),
            false => Arc::new(tape.only(|event| self.filter.admits(event))),
        };
        if tape.len() == 0 {
            return 0;
        }
        let taken = tape.len().min(self.room());
        let lost = (tape.len() - taken) as u64;
        if lost > 0 {
            self.count_lost(lost);
        }
        let tape = if lost > 0 { Arc::new(tape.beginning(taken)) } else { tape };
        if taken > 0 {
            self.state.waiting.fetch_add(taken, Ordering::Relaxed);
            let _ = self.tapes.push(tape);
        }
        lost
    }

    /// Whether this is the ring of a reader.
    pub(super) fn is_read_by(&self, reader: &EventReader) -> bool {
        Arc::ptr_eq(&self.state, &reader.state)
    }

    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.state.waiting.load(Ordering::Relaxed))
    }
}

impl EventReader {
    /// The next event, if any. Never waits: a reader polls.
    pub fn next_event(&mut self) -> Option<QueryEvent> {
        let (tape, at) = &mut self.present;
        if *at >= tape.len() {
            (*tape, *at) = (self.tapes.pop().ok()?, 0);
        }
        let event = tape.event(*at);
        *at += 1;
        self.state.waiting.fetch_sub(1, Ordering::Relaxed);
        event
    }

    /// Admitted events that found the ring full.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::Relaxed)
    }
}

impl Drop for EventReader {
    fn drop(&mut self) {
        self.source.detach(self);
    }
}

impl fmt::Debug for EventReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader").field("lost", &self.lost()).finish_non_exhaustive()
    }
}
