//! The way of resolved misses to the history: a bounded ring of each worker, read by a single thread.
//!
//! A worker never waits: where the ring is full, the miss is lost and counted. Of plain hits a sample is recorded; the
//! others pay nothing. The worker moves its values into the ring; the reader makes a record of the values.

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use parking_lot::Mutex;
use rtrb::{Consumer, Producer, RingBuffer};
use zoners_api::QueryOutcome;
use zoners_dns::{ClockReading, EdeCode, OptRcode, Question, Security};
use zoners_resolver::{Cause, LoggedHop};

use crate::client::Client;

/// Misses of a worker that wait for the reader: a tenth of a second of ten thousand misses a second.
const RING_MISSES: usize = 1024;

/// A resolved miss on its way from the worker.
#[derive(Debug)]
pub(crate) struct ResolvedMiss {
    pub(crate) question: Question,
    pub(crate) client: Client,
    pub(crate) received: ClockReading,
    pub(crate) took: Duration,
    pub(crate) outcome: QueryOutcome,
    pub(crate) rcode: Option<OptRcode>,
    pub(crate) reason: Option<EdeCode>,
    /// The DNSSEC status of an answer, or the cause of a failure.
    pub(crate) resolution: Result<Security, Cause>,
    pub(crate) hops: Vec<LoggedHop>,
    pub(crate) more_hops: u16,
}

/// The worker's end of the ring.
pub(crate) struct MissRecorder {
    ring: Mutex<Producer<ResolvedMiss>>,
    lost: Arc<AtomicU64>,
    reader: Arc<ReaderBell>,
}

/// The reader's end of the ring.
pub(crate) struct MissReader {
    ring: Consumer<ResolvedMiss>,
    lost: Arc<AtomicU64>,
}

/// Wakes a sleeping reader.
#[derive(Debug, Default)]
pub(crate) struct ReaderBell {
    sleeps: AtomicBool,
    thread: OnceLock<Thread>,
}

impl ReaderBell {
    /// Sleeps on the present thread until the bell rings.
    pub(crate) fn sleep(&self) {
        self.thread.get_or_init(std::thread::current);
        self.sleeps.store(true, Ordering::Release);
        while self.sleeps.load(Ordering::Acquire) {
            std::thread::park();
        }
    }

    /// Wakes the reader. A miss that arrives while the reader falls asleep is read with the next miss, or with the next
    /// question to the history.
    pub(crate) fn ring(&self) {
        if self.sleeps.load(Ordering::Relaxed) && self.sleeps.swap(false, Ordering::AcqRel) {
            self.thread.get().iter().for_each(|thread| thread.unpark());
        }
    }
}

impl MissRecorder {
    /// A ring, whose reader sleeps at `reader`.
    pub(crate) fn new(reader: Arc<ReaderBell>) -> (Self, MissReader) {
        let (producer, ring) = RingBuffer::new(RING_MISSES);
        let lost = Arc::<AtomicU64>::default();
        let recorder = MissRecorder { ring: Mutex::new(producer), lost: lost.clone(), reader };
        (recorder, MissReader { ring, lost })
    }

    /// Hands a miss to the reader; true if the miss was lost.
    pub(crate) fn put(&self, miss: ResolvedMiss) -> bool {
        let lost = self.ring.lock().push(miss).is_err();
        if lost {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.reader.ring();
        lost
    }
}

impl MissReader {
    /// The next miss, if any.
    pub(crate) fn next(&mut self) -> Option<ResolvedMiss> {
        self.ring.pop().ok()
    }

    /// Misses that found the ring full.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// A number instead of the ring.
impl fmt::Debug for MissRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MissRecorder").field("lost", &self.lost).finish_non_exhaustive()
    }
}

/// See [`MissRecorder`].
impl fmt::Debug for MissReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MissReader").field("lost", &self.lost).finish_non_exhaustive()
    }
}
