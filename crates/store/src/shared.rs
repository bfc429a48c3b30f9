//! The second level: answers that several nodes share in Redis or Valkey, and the flights under way.
//!
//! | key | value | kept for |
//! |---|---|---|
//! | `NAMESPACE:2:q:NAME:TYPE` | an [`envelope`] with the entries of an answer | its TTL |
//! | `NAMESPACE:2:e:ADDRESS:PORT` | an [`envelope`] with the result of a trial of encryption at a server | while it counts |
//! | `NAMESPACE:1:f:NAME:TYPE` | the node that leads the flight | 300 ms |
//!
//! A thread of its own speaks to the Redis server ([`redis_thread`]); workers hand requests over and go on.
//! After failures, a circuit [`breaker`] stops requests for a while.

mod breaker;
mod connection;
pub mod envelope;
mod forget;
mod health;
mod redis_thread;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use zoners_dns::second_level::{BoxedFuture, SecondLevel, SecondLevelEntries};
use zoners_dns::{Clock, Counters, Name, Question, name};

use crate::Seal;
use breaker::Breaker;
pub use connection::RedisServers;
use envelope::{MAX_VALUE_OCTETS, Side};
pub use redis::RedisError;
use redis_thread::{StoreRequest, WriteRequest};

/// Raised with every change of the stored format.
const VERSION: u8 = 2;
/// Requests that may wait for the thread; further requests fail at once.
const MAX_REQUESTS: usize = 1024;
/// Answers that may wait to be written; further answers are dropped and counted.
const MAX_WRITES: usize = 4096;
/// Octets of waiting answers in all; one answer may have 256 KiB.
const MAX_WRITE_OCTETS: usize = 16 << 20;
/// How long a node waits for the flight of another node …
const MAX_FLIGHT_WAIT: Duration = Duration::from_millis(300);
/// … and how often the node looks for the result meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// The Redis server must say within this time which node leads the flight.
const CLAIM_TIMEOUT: Duration = Duration::from_millis(20);

/// The configuration of the second level.
#[derive(Debug)]
pub struct SharedCacheConfig {
    /// The Redis servers.
    pub servers: RedisServers,
    /// The prefix of every key.
    pub namespace: String,
    /// The secret of the nodes that trust each other's DNSSEC results.
    pub seal: Option<Seal>,
    /// Whether nodes wait for each other's flights.
    pub single_flight: bool,
}

/// The cache that several nodes share.
#[derive(Debug)]
pub struct SharedCache {
    common: Arc<Common>,
    requests: mpsc::Sender<StoreRequest>,
    writes: mpsc::Sender<WriteRequest>,
    counters: Arc<Counters>,
}

/// State that callers and the thread share.
#[derive(Debug)]
struct Common {
    namespace: String,
    seal: Option<Seal>,
    /// Fingerprint of how this node validates: entries of nodes with the same fingerprint count as validated.
    proofs: Mutex<[u8; 32]>,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
    /// A random number that identifies this node.
    node: u64,
    single_flight: bool,
    /// Dropped answers that the thread has yet to count.
    unwritten: AtomicU64,
    /// Free octets of the write queue.
    room: Arc<Semaphore>,
}

impl Common {
    fn key(&self, what: char, question: &Question) -> String {
        let name = name::lowercase(&question.name);
        let (namespace, rtype) = (&self.namespace, question.rtype);
        format!("{namespace}:{VERSION}:{what}:{}:{rtype}", name.fmt_with_dot())
    }

    /// The key of the trials at a server. Without a secret there is none, since nobody would be believed.
    fn trial_key(&self, server: SocketAddr) -> Option<String> {
        self.seal.as_ref().map(|_| format!("{}:{VERSION}:e:{server}", self.namespace))
    }

    fn side(&self) -> Side<'_> {
        Side { seal: self.seal.as_ref(), proofs: *self.proofs.lock(), now: self.clock.read() }
    }
}

impl SharedCache {
    /// Starts the thread. `node` is a random number; `proofs` is the fingerprint of how answers are
    /// validated here.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start(
        config: SharedCacheConfig,
        clock: Arc<dyn Clock>,
        node: u64,
        proofs: [u8; 32],
    ) -> io::Result<Self> {
        let SharedCacheConfig { servers, namespace, seal, single_flight } = config;
        let common = Arc::new(Common {
            namespace,
            seal,
            proofs: Mutex::new(proofs),
            clock,
            breaker: Breaker::default(),
            node,
            single_flight,
            unwritten: AtomicU64::new(0),
            room: Arc::new(Semaphore::new(MAX_WRITE_OCTETS)),
        });
        let (requests, asked) = mpsc::channel(MAX_REQUESTS);
        let (writes, learned) = mpsc::channel(MAX_WRITES);
        let counters = Arc::<Counters>::default();
        redis_thread::start(servers, common.clone(), counters.clone(), asked, learned)?;
        Ok(SharedCache { common, requests, writes, counters })
    }

    /// Replaces the fingerprint of how answers are validated here.
    pub fn prove_by(&self, proofs: [u8; 32]) {
        *self.common.proofs.lock() = proofs;
    }

    /// The counters of the thread.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Whether the circuit breaker is open: the last requests failed, and none is sent until the pause is over.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.common.breaker.is_open()
    }

    /// Hands a request over; the receiver gets the result.
    fn request<T: Send + 'static>(
        &self,
        make: impl FnOnce(oneshot::Sender<T>) -> StoreRequest,
    ) -> Option<oneshot::Receiver<T>> {
        let (reply, replied) = oneshot::channel();
        let sent = !self.common.breaker.is_open() && self.requests.try_send(make(reply)).is_ok();
        sent.then_some(replied)
    }
}

impl SecondLevel for SharedCache {
    fn look_up(&self, question: &Question) -> BoxedFuture<Option<SecondLevelEntries>> {
        let (common, requests) = (&self.common, self.requests.clone());
        let key = common.key('q', question);
        let flight = common.single_flight.then(|| common.key('f', question));
        let first = self.request(|reply| StoreRequest::Find {
            key: key.clone(),
            flight: flight.clone(),
            reply,
        });
        Box::pin(async move {
            let began = Instant::now();
            let mut replied = first?;
            loop {
                let find = replied.await.ok()?;
                if find.found.is_some()
                    || !find.in_flight
                    || began.elapsed() + POLL_INTERVAL > MAX_FLIGHT_WAIT
                {
                    return find.found;
                }
                sleep(POLL_INTERVAL).await;
                let (reply, next) = oneshot::channel();
                let again = StoreRequest::Find { key: key.clone(), flight: flight.clone(), reply };
                requests.try_send(again).ok()?;
                replied = next;
            }
        })
    }

    fn wait_for_other_node(&self, question: &Question) -> Option<BoxedFuture<()>> {
        if !self.common.single_flight {
            return None;
        }
        let key = self.common.key('f', question);
        let claimed = self.request(|reply| StoreRequest::Claim { key, reply })?;
        Some(Box::pin(async move {
            let began = Instant::now();
            // A slow Redis server is not waited for.
            if let Ok(Ok(false)) = timeout(CLAIM_TIMEOUT, claimed).await {
                sleep(MAX_FLIGHT_WAIT.saturating_sub(began.elapsed())).await;
            }
        }))
    }

    fn store(&self, question: &Question, entries: Vec<u8>, ttl: Duration) {
        self.write(self.common.key('q', question), &entries, ttl);
    }

    fn look_up_trial(&self, server: SocketAddr) -> BoxedFuture<Option<SecondLevelEntries>> {
        let key = self.common.trial_key(server);
        let find = |key| self.request(|reply| StoreRequest::Find { key, flight: None, reply });
        let replied = key.and_then(find);
        Box::pin(async move { replied?.await.ok()?.found })
    }

    fn store_trial(&self, server: SocketAddr, trial: Vec<u8>, ttl: Duration) {
        if let Some(key) = self.common.trial_key(server) {
            self.write(key, &trial, ttl);
        }
    }

    fn forget(&self, name: &Name, subtree: bool) -> BoxedFuture<Result<usize, String>> {
        let pattern = forget::pattern(&self.common.namespace, name, subtree);
        let replied = self.request(|reply| StoreRequest::Forget { pattern, reply });
        Box::pin(async move {
            let broken = || "redis: no response".to_owned();
            replied.ok_or_else(broken)?.await.map_err(|_| broken())?
        })
    }
}

impl SharedCache {
    /// Hands a value over to be written.
    fn write(&self, key: String, entries: &[u8], ttl: Duration) {
        let common = &self.common;
        let value = common.side().seal(&key, entries, ttl);
        // Larger values would be refused by the other nodes.
        let fits = value.len() <= MAX_VALUE_OCTETS && !common.breaker.is_open();
        let octets = u32::try_from(value.len()).ok().filter(|_| fits);
        let room = octets.and_then(|o| common.room.clone().try_acquire_many_owned(o).ok());
        let write = room.map(|room| WriteRequest { key, value, ttl, _room: room });
        if write.is_none_or(|write| self.writes.try_send(write).is_err()) {
            common.unwritten.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
