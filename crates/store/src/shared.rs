//! What several nodes share, in Redis or Valkey: what any of them learned, and who is working on what.
//!
//! | key | value | kept for |
//! |---|---|---|
//! | `NAMESPACE:2:q:NAME:TYPE` | an [`envelope`] with the entries of an answer | its TTL |
//! | `NAMESPACE:1:f:NAME:TYPE` | which node works on the question | 300 ms |
//!
//! A thread of its own speaks to the server ([`talk`]); whoever asks or tells hands over and goes on.
//! Where it fails, a [`breaker`] keeps everybody from asking for a while.

mod breaker;
pub mod envelope;
mod forget;
mod health;
mod link;
mod talk;

use std::io;
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
use envelope::{LONGEST, Side};
pub use link::{Servers, Unusable};
use talk::{Request, Told};

/// Raised with every change of what is stored.
const VERSION: u8 = 2;
/// Questions that wait for the thread; more are not asked.
const ASKED: usize = 1024;
/// Answers that wait to be told; more are not.
const TOLD: usize = 4096;
/// Octets that these may have; one answer may have 256 KiB.
const TOLD_OCTETS: usize = 16 << 20;
/// A question that another node works on is waited for so long …
const FLIGHT: Duration = Duration::from_millis(300);
/// … and looked for so often.
const AGAIN: Duration = Duration::from_millis(10);
/// Whose turn it is must be told within this.
const CLAIM: Duration = Duration::from_millis(20);

/// What is shared, and with whom.
#[derive(Debug)]
pub struct Terms {
    /// Where it lies.
    pub servers: Servers,
    /// What all keys begin with.
    pub namespace: String,
    /// The secret of all who believe each other's proofs.
    pub seal: Option<Seal>,
    /// Whether a question that one node works on is waited for by others.
    pub single_flight: bool,
}

/// The memory that several nodes share.
#[derive(Debug)]
pub struct SharedCache {
    common: Arc<Common>,
    requests: mpsc::Sender<Request>,
    told: mpsc::Sender<Told>,
    counters: Arc<Counters>,
}

/// What callers and the thread both need.
#[derive(Debug)]
struct Common {
    namespace: String,
    seal: Option<Seal>,
    /// How this node proves: others' proofs count if it is how they do too.
    proofs: Mutex<[u8; 32]>,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
    /// Tells this node from others.
    node: u64,
    single_flight: bool,
    /// Answers that found no room, yet to be counted.
    unwritten: AtomicU64,
    /// Room for the octets of answers that wait to be told.
    room: Arc<Semaphore>,
}

impl Common {
    fn key(&self, what: char, question: &Question) -> String {
        let name = name::lowercase(&question.name);
        let (namespace, rtype) = (&self.namespace, question.rtype);
        format!("{namespace}:{VERSION}:{what}:{}:{rtype}", name.fmt_with_dot())
    }

    fn side(&self) -> Side<'_> {
        Side { seal: self.seal.as_ref(), proofs: *self.proofs.lock(), now: self.clock.read() }
    }
}

impl SharedCache {
    /// Shares on `terms`; `node` is a random number and `proofs` tells how answers are proven here.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn start(
        terms: Terms,
        clock: Arc<dyn Clock>,
        node: u64,
        proofs: [u8; 32],
    ) -> io::Result<Self> {
        let Terms { servers, namespace, seal, single_flight } = terms;
        let common = Arc::new(Common {
            namespace,
            seal,
            proofs: Mutex::new(proofs),
            clock,
            breaker: Breaker::default(),
            node,
            single_flight,
            unwritten: AtomicU64::new(0),
            room: Arc::new(Semaphore::new(TOLD_OCTETS)),
        });
        let (requests, asked) = mpsc::channel(ASKED);
        let (told, learned) = mpsc::channel(TOLD);
        let counters = Arc::<Counters>::default();
        talk::begin(servers, common.clone(), counters.clone(), asked, learned)?;
        Ok(SharedCache { common, requests, told, counters })
    }

    /// From now on answers are proven here in another way.
    pub fn prove_by(&self, proofs: [u8; 32]) {
        *self.common.proofs.lock() = proofs;
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Whether the breaker is open: the last attempts failed, and nobody asks until its pause is over.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.common.breaker.is_open()
    }

    /// Hands a request over and waits for what comes of it.
    fn request<T: Send + 'static>(
        &self,
        make: impl FnOnce(oneshot::Sender<T>) -> Request,
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
        let first =
            self.request(|reply| Request::Find { key: key.clone(), flight: flight.clone(), reply });
        Box::pin(async move {
            let began = Instant::now();
            let mut replied = first?;
            loop {
                let find = replied.await.ok()?;
                if find.found.is_some() || !find.in_flight || began.elapsed() + AGAIN > FLIGHT {
                    return find.found;
                }
                sleep(AGAIN).await;
                let (reply, next) = oneshot::channel();
                let again = Request::Find { key: key.clone(), flight: flight.clone(), reply };
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
        let claimed = self.request(|reply| Request::Claim { key, reply })?;
        Some(Box::pin(async move {
            let began = Instant::now();
            // Who cannot be asked in good time is not waited for.
            if let Ok(Ok(false)) = timeout(CLAIM, claimed).await {
                sleep(FLIGHT.saturating_sub(began.elapsed())).await;
            }
        }))
    }

    fn store(&self, question: &Question, entries: Vec<u8>, ttl: Duration) {
        let common = &self.common;
        let key = common.key('q', question);
        let value = common.side().seal(&key, &entries, ttl);
        // What others would not take is not told.
        let fits = value.len() <= LONGEST && !common.breaker.is_open();
        let octets = u32::try_from(value.len()).ok().filter(|_| fits);
        let room = octets.and_then(|o| common.room.clone().try_acquire_many_owned(o).ok());
        let told = room.map(|room| Told { key, value, ttl, _room: room });
        if told.is_none_or(|told| self.told.try_send(told).is_err()) {
            common.unwritten.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn forget(&self, name: &Name, subtree: bool) -> BoxedFuture<Result<usize, String>> {
        let pattern = forget::pattern(&self.common.namespace, name, subtree);
        let replied = self.request(|reply| Request::Forget { pattern, reply });
        Box::pin(async move {
            let broken = || "it does not answer".to_owned();
            replied.ok_or_else(broken)?.await.map_err(|_| broken())?
        })
    }
}

#[cfg(test)]
mod tests;
