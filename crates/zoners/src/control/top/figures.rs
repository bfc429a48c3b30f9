//! What is known of the daemon: queries as they ended, its status, and the servers at fault.

use zoners_api::{AdminEvent, DaemonStatus, FinishedQuery, TroubleEntry, TroubleReport};

use super::recent::{Load, Recent};
use super::seconds::Seconds;

/// A query is told by name from this wait on: plain hits take less.
const TOLD_WAIT_MS: f64 = 1.0;
/// A status so old, in seconds, means that the daemon does not reply.
const STATUS_OVERDUE_S: u64 = 6;
/// A failed query ranks as if it had taken so much longer: no answer is worse than a late one.
const FAILURE_RANK_MS: f64 = 1000.0;

/// The figures at a moment.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    now_s: u64,
    pub(super) seconds: Seconds,
    pub(super) names: Recent,
    pub(super) clients: Recent,
    pub(super) status: Option<Box<DaemonStatus>>,
    status_at_s: u64,
    /// Servers without a useful reply, the worst first.
    pub(super) servers: Vec<TroubleEntry>,
    /// Whether the daemon keeps a history, from which the servers come.
    pub(super) has_history: bool,
    /// Queries that came too fast to be counted, or whose client or name had no room.
    pub(super) lost: u64,
    /// Why the daemon refused the last request.
    pub(super) refusal: Option<String>,
}

impl Figures {
    pub(super) fn new(now_s: u64) -> Self {
        let mut figures = Figures {
            now_s,
            seconds: Seconds::default(),
            names: Recent::new(|load| load.worst_ms + load.failed.min(1) as f64 * FAILURE_RANK_MS),
            clients: Recent::new(|load| load.queries as f64),
            status: None,
            status_at_s: now_s,
            servers: Vec::new(),
            has_history: true,
            lost: 0,
            refusal: None,
        };
        figures.advance(now_s);
        figures
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, now_s: u64) {
        self.now_s = now_s;
        self.seconds.advance(now_s);
        self.names.advance(now_s);
        self.clients.advance(now_s);
    }

    /// Forgets the queries, as another filter begins.
    pub(super) fn restart(&mut self) {
        let fresh = Figures::new(self.now_s);
        self.seconds = fresh.seconds;
        self.names = fresh.names;
        self.clients = fresh.clients;
        self.lost = 0;
    }

    /// Counts an event, if the filter is part of the name or of the client.
    pub(super) fn add(&mut self, event: &AdminEvent, filter: &str) {
        match event {
            AdminEvent::Query(query) if is_admitted(query, filter) => self.add_query(query),
            AdminEvent::Lost(lost) => self.lost += lost.count,
            AdminEvent::Query(_) | AdminEvent::Other => {}
        }
    }

    fn add_query(&mut self, query: &FinishedQuery) {
        self.seconds.add(query);
        let load =
            Load { queries: 1, failed: u64::from(query.failed), worst_ms: query.took_ms.max(0.0) };
        let is_told = query.failed || query.took_ms >= TOLD_WAIT_MS;
        let told = query.name.as_ref().filter(|_| is_told);
        let has_client = self.clients.add(&query.client, load);
        let has_name = told.is_none_or(|name| self.names.add(name, load));
        self.lost += u64::from(!(has_client && has_name));
    }

    pub(super) fn take_status(&mut self, status: Box<DaemonStatus>) {
        self.status = Some(status);
        self.status_at_s = self.now_s;
        self.refusal = None;
    }

    /// Takes the servers of slow and of failed questions; `None` without a history.
    pub(super) fn take_troubles(&mut self, reports: Option<[TroubleReport; 2]>) {
        self.has_history = reports.is_some();
        self.servers.clear();
        let Some([slow, failed]) = reports else { return };
        self.servers = slow.servers;
        for entry in failed.servers {
            match self.servers.iter_mut().find(|known| known.name == entry.name) {
                None => self.servers.push(entry),
                Some(known) => {
                    let questions = known.questions + entry.questions;
                    if entry.worst_ms > known.worst_ms {
                        *known = entry;
                    }
                    known.questions = questions;
                }
            }
        }
        self.servers.sort_by_key(|entry| std::cmp::Reverse(entry.questions));
    }

    /// Seconds without a reply of the daemon, if that is long.
    pub(super) fn overdue_s(&self) -> Option<u64> {
        Some(self.now_s.saturating_sub(self.status_at_s)).filter(|late| *late >= STATUS_OVERDUE_S)
    }
}

fn is_admitted(query: &FinishedQuery, filter: &str) -> bool {
    let filter = filter.to_ascii_lowercase();
    let has = |text: &str| text.to_ascii_lowercase().contains(&filter);
    filter.is_empty() || has(&query.client) || query.name.as_deref().is_some_and(has)
}

#[cfg(test)]
mod tests {
    use zoners_api::LostEvents;

    use super::super::tests::{query, servers};
    use super::*;

    #[test]
    fn the_filter_is_part_of_a_name_or_of_a_client() {
        let mut figures = Figures::new(0);
        for filter in ["", "WWW.", "192.0.2", "mail"] {
            figures.add(&AdminEvent::Query(query("www.Example.", 7.0)), filter);
        }
        assert_eq!(figures.clients.ranked().next().unwrap().1.queries, 3);
        figures.add(&AdminEvent::Lost(LostEvents { count: 4 }), "mail");
        assert_eq!(figures.lost, 4);
        figures.restart();
        assert_eq!((figures.clients.ranked().count(), figures.lost), (0, 0));
    }

    #[test]
    fn failed_names_come_first_and_plain_hits_are_no_names() {
        let mut figures = Figures::new(0);
        for (name, took_ms, failed) in
            [("hit.", 0.1, false), ("slow.", 900.0, false), ("no.", 0.1, true)]
        {
            let query = FinishedQuery { failed, ..query(name, took_ms) };
            figures.add(&AdminEvent::Query(query), "");
        }
        let names: Vec<&str> = figures.names.ranked().map(|(name, _)| name).collect();
        assert_eq!(names, ["no.", "slow."]);
    }

    #[test]
    fn a_server_of_slow_and_failed_questions_is_told_once() {
        let mut figures = Figures::new(0);
        figures.take_troubles(Some([
            servers(&[("192.0.2.1", 3, 700.0), ("192.0.2.2", 1, 300.0)]),
            servers(&[("192.0.2.1", 2, 900.0), ("192.0.2.3", 4, 100.0)]),
        ]));
        let told: Vec<(&str, u64, f64)> = figures
            .servers
            .iter()
            .map(|entry| (entry.name.as_str(), entry.questions, entry.worst_ms))
            .collect();
        assert_eq!(
            told,
            [("192.0.2.1", 5, 900.0), ("192.0.2.3", 4, 100.0), ("192.0.2.2", 1, 300.0)]
        );
        figures.take_troubles(None);
        assert!(figures.servers.is_empty() && !figures.has_history);
    }

    #[test]
    fn a_daemon_without_a_reply_for_long_is_told() {
        let mut figures = Figures::new(10);
        figures.advance(15);
        assert_eq!(figures.overdue_s(), None);
        figures.advance(16);
        assert_eq!(figures.overdue_s(), Some(6));
        figures.take_status(Box::default());
        assert_eq!(figures.overdue_s(), None);
    }
}
