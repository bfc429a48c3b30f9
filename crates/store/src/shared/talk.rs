//! The thread that speaks to the server.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use redis::{RedisError, Value, cmd, from_redis_value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::sleep;
use zoners_dns::second_level::SecondLevelEntries;
use zoners_dns::{Counter, Counters};

use super::breaker::Pause;
use super::envelope::LONGEST;
use super::health::{Ended, Health, outcome};
use super::link::{Link, Servers};
use super::{Common, FLIGHT, forget};

/// Requests, or answers, that go out together.
const BATCH: usize = 64;
/// Batches that are under way at a time.
const BATCHES: usize = 32;

/// Something that is asked of the server.
#[derive(Debug)]
pub(super) enum Request {
    /// What is under a key; and, if asked for, whether another node works on it.
    Find { key: String, flight: Option<String>, reply: oneshot::Sender<Find> },
    /// Whether we are to work on something: false if another does.
    Claim { key: String, reply: oneshot::Sender<bool> },
    /// How many keys matched, and were removed.
    Forget { pattern: Vec<String>, reply: oneshot::Sender<Result<usize, String>> },
}

/// What was found.
#[derive(Debug)]
pub(super) struct Find {
    pub(super) found: Option<SecondLevelEntries>,
    /// Whether another node works on it.
    pub(super) in_flight: bool,
}

/// An answer to be kept.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    pub(super) ttl: Duration,
    /// The room that it takes until it is told.
    pub(super) _room: OwnedSemaphorePermit,
}

/// Lets the thread run, for as long as somebody can ask it.
pub(super) fn begin(
    servers: Servers,
    common: Arc<Common>,
    counters: Arc<Counters>,
    requests: mpsc::Receiver<Request>,
    told: mpsc::Receiver<Told>,
) -> io::Result<()> {
    // What TLS is made with; somebody else may have said so before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let talk = Talk { servers, common, counters, requests, told };
    std::thread::Builder::new().name("store".into()).spawn(move || runtime.block_on(talk.run()))?;
    Ok(())
}

struct Talk {
    servers: Servers,
    common: Arc<Common>,
    counters: Arc<Counters>,
    requests: mpsc::Receiver<Request>,
    told: mpsc::Receiver<Told>,
}

impl Talk {
    async fn run(mut self) {
        let mut pause = Pause::default();
        loop {
            let why = match self.servers.connect().await {
                Ok(link) => {
                    pause = Pause::default();
                    if self.common.breaker.set(false) {
                        tracing::info!("the second level answers again");
                    }
                    match self.serve(&link).await {
                        Some(why) => why,
                        None => return,
                    }
                }
                Err(error) => error,
            };
            if self.common.breaker.set(true) {
                self.counters.count(Counter::SecondLevelCircuitOpened);
                tracing::warn!("the second level is left alone for a while: {why}");
            }
            // Who waits is not kept waiting.
            while self.requests.try_recv().is_ok() {}
            while self.told.try_recv().is_ok() {
                self.counters.count(Counter::SecondLevelWritesDropped);
            }
            self.count_unwritten();
            sleep(pause.next()).await;
        }
    }

    /// Serves whoever asks, until too much fails; nothing if nobody can ask any more.
    async fn serve(&mut self, link: &Link) -> Option<RedisError> {
        let places = Arc::new(Semaphore::new(BATCHES));
        let (end, mut ended) = mpsc::unbounded_channel();
        let (mut requests, mut told) = (Vec::new(), Vec::new());
        let mut health = Health::new(self.servers.are_sentinels());
        loop {
            self.count_unwritten();
            tokio::select! {
                Some(outcome) = ended.recv() => {
                    if let Some(why) = health.learn(outcome, &self.counters) {
                        return Some(why);
                    }
                }
                (received, place) = batch(&mut self.requests, &mut requests, &places) => {
                    if received == 0 {
                        return None;
                    }
                    let (link, end, common) = (link.clone(), end.clone(), self.common.clone());
                    let (batch, counters) = (std::mem::take(&mut requests), self.counters.clone());
                    tokio::spawn(async move {
                        let _ = end.send(ask(link, batch, &common, &counters).await);
                        drop(place);
                    });
                }
                (received, place) = batch(&mut self.told, &mut told, &places) => {
                    if received == 0 {
                        return None;
                    }
                    let batch = std::mem::take(&mut told);
                    if health.is_full() {
                        self.counters.add(Counter::SecondLevelWritesDropped, batch.len() as u64);
                        continue;
                    }
                    let (link, end, counters) = (link.clone(), end.clone(), self.counters.clone());
                    tokio::spawn(async move {
                        let _ = end.send(tell(link, batch, &counters).await);
                        drop(place);
                    });
                }
            }
        }
    }

    /// Counts what found no room elsewhere: counters are this thread's.
    fn count_unwritten(&self) {
        let unwritten = self.common.unwritten.swap(0, Ordering::Relaxed);
        self.counters.add(Counter::SecondLevelWritesDropped, unwritten);
    }
}

/// What waits, once there is a place for it.
async fn batch<T>(
    from: &mut mpsc::Receiver<T>,
    into: &mut Vec<T>,
    places: &Arc<Semaphore>,
) -> (usize, Option<OwnedSemaphorePermit>) {
    let place = places.clone().acquire_owned().await.ok();
    (from.recv_many(into, BATCH).await, place)
}

/// Asks the server what a batch asks for; together, so that it goes out together.
async fn ask(link: Link, batch: Vec<Request>, common: &Common, counters: &Counters) -> Ended {
    let asked = batch.into_iter().map(|request| answer(link.clone(), request, common, counters));
    outcome(join_all(asked).await)
}

async fn answer(
    mut link: Link,
    request: Request,
    common: &Common,
    counters: &Counters,
) -> Result<(), RedisError> {
    let node = common.node;
    match request {
        Request::Find { key, flight, reply } => {
            let value = value(&mut link, &key).await?;
            let found =
                value.as_ref().and_then(|(value, left)| common.side().open(&key, value, *left));
            if value.is_some() && found.is_none() {
                counters.count(Counter::SecondLevelRejected);
            }
            let in_flight = match flight {
                Some(flight) if found.is_none() => {
                    owner(&mut link, &flight).await?.is_some_and(|owner| owner != node)
                }
                _ => false,
            };
            let _ = reply.send(Find { found, in_flight });
        }
        Request::Claim { key, reply } => {
            let mut claim = cmd("SET");
            claim.arg(&key).arg(node).arg("NX").arg("PX").arg(FLIGHT.as_millis() as u64);
            let ours = link.send(&claim).await? != Value::Nil
                || owner(&mut link, &key).await? == Some(node);
            let _ = reply.send(ours);
        }
        Request::Forget { pattern, reply } => {
            let removed = forget::forget(&mut link, &pattern).await;
            let _ = reply.send(removed.map_err(|error| error.to_string()));
        }
    }
    Ok(())
}

/// The value under a key, no longer than one octet more than it may be, and what is left of its time;
/// nothing if there is none that ever expires.
async fn value(link: &mut Link, key: &str) -> Result<Option<(Vec<u8>, Duration)>, RedisError> {
    let (mut get, mut left) = (link.clone(), link.clone());
    // What is left of its time first: of a value that takes another's place in between, it is too little.
    let (left, value) = tokio::join!(async { left.send(cmd("PTTL").arg(key)).await }, async {
        get.send(cmd("GETRANGE").arg(key).arg(0).arg(LONGEST)).await
    },);
    let left: i64 = from_redis_value(left?)?;
    let value: Vec<u8> = from_redis_value(value?)?;
    // It may have expired between the two; and what never does is none of ours.
    let is_one = left > 0 && !value.is_empty();
    Ok(is_one.then(|| (value, Duration::from_millis(left as u64))))
}

/// Which node works on something.
async fn owner(link: &mut Link, key: &str) -> Result<Option<u64>, RedisError> {
    let owner: Option<String> = from_redis_value(link.send(cmd("GET").arg(key)).await?)?;
    Ok(owner.and_then(|owner| owner.parse().ok()))
}

/// Lets the server keep a batch.
async fn tell(link: Link, batch: Vec<Told>, counters: &Counters) -> Ended {
    let told = batch.iter().map(|told| {
        let mut link = link.clone();
        async move {
            let mut set = cmd("SET");
            set.arg(&told.key).arg(&told.value).arg("PX").arg(told.ttl.as_millis() as u64);
            link.send(&set).await.map(|_| ())
        }
    });
    let told = join_all(told).await;
    let kept = told.iter().filter(|told| told.is_ok()).count();
    counters.add(Counter::SecondLevelWrites, kept as u64);
    counters.add(Counter::SecondLevelWritesDropped, (told.len() - kept) as u64);
    match outcome(told) {
        Ended::Well => Ended::Taken,
        other => other,
    }
}
