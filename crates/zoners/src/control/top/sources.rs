//! The sources of news: keys, the watch, and requests, each on a thread of its own.

use std::io::{Read, stdin};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, Sender};
use zoners_api::{
    AdminError, AdminEvent, AdminReply, AdminRequest, DaemonStatus, TroubleReport, WhyQuery,
    WhyReport,
};
use zoners_server::control::{self, ControlError, EventLines};

use super::keys::{Key, KeyReader};

/// The time between two requests of the status.
const STATUS_INTERVAL: Duration = Duration::from_secs(2);
/// Servers are requested with every third request of the status.
const STATUSES_A_TROUBLE: u32 = 3;
/// The seconds before now in which servers at fault are looked for.
pub(super) const TROUBLE_SECONDS: u64 = 900;
/// The most events in one piece of news.
const MAX_EVENTS: usize = 256;
/// News that waits for a slow terminal. Then the daemon loses events of the watch, and counts them.
const MAX_NEWS: usize = 32;
/// Names that wait for an answer of the daemon: further keys have no effect.
const MAX_QUESTIONS: usize = 4;

/// News for the screen.
#[derive(Debug)]
pub(super) enum News {
    Keys(Vec<Key>),
    /// The terminal has gone.
    KeysEnded,
    Events(Vec<AdminEvent>),
    /// The daemon has ended the watch.
    WatchEnded,
    Status(Box<DaemonStatus>),
    /// Slow questions and failed ones; `None` without a history.
    Troubles(Option<Box<[TroubleReport; 2]>>),
    /// The daemon refused a request.
    Refused(String),
    Why(String, Result<Box<WhyReport>, String>),
}

/// Begins to listen. Names sent to the returned channel are looked up in the history.
pub(super) fn begin(
    paths: Vec<PathBuf>,
    events: EventLines,
) -> (mpsc::Receiver<News>, SyncSender<String>) {
    let (news, receiver) = mpsc::channel(MAX_NEWS);
    let (questions, asked) = sync_channel(MAX_QUESTIONS);
    let (keys, watched) = (news.clone(), news.clone());
    thread::spawn(move || read_keys(&keys));
    thread::spawn(move || watch(events, &watched));
    thread::spawn(move || ask(&paths, &asked, &news));
    (receiver, questions)
}

fn read_keys(news: &Sender<News>) {
    let mut reader = KeyReader::default();
    let mut octets = [0; 256];
    loop {
        let keys = match stdin().read(&mut octets) {
            Ok(0) => News::KeysEnded,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => News::KeysEnded,
            Ok(length) => News::Keys(reader.read(octets.get(..length).unwrap_or_default())),
        };
        let is_last = matches!(keys, News::KeysEnded);
        if news.blocking_send(keys).is_err() || is_last {
            return;
        }
    }
}

fn watch(mut lines: EventLines, news: &Sender<News>) {
    loop {
        let mut events = Vec::new();
        let mut has_ended = false;
        // The events that are here, after a wait for the first.
        while events.len() < MAX_EVENTS && (events.is_empty() || lines.awaited().is_none()) {
            match lines.next_line() {
                Ok(Some(line)) => events.extend(AdminEvent::from_line(&line)),
                Ok(None) | Err(_) => {
                    has_ended = true;
                    break;
                }
            }
        }
        let sent = news.blocking_send(News::Events(events));
        if has_ended {
            let _ = news.blocking_send(News::WatchEnded);
        }
        if has_ended || sent.is_err() {
            return;
        }
    }
}

/// Asks for the status and the servers in turns, and for a name at once.
fn ask(paths: &[PathBuf], names: &Receiver<String>, news: &Sender<News>) {
    let mut due = Instant::now();
    for turn in 0_u32.. {
        loop {
            match names.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(name) => {
                    let query = WhyQuery { name: name.clone(), ..WhyQuery::default() };
                    let report = request::<WhyReport>(paths, &AdminRequest::Why(query));
                    if news.blocking_send(News::Why(name, report.map(Box::new))).is_err() {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        due = Instant::now() + STATUS_INTERVAL;
        let status = request::<DaemonStatus>(paths, &AdminRequest::Status {});
        let status = status.map_or_else(News::Refused, |status| News::Status(Box::new(status)));
        let troubles = || News::Troubles(troubles(paths).map(Box::new));
        let troubles = turn.is_multiple_of(STATUSES_A_TROUBLE).then(troubles);
        let mut told = [Some(status), troubles].into_iter().flatten();
        if told.any(|told| news.blocking_send(told).is_err()) {
            return;
        }
    }
}

fn troubles(paths: &[PathBuf]) -> Option<[TroubleReport; 2]> {
    let report = |failures| {
        let request = AdminRequest::Troubles { failures, seconds: TROUBLE_SECONDS };
        self::request::<TroubleReport>(paths, &request).ok()
    };
    Some([report(false)?, report(true)?])
}

fn request<T: TryFrom<AdminReply, Error = AdminError>>(
    paths: &[PathBuf],
    request: &AdminRequest,
) -> Result<T, String> {
    control::request(paths, request, None).map_err(|error: ControlError| error.to_string())
}
