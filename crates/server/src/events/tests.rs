use super::*;
use zoners_dns::{Moment, Transport};

fn event(millis: u64) -> QueryEvent {
    QueryEvent {
        question: None,
        client: Client::local(Transport::Udp),
        outcome: QueryOutcome::Dropped,
        rcode: None,
        reason: None,
        received: ClockReading { now: Moment::from_millis(millis), wall_seconds: 0 },
        took: Duration::ZERO,
    }
}

fn times(reader: &mut EventReader) -> Vec<u64> {
    std::iter::from_fn(|| reader.next_event()).map(|event| event.received.now.as_millis()).collect()
}

#[test]
fn a_full_ring_loses_the_newest_events_and_counts_them() {
    let events = Arc::new(QueryEvents::default());
    let all = EventFilter::default;
    let (mut small, mut large) = (events.attach(3, all()), events.attach(8, all()));
    let lost: Vec<u64> = (0..5).map(|millis| events.put(|| event(millis))).collect();
    assert_eq!(lost, [0, 0, 0, 1, 1], "lost by one of two readers");
    assert_eq!((small.lost(), large.lost()), (2, 0));
    assert_eq!((times(&mut small), times(&mut large)), (vec![0, 1, 2], vec![0, 1, 2, 3, 4]));
    assert_eq!(events.put(|| event(5)), 0, "there is room again");
    assert_eq!((times(&mut small), small.lost()), (vec![5], 2));
}

#[test]
fn an_event_that_every_reader_loses_is_not_composed() {
    let events = Arc::new(QueryEvents::default());
    let mut full = events.attach(1, EventFilter::default());
    events.put(|| event(0));
    assert_eq!(events.put(|| unreachable!("no reader takes it")), 1);
    let failed = events.attach(8, EventFilter::default().only_failed());
    assert_eq!(events.put(|| event(2)), 1, "the second reader takes it");
    assert_eq!((full.lost(), failed.lost(), times(&mut full)), (2, 0, vec![0]));
}

#[test]
fn a_reader_that_is_dropped_is_detached() {
    let events = Arc::new(QueryEvents::default());
    assert!(!events.are_read());
    let all = EventFilter::default;
    let (first, second) = (events.attach(1, all()), events.attach(1, all()));
    drop(first);
    assert!(events.are_read());
    drop(second);
    assert!(!events.are_read() && events.rings.lock().is_empty());
    assert_eq!(events.put(|| event(0)), 0);
}

#[test]
fn each_outcome_has_a_counter_of_its_own() {
    for (at, outcome) in QueryOutcome::ALL.iter().enumerate() {
        let others = &QueryOutcome::ALL[at + 1..];
        assert!(others.iter().all(|other| outcome_counter(*other) != outcome_counter(*outcome)));
    }
}
