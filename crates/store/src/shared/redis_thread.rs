//! The thread speaking to the Redis server.

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
use super::connection::{RedisConnection, RedisServers};
use super::envelope::MAX_VALUE_OCTETS;
use super::health::{BatchOutcome, RedisHealth, outcome};
use super::{Common, MAX_FLIGHT_WAIT, forget};

/// Requests, or answers, of one batch.
const MAX_BATCH: usize = 64;
/// Batches under way at a time.
const MAX_BATCHES: usize = 32;

/// A request to the Redis server.
#[derive(Debug)]
pub(super) enum StoreRequest {
    /// Reads the value of a key and, if `flight` is given, whether another node leads that flight.
    Find { key: String, flight: Option<String>, reply: oneshot::Sender<Find> },
    /// Claims a flight; the reply is false if another node leads it.
    Claim { key: String, reply: oneshot::Sender<bool> },
    /// Removes the keys that match; the reply is their number.
    Forget { pattern: Vec<String>, reply: oneshot::Sender<Result<usize, String>> },
}

/// The result of [`StoreRequest::Find`].
#[derive(Debug)]
pub(super) struct Find {
    pub(super) found: Option<SecondLevelEntries>,
    /// Whether another node leads the flight.
    pub(super) in_flight: bool,
}

/// An answer to be written.
#[derive(Debug)]
pub(super) struct WriteRequest {
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    pub(super) ttl: Duration,
    /// The share of the write queue, given back when the answer is written.
    pub(super) _room: OwnedSemaphorePermit,
}

/// Starts the thread, which ends when the last sender is dropped.
pub(super) fn start(
    servers: RedisServers,
    common: Arc<Common>,
    counters: Arc<Counters>,
    requests: mpsc::Receiver<StoreRequest>,
    writes: mpsc::Receiver<WriteRequest>,
) -> io::Result<()> {
    zoners_tls::install();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = RedisThread { servers, common, counters, requests, writes };
    std::thread::Builder::new()
        .name("store".into())
        .spawn(move || runtime.block_on(thread.run()))?;
    Ok(())
}

struct RedisThread {
    servers: RedisServers,
    common: Arc<Common>,
    counters: Arc<Counters>,
    requests: mpsc::Receiver<StoreRequest>,
    writes: mpsc::Receiver<WriteRequest>,
}

impl RedisThread {
    async fn run(mut self) {
        let mut pause = Pause::default();
        loop {
            let why = match self.servers.connect().await {
                Ok(connection) => {
                    pause = Pause::default();
                    if self.common.breaker.set(false) {
                        tracing::info!("redis: circuit breaker closed: the server responds again");
                    }
                    match self.serve(&connection).await {
                        Some(why) => why,
                        None => return,
                    }
                }
                Err(error) => error,
            };
            if self.common.breaker.set(true) {
                self.counters.count(Counter::SecondLevelCircuitOpened);
                tracing::warn!("redis: circuit breaker open: {why}");
            }
            // Waiting requests fail at once.
            while self.requests.try_recv().is_ok() {}
            while self.writes.try_recv().is_ok() {
                self.counters.count(Counter::SecondLevelWritesDropped);
            }
            self.count_unwritten();
            sleep(pause.next()).await;
        }
    }

    /// Serves requests until the circuit breaker must open; `None` if all senders are gone.
    async fn serve(&mut self, connection: &RedisConnection) -> Option<RedisError> {
        let places = Arc::new(Semaphore::new(MAX_BATCHES));
        let (end, mut ended) = mpsc::unbounded_channel();
        let (mut requests, mut writes) = (Vec::new(), Vec::new());
        let mut health = RedisHealth::new(self.servers.are_sentinels());
        loop {
            self.count_unwritten();
            tokio::select! {
                Some(outcome) = ended.recv() => {
                    if let Some(why) = health.observe(outcome, &self.counters) {
                        return Some(why);
                    }
                }
                (received, place) = batch(&mut self.requests, &mut requests, &places) => {
                    if received == 0 {
                        return None;
                    }
                    let (connection, end, common) = (connection.clone(), end.clone(), self.common.clone());
                    let (batch, counters) = (std::mem::take(&mut requests), self.counters.clone());
                    tokio::spawn(async move {
                        let _ = end.send(ask(connection, batch, &common, &counters).await);
                        drop(place);
                    });
                }
                (received, place) = batch(&mut self.writes, &mut writes, &places) => {
                    if received == 0 {
                        return None;
                    }
                    let batch = std::mem::take(&mut writes);
                    if health.is_full() {
                        self.counters.add(Counter::SecondLevelWritesDropped, batch.len() as u64);
                        continue;
                    }
                    let (connection, end, counters) = (connection.clone(), end.clone(), self.counters.clone());
                    tokio::spawn(async move {
                        let _ = end.send(store(connection, batch, &counters).await);
                        drop(place);
                    });
                }
            }
        }
    }

    /// Counts the answers that callers had to drop: only this thread writes its counters.
    fn count_unwritten(&self) {
        let unwritten = self.common.unwritten.swap(0, Ordering::Relaxed);
        self.counters.add(Counter::SecondLevelWritesDropped, unwritten);
    }
}

/// Receives the waiting requests once there is room for a batch.
async fn batch<T>(
    from: &mut mpsc::Receiver<T>,
    into: &mut Vec<T>,
    places: &Arc<Semaphore>,
) -> (usize, Option<OwnedSemaphorePermit>) {
    let place = places.clone().acquire_owned().await.ok();
    (from.recv_many(into, MAX_BATCH).await, place)
}

/// Sends the requests of a batch at once, so that they leave in one packet.
async fn ask(
    connection: RedisConnection,
    batch: Vec<StoreRequest>,
    common: &Common,
    counters: &Counters,
) -> BatchOutcome {
    let asked =
        batch.into_iter().map(|request| answer(connection.clone(), request, common, counters));
    outcome(join_all(asked).await)
}

async fn answer(
    mut connection: RedisConnection,
    request: StoreRequest,
    common: &Common,
    counters: &Counters,
) -> Result<(), RedisError> {
    let node = common.node;
    match request {
        StoreRequest::Find { key, flight, reply } => {
            let value = value(&mut connection, &key).await?;
            let found =
                value.as_ref().and_then(|(value, left)| common.side().open(&key, value, *left));
            if value.is_some() && found.is_none() {
                counters.count(Counter::SecondLevelRejected);
            }
            let in_flight = match flight {
                Some(flight) if found.is_none() => {
                    owner(&mut connection, &flight).await?.is_some_and(|owner| owner != node)
                }
                _ => false,
            };
            let _ = reply.send(Find { found, in_flight });
        }
        StoreRequest::Claim { key, reply } => {
            let mut claim = cmd("SET");
            claim.arg(&key).arg(node).arg("NX").arg("PX").arg(MAX_FLIGHT_WAIT.as_millis() as u64);
            let ours = connection.send(&claim).await? != Value::Nil
                || owner(&mut connection, &key).await? == Some(node);
            let _ = reply.send(ours);
        }
        StoreRequest::Forget { pattern, reply } => {
            let removed = forget::forget(&mut connection, &pattern).await;
            let _ = reply.send(removed.map_err(|error| error.to_string()));
        }
    }
    Ok(())
}

/// The value of a key, cut one octet beyond the limit, and its remaining lifetime; `None` if there is
/// no value or the value never expires.
async fn value(
    connection: &mut RedisConnection,
    key: &str,
) -> Result<Option<(Vec<u8>, Duration)>, RedisError> {
    let (mut get, mut left) = (connection.clone(), connection.clone());
    // The lifetime is read first: if the value is replaced in between, the lifetime is too short, never too long.
    let (left, value) = tokio::join!(async { left.send(cmd("PTTL").arg(key)).await }, async {
        get.send(cmd("GETRANGE").arg(key).arg(0).arg(MAX_VALUE_OCTETS)).await
    },);
    let left: i64 = from_redis_value(left?)?;
    let value: Vec<u8> = from_redis_value(value?)?;
    // The value may have expired in between; a value that never expires was not written by a node.
    let is_one = left > 0 && !value.is_empty();
    Ok(is_one.then(|| (value, Duration::from_millis(left as u64))))
}

/// The node that leads a flight.
async fn owner(connection: &mut RedisConnection, key: &str) -> Result<Option<u64>, RedisError> {
    let owner: Option<String> = from_redis_value(connection.send(cmd("GET").arg(key)).await?)?;
    Ok(owner.and_then(|owner| owner.parse().ok()))
}

/// Writes a batch of answers.
async fn store(
    connection: RedisConnection,
    batch: Vec<WriteRequest>,
    counters: &Counters,
) -> BatchOutcome {
    let writes = batch.iter().map(|writes| {
        let mut connection = connection.clone();
        async move {
            let mut set = cmd("SET");
            set.arg(&writes.key).arg(&writes.value).arg("PX").arg(writes.ttl.as_millis() as u64);
            connection.send(&set).await.map(|_| ())
        }
    });
    let writes = join_all(writes).await;
    let kept = writes.iter().filter(|writes| writes.is_ok()).count();
    counters.add(Counter::SecondLevelWrites, kept as u64);
    counters.add(Counter::SecondLevelWritesDropped, (writes.len() - kept) as u64);
    match outcome(writes) {
        BatchOutcome::Well => BatchOutcome::Stored,
        other => other,
    }
}
