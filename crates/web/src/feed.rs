//! Queries as they end: one watch of the daemon for all browsers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout};
use zoners_api::{Admin, AdminError, AdminEvent, EventStream, FinishedQuery, WatchFilter};

/// The latest queries, for a page that is opened.
const MAX_RECENT: usize = 300;
/// Queries a second that are shown: no person reads more.
const MAX_A_SECOND: u64 = 800;
/// Looks that wait for a slow browser.
const MAX_WAITING: usize = 32;
/// The watch ends when no page has asked for so long.
const IDLE_TIME: Duration = Duration::from_secs(60);

/// Queries that ended, and how many more there were.
#[derive(Debug)]
pub(crate) struct EndedQueries {
    /// The queries of a look, in the order of time.
    pub(crate) queries: Vec<FinishedQuery>,
    /// Queries that are not shown.
    pub(crate) left_out: u64,
}

/// The watch, while pages are open.
#[derive(Debug)]
pub(crate) struct Feed {
    state: Mutex<FeedState>,
    live: broadcast::Sender<Arc<EndedQueries>>,
}

#[derive(Debug, Default)]
struct FeedState {
    recent: VecDeque<FinishedQuery>,
    is_watching: bool,
    last_asked: Option<Instant>,
}

impl Default for Feed {
    fn default() -> Self {
        Feed { state: Mutex::default(), live: broadcast::Sender::new(MAX_WAITING) }
    }
}

impl Feed {
    /// Begins the watch, if none is under way. On a tokio runtime.
    ///
    /// # Errors
    /// The daemon refuses a further watch.
    pub(crate) fn begin<A: Admin>(self: &Arc<Self>, admin: &A) -> Result<(), AdminError> {
        let mut state = self.state.lock();
        state.last_asked = Some(Instant::now());
        if !state.is_watching {
            let most_a_second = Some(MAX_A_SECOND);
            let filter = WatchFilter { most_a_second, ..WatchFilter::default() };
            let (_, events) = admin.watch(&filter)?;
            state.is_watching = true;
            tokio::spawn(self.clone().watch(events));
        }
        Ok(())
    }

    /// The latest queries, latest first.
    pub(crate) fn recent(&self) -> Vec<FinishedQuery> {
        self.state.lock().recent.iter().rev().cloned().collect()
    }

    /// The queries from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<EndedQueries>> {
        self.live.subscribe()
    }

    async fn watch(self: Arc<Self>, mut events: impl EventStream) {
        loop {
            if let Ok(events) = timeout(IDLE_TIME / 4, events.next_events()).await {
                self.add(events);
            }
            let mut state = self.state.lock();
            let is_idle = state.last_asked.is_none_or(|asked| asked.elapsed() >= IDLE_TIME);
            if is_idle && self.live.receiver_count() == 0 {
                *state = FeedState::default();
                return;
            }
        }
    }

    fn add(&self, events: Vec<AdminEvent>) {
        let (mut queries, mut left_out) = (Vec::new(), 0);
        for event in events {
            match event {
                AdminEvent::Query(query) => queries.push(query),
                AdminEvent::Lost(lost) => left_out += lost.count,
                AdminEvent::Other => {}
            }
        }
        let mut state = self.state.lock();
        state.recent.extend(queries.iter().cloned());
        let surplus = state.recent.len().saturating_sub(MAX_RECENT);
        state.recent.drain(..surplus);
        drop(state);
        // Without a browser the queries are kept alone.
        let _ = self.live.send(Arc::new(EndedQueries { queries, left_out }));
    }
}
