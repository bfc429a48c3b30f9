//! Watches: the events of all workers for a person or a program.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Interval, MissedTickBehavior, interval};
use zoners_api::{AdminError, AdminEvent, EventStream, LostEvents, WatchStarted};
use zoners_dns::{Counter, Counters};

use crate::events::{EventFilter, EventReader, QueryEvent, QueryEvents};
use crate::report::finished_query;

/// Watches under way at a time: a quarter of the conversations of the control socket, so that requests have room.
pub(super) const MAX_WATCHES: usize = 4;
/// Events in the rings of a watch, over all workers. Between two looks further events are lost: with [`INTERVAL`] a
/// watch reads up to 40,000 events a second.
const MAX_WAITING_EVENTS: usize = 2048;
/// The least room of one ring, unless the reader wants fewer events.
const MIN_RING_EVENTS: usize = 64;
/// Looks at the rings. Without a watch there is no look.
const LOOKS_A_SECOND: usize = 20;
/// The time between two looks.
const INTERVAL: Duration = Duration::from_millis(1000 / LOOKS_A_SECOND as u64);

/// The watches of a daemon.
#[derive(Debug)]
pub(super) struct Watches {
    workers: Vec<Arc<QueryEvents>>,
    free: Arc<Semaphore>,
    counters: Counters,
}

/// A watch under way. Dropping ends it.
#[derive(Debug)]
pub(crate) struct EventWatch {
    readers: Vec<EventReader>,
    /// The most events of a reader in one look: a busy worker does not prolong the look.
    events_a_look: usize,
    looks: Interval,
    /// Lost events reported so far.
    reported_lost: u64,
    _place: OwnedSemaphorePermit,
}

impl Watches {
    /// Watches of these workers; none is under way.
    pub(super) fn new(workers: Vec<Arc<QueryEvents>>) -> Self {
        let free = Arc::new(Semaphore::new(MAX_WATCHES));
        Watches { workers, free, counters: Counters::default() }
    }

    /// Begins a watch, on a tokio runtime, with about `most_a_second` events a second, and at least one from each worker at
    /// each reading. A short ring costs the workers little once the ring is full, however many queries there are.
    ///
    /// # Errors
    /// [`MAX_WATCHES`] are under way.
    pub(super) fn begin(
        &self,
        filter: &EventFilter,
        most_a_second: Option<u64>,
    ) -> Result<(WatchStarted, EventWatch), AdminError> {
        let Ok(place) = self.free.clone().try_acquire_owned() else {
            self.counters.count(Counter::EventsWatchesRefused);
            let full = format!("there are {MAX_WATCHES} watches already, the most there may be");
            return Err(AdminError::failed(full));
        };
        let workers = self.workers.len().max(1);
        let most = (MAX_WAITING_EVENTS / workers).max(MIN_RING_EVENTS);
        let wanted = most_a_second.map(|wanted| wanted as usize / LOOKS_A_SECOND / workers);
        let room = wanted.map_or(most, |wanted| wanted.clamp(1, most));
        let attach = |events: &Arc<QueryEvents>| events.attach(room, filter.clone());
        let mut looks = interval(INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watch = EventWatch {
            readers: self.workers.iter().map(attach).collect(),
            events_a_look: room,
            looks,
            reported_lost: 0,
            _place: place,
        };
        let watches = (MAX_WATCHES - self.free.available_permits()) as u64;
        Ok((WatchStarted { watches, max_watches: MAX_WATCHES as u64 }, watch))
    }

    /// Whether as many watches as may be are under way.
    #[cfg(test)]
    pub(super) fn is_full(&self) -> bool {
        self.free.available_permits() == 0
    }

    /// Refused watches.
    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl EventWatch {
    /// The events since the last look, sorted by the end of the query, and then a loss. Events of two workers are out
    /// of order only where a look falls between the end of a query and the event.
    fn look(&mut self) -> Vec<AdminEvent> {
        let most = self.events_a_look;
        let waiting = |reader: &mut EventReader| -> Vec<QueryEvent> {
            std::iter::from_fn(|| reader.next_event()).take(most).collect()
        };
        let mut events: Vec<QueryEvent> = self.readers.iter_mut().flat_map(waiting).collect();
        events.sort_by_key(QueryEvent::ended);
        let events = events.iter().map(|event| AdminEvent::Query(finished_query(event)));
        events.chain(self.loss()).collect()
    }

    /// The events lost since the last report.
    fn loss(&mut self) -> Option<AdminEvent> {
        let lost = self.readers.iter().map(EventReader::lost).sum();
        let count = lost - std::mem::replace(&mut self.reported_lost, lost);
        (count > 0).then_some(AdminEvent::Lost(LostEvents { count }))
    }
}

impl EventStream for EventWatch {
    async fn next_events(&mut self) -> Vec<AdminEvent> {
        loop {
            self.looks.tick().await;
            let events = self.look();
            if !events.is_empty() {
                return events;
            }
        }
    }
}
