use super::*;
use std::task::{Context, Poll, Waker};
use zoners_dns::{Moment, Rtype};

/// A clock that stands: milliseconds since the start, and the wall clock.
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
        room: Arc::new(Semaphore::new(TOLD_OCTETS)),
    }
}

/// What is handed over to a thread that does not take it.
fn untaken() -> (SharedCache, mpsc::Receiver<Request>, mpsc::Receiver<Told>) {
    let (requests, asked) = mpsc::channel(ASKED);
    let (told, learned) = mpsc::channel(TOLD);
    let common = Arc::new(node(At(1_000, 1_000), None));
    (SharedCache { common, requests, told, counters: Arc::default() }, asked, learned)
}

fn question() -> Question {
    Question::new(name::parse("www.test").unwrap(), Rtype::A)
}

/// What has come of something that was begun just now.
fn at_once<T>(later: &mut BoxedFuture<T>) -> Poll<T> {
    later.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn more_answers_than_may_wait_are_not_told_and_counted() {
    let (shared, _asked, mut learned) = untaken();
    let unwritten = || shared.common.unwritten.load(Ordering::Relaxed);
    let tell = || shared.store(&question(), vec![], Duration::from_secs(60));
    (0..TOLD).for_each(|_| tell());
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
async fn what_waits_to_be_told_has_a_limit_in_octets() {
    let (shared, _asked, mut learned) = untaken();
    let unwritten = || shared.common.unwritten.load(Ordering::Relaxed);
    let tell = || shared.store(&question(), vec![0; LONGEST / 2], Duration::from_secs(60));
    let most = TOLD_OCTETS / (LONGEST / 2) - 1;
    (0..most).for_each(|_| tell());
    assert_eq!(unwritten(), 0);
    tell();
    assert_eq!(unwritten(), 1);
    drop(learned.try_recv().unwrap());
    tell();
    assert_eq!(unwritten(), 1, "one that was told makes room");
}

#[tokio::test]
async fn more_questions_than_may_wait_are_not_asked_and_none_of_one_that_is_broken() {
    let (shared, mut asked, _learned) = untaken();
    let mut waiting: Vec<_> = (0..ASKED).map(|_| shared.look_up(&question())).collect();
    assert!(waiting.iter_mut().all(|later| at_once(later).is_pending()));
    assert_eq!(at_once(&mut shared.look_up(&question())), Poll::Ready(None));
    asked.try_recv().unwrap();
    assert!(at_once(&mut shared.look_up(&question())).is_pending());
    asked.try_recv().unwrap();
    shared.common.breaker.set(true);
    assert_eq!(at_once(&mut shared.look_up(&question())), Poll::Ready(None));
    assert!(at_once(&mut shared.forget(&question().name, false)).is_ready());
}
