//! Watches over the control socket, in virtual time.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use zoners_api::{
    AdminEvent, AdminReply, AdminRequest, EventStream, LostEvents, QueryOutcome, WatchFilter,
};
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{ClockReading, Delegation, Moment, Random, Transport, zonefile};
use zoners_resolver::{Resolver, Settings, Shared};
use zoners_sim::{SimClock, SimNetwork, world};

use super::watches::MAX_WATCHES;
use super::*;
use crate::client::Client;
use crate::config::Config;
use crate::control::ControlSocket;
use crate::events::{EventFilter, QueryEvent};
use crate::pipeline::{Cookies, Rules};

/// Longer than any wait of a watch.
const LONG: Duration = Duration::from_secs(60);

/// A daemon with two workers and a control socket.
struct WatchLab {
    workers: [Arc<QueryEvents>; 2],
    overseer: Arc<Overseer<SimNetwork>>,
    socket: PathBuf,
    serving: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// One end of a conversation.
struct WatchCaller {
    lines: Lines<BufReader<UnixStream>>,
}

fn overseer(events: Vec<Arc<QueryEvents>>) -> Arc<Overseer<SimNetwork>> {
    let config = Config::default();
    let (cookies, random) = (Cookies::new(&Random::seeded(1)), Random::seeded(2));
    let rules = Rules::new(&config, &[], cookies, &random, 0).unwrap();
    let cache = Cache::new(1 << 20, TtlLimits::default(), [3, 4]);
    let shared = Shared::new(cache, Arc::new(SimClock::new(None)), random);
    let hints = zonefile::root_hints(world::HINTS).unwrap();
    let settings = Arc::new(Settings::new(Delegation::from_hints(&hints).unwrap()));
    let resolver = Resolver::new(shared, world::small(1), settings, Arc::default());
    let service = Arc::new(Service::new(resolver, Arc::new(rules)));
    Overseer::new(service, Vec::new(), events, ListenStatus::default(), About::default())
}

impl WatchLab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control");
        let workers = <[Arc<QueryEvents>; 2]>::default();
        let overseer = overseer(workers.to_vec());
        let (control, admin) = (ControlSocket::bind(&socket, None).unwrap(), overseer.clone());
        let serving = tokio::spawn(async move { control.serve(admin).await });
        WatchLab { workers, overseer, socket, serving, _folder: folder }
    }

    /// Sends a request, and reads the reply.
    async fn ask(&self, request: &AdminRequest) -> (WatchCaller, AdminReply) {
        let mut stream = UnixStream::connect(&self.socket).await.unwrap();
        stream.write_all((request.to_line() + "\n").as_bytes()).await.unwrap();
        let mut caller = WatchCaller { lines: BufReader::new(stream).lines() };
        let reply = caller.line().await.unwrap();
        (caller, AdminReply::from_line(reply.as_bytes()).unwrap())
    }

    /// A caller with a watch under way.
    async fn watch(&self) -> WatchCaller {
        let (caller, reply) = self.ask(&AdminRequest::Watch(WatchFilter::default())).await;
        assert!(matches!(reply, AdminReply::Watch(_)), "{reply:?}");
        caller
    }

    async fn is_answered(&self) -> bool {
        let asked = timeout(LONG, self.ask(&AdminRequest::Status {})).await;
        asked.is_ok_and(|(_, reply)| matches!(reply, AdminReply::Status(_)))
    }

    fn are_watched(&self) -> bool {
        self.workers.iter().all(|worker| worker.are_read())
    }
}

impl Drop for WatchLab {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl WatchCaller {
    async fn line(&mut self) -> Option<String> {
        timeout(LONG, self.lines.next_line()).await.unwrap().unwrap()
    }

    async fn event(&mut self) -> AdminEvent {
        AdminEvent::from_line(self.line().await.unwrap().as_bytes()).unwrap()
    }
}

/// A query received at this second, `took` before its end.
fn event(received_s: u64, took: Duration) -> QueryEvent {
    let now = Moment::from_millis(received_s * 1000);
    QueryEvent {
        question: None,
        client: Client::local(Transport::Udp),
        outcome: QueryOutcome::Dropped,
        rcode: None,
        reason: None,
        received: ClockReading { now, wall_seconds: received_s },
        took,
    }
}

/// The second of a query, or the number of lost events.
fn told(event: &AdminEvent) -> (&'static str, u64) {
    match event {
        AdminEvent::Query(query) => ("received", query.received_s),
        AdminEvent::Lost(LostEvents { count }) => ("lost", *count),
        AdminEvent::Other => ("other", 0),
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_all_workers_come_in_the_order_of_their_ends() {
    let lab = WatchLab::new();
    let mut caller = lab.watch().await;
    let [first, second] = &lab.workers;
    first.put(&event(3, Duration::ZERO));
    first.put(&event(1, Duration::from_secs(4)));
    second.put(&event(2, Duration::ZERO));
    second.put(&event(4, Duration::ZERO));
    for received in [2, 3, 4, 1] {
        assert_eq!(told(&caller.event().await), ("received", received));
    }
}

#[tokio::test(start_paused = true)]
async fn lost_events_are_told_once_after_the_events_before_them() {
    let workers = <[Arc<QueryEvents>; 2]>::default();
    let watches = Watches::new(workers.to_vec());
    let (_, mut watch) = watches.begin(&EventFilter::default(), None).unwrap();
    let put = |worker: &QueryEvents, events: u64| {
        (0..events).map(|_| worker.put(&event(1, Duration::ZERO))).sum::<u64>()
    };
    let lost = put(&workers[0], 5000) + put(&workers[1], 5000);
    let events = watch.next_events().await;
    let (last, before) = events.split_last().unwrap();
    assert_eq!(told(last), ("lost", lost));
    assert!(lost > 0 && before.iter().all(|event| told(event) == ("received", 1)));
    assert_eq!(before.len() as u64, 10_000 - lost);
    put(&workers[1], 1);
    let events = watch.next_events().await;
    assert_eq!(events.iter().map(told).collect::<Vec<_>>(), [("received", 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_looks_at_an_interval_and_waits_for_the_first_event() {
    let workers = <[Arc<QueryEvents>; 2]>::default();
    let watches = Watches::new(workers.to_vec());
    let (_, mut watch) = watches.begin(&EventFilter::default(), None).unwrap();
    let began = Instant::now();
    assert!(timeout(LONG, watch.next_events()).await.is_err());
    workers[0].put(&event(1, Duration::ZERO));
    assert_eq!(watch.next_events().await.len(), 1);
    let late = began.elapsed() - LONG;
    assert!(late <= Duration::from_millis(50), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn one_watch_more_than_the_limit_is_refused_and_other_requests_are_answered() {
    let lab = WatchLab::new();
    let mut callers = Vec::new();
    for _ in 0..MAX_WATCHES {
        callers.push(lab.watch().await);
    }
    let watch = AdminRequest::Watch(WatchFilter::default());
    let (_, AdminReply::Error(error)) = lab.ask(&watch).await else { panic!("refused") };
    assert!(error.message.contains(&format!("{MAX_WATCHES} watches")), "{error}");
    assert_eq!(lab.overseer.count(Counter::EventsWatchesRefused), 1);
    assert!(lab.is_answered().await);
    callers.pop();
    while lab.overseer.watches.is_full() {
        sleep(Duration::from_millis(1)).await;
    }
    lab.watch().await;
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_is_none_begins_no_watch() {
    let lab = WatchLab::new();
    let name = Some("a..b".to_owned());
    let request = AdminRequest::Watch(WatchFilter { name, ..WatchFilter::default() });
    let (_, reply) = lab.ask(&request).await;
    assert!(matches!(reply, AdminReply::Error(_)), "{reply:?}");
    assert!(!lab.are_watched());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_or_speaks_ends_its_watch_without_an_event() {
    let lab = WatchLab::new();
    let began = Instant::now();
    let leaves = lab.watch().await;
    let mut speaks = lab.watch().await;
    drop(leaves);
    speaks.lines.get_mut().get_mut().write_all(b"x").await.unwrap();
    assert_eq!(speaks.line().await, None);
    while lab.are_watched() {
        sleep(Duration::from_millis(1)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_takes_nothing_is_let_go_and_holds_up_nothing() {
    let lab = WatchLab::new();
    let mut caller = lab.watch().await;
    let began = Instant::now();
    let mut lost = 0;
    while lab.are_watched() {
        assert!(began.elapsed() < LONG);
        for _ in 0..2000 {
            lost += lab.workers[0].put(&event(1, Duration::ZERO));
        }
        assert!(lab.is_answered().await);
        sleep(Duration::from_millis(50)).await;
    }
    assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(lost > 0, "the ring, and not memory, was full");
    // The octets in the socket, and then the end.
    while caller.line().await.is_some() {}
}
