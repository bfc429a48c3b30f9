use super::*;
use std::task::{Context, Poll, Waker};
use zoners_dns::{Moment, Rtype};

/// A clock that stands still: milliseconds since boot, and the wall clock in seconds.
#[derive(Debug)]
pub(super) struct At(pub(super) u64, pub(super) u64);

impl Clock for At {
    fn now(&self) -> Moment {
        Moment::from_millis(self.0)
    }

    fn wall_seconds(&self) -> u64 {
        self.1
    }
}

pub(super) fn node(clock: At, secret: Option<&str>) -> Common {
    Common {
        namespace: "zoners".into(),
        seal: secret.map(|secret| Seal::new(secret.as_bytes())),
        proofs: Mutex::new([5; 32]),
        clock: Arc::new(clock),
        breaker: Breaker::default(),
        node: 1,
        single_flight: false,
        unwritten: AtomicU64::new(0),
        room: Arc::new(Semaphore::new(MAX_WRITE_OCTETS)),
    }
}

/// A cache whose thread takes no request.
fn untaken() -> (SharedCache, mpsc::Receiver<StoreRequest>, mpsc::Receiver<WriteRequest>) {
    let (requests, asked) = mpsc::channel(MAX_REQUESTS);
    let (writes, learned) = mpsc::channel(MAX_WRITES);
    let common = Arc::new(node(At(1_000, 1_000), None));
    (SharedCache { common, requests, writes, counters: Arc::default() }, asked, learned)
}

fn question() -> Question {
    Question::new(name::parse("www.test").unwrap(), Rtype::A)
}

/// Polls a future once.
fn at_once<T>(later: &mut BoxedFuture<T>) -> Poll<T> {
    later.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn answers_beyond_the_write_queue_are_dropped_and_counted() {
    let (shared, _asked, mut learned) = untaken();
    let unwritten = || shared.common.unwritten.load(Ordering::Relaxed);
    let tell = || shared.store(&question(), vec![], Duration::from_secs(60));
    (0..MAX_WRITES).for_each(|_| tell());
    assert_eq!(unwritten(), 0);
    tell();
    assert_eq!(unwritten(), 1);
    learned.try_recv().unwrap();
    tell();
    assert_eq!(unwritten(), 1);
    shared.common.breaker.set(true);
    tell();
    assert_eq!(unwritten(), 2);
}

#[tokio::test]
async fn the_write_queue_has_a_limit_in_octets() {
    let (shared, _asked, mut learned) = untaken();
    let unwritten = || shared.common.unwritten.load(Ordering::Relaxed);
    let tell = || shared.store(&question(), vec![0; MAX_VALUE_OCTETS / 2], Duration::from_secs(60));
    let most = MAX_WRITE_OCTETS / (MAX_VALUE_OCTETS / 2) - 1;
    (0..most).for_each(|_| tell());
    assert_eq!(unwritten(), 0);
    tell();
    assert_eq!(unwritten(), 1);
    drop(learned.try_recv().unwrap());
    tell();
    assert_eq!(unwritten(), 1, "a written answer makes room");
}

#[tokio::test]
async fn requests_beyond_the_queue_or_with_an_open_breaker_fail_at_once() {
    let (shared, mut asked, _learned) = untaken();
    let mut waiting: Vec<_> = (0..MAX_REQUESTS).map(|_| shared.look_up(&question())).collect();
    assert!(waiting.iter_mut().all(|later| at_once(later).is_pending()));
    assert_eq!(at_once(&mut shared.look_up(&question())), Poll::Ready(None));
    asked.try_recv().unwrap();
    assert!(at_once(&mut shared.look_up(&question())).is_pending());
    asked.try_recv().unwrap();
    shared.common.breaker.set(true);
    assert_eq!(at_once(&mut shared.look_up(&question())), Poll::Ready(None));
    assert!(at_once(&mut shared.forget(&question().name, false)).is_ready());
}
