//! An open dashboard: reads the events of all queries, as the view of live queries does.

use zoners_dns::Counter;
use zoners_server::Service;
use zoners_server::events::{EventFilter, EventReader};
use zoners_sim::SimNetwork;

/// Events that wait for the reader: few, so that a frozen dashboard loses some.
const CAPACITY: usize = 128;

pub(crate) struct Dashboard {
    reader: EventReader,
    seen: u64,
}

impl Dashboard {
    pub(crate) fn open(service: &Service<SimNetwork>) -> Self {
        Dashboard { reader: service.events().attach(CAPACITY, EventFilter::default()), seen: 0 }
    }

    /// Reads what has come.
    pub(crate) fn reads(&mut self) {
        while self.reader.next_event().is_some() {
            self.seen += 1;
        }
    }

    /// Each query had one event since the dashboard was opened, seen or counted as lost. Returns both numbers.
    pub(crate) fn has_all(&mut self, service: &Service<SimNetwork>) -> (u64, u64) {
        self.reads();
        let count = |counter| service.worker().counters().get(counter);
        let ended = count(Counter::ClientQueries) - service.rules().waiting() as u64;
        let lost = self.reader.lost();
        assert_eq!(self.seen + lost, ended);
        assert_eq!(count(Counter::EventsLost), lost);
        (self.seen, lost)
    }
}
