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
    let lost: Vec<u64> = (0..5).map(|millis| events.put(&event(millis))).collect();
    assert_eq!(lost, [0, 0, 0, 1, 1], "lost by one of two readers");
    assert_eq!((small.lost(), large.lost()), (2, 0));
    assert_eq!((times(&mut small), times(&mut large)), (vec![0, 1, 2], vec![0, 1, 2, 3, 4]));
    assert_eq!(events.put(&event(5)), 0, "there is room again");
    assert_eq!((times(&mut small), small.lost()), (vec![5], 2));
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
    assert!(!events.are_read() && events.rings.lock().rings.is_empty());
    assert_eq!(events.put(&event(0)), 0);
}

#[test]
fn each_outcome_has_a_counter_of_its_own() {
    for (at, outcome) in QueryOutcome::ALL.iter().enumerate() {
        let others = &QueryOutcome::ALL[at + 1..];
        assert!(others.iter().all(|other| outcome_counter(*other) != outcome_counter(*outcome)));
    }
}

/// The end of a query for a name, in a packet with more behind the question.
fn noted(millis: u64, text: &str) -> (QueryEnd, Vec<u8>) {
    let QueryEvent { client, outcome, rcode, reason, received, took, .. } = event(millis);
    let name = zoners_dns::name::parse(text).unwrap();
    let header = [7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let packet = [&header[..], name.as_slice(), &[0, 28, 0, 1], &[9; 300]].concat();
    (QueryEnd { client, outcome, rcode, reason, received, took }, packet)
}

fn names(reader: &mut EventReader) -> Vec<String> {
    let texts = std::iter::from_fn(|| reader.next_event()).map(|event| {
        let asked = event.question.unwrap();
        assert_eq!(asked.rtype, Rtype::AAAA);
        zoners_dns::NameSlice::from_slice(&asked.name).unwrap().to_string()
    });
    texts.collect()
}

#[test]
fn noted_events_come_with_their_questions_as_far_as_there_is_room() {
    let events = Arc::new(QueryEvents::default());
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    let (mut small, mut large) =
        (events.attach(2, EventFilter::default()), events.attach(8, EventFilter::default()));
    for (millis, text) in ["Www.test", &longest, "."].into_iter().enumerate() {
        let (end, packet) = noted(millis as u64, text);
        assert_eq!(events.note(end, &packet), 0);
    }
    assert_eq!(large.next_event(), None, "the batch goes on");
    assert_eq!(events.flush(), 1);
    assert_eq!(names(&mut small), ["Www.test", longest.as_str()]);
    assert_eq!(names(&mut large), ["Www.test", longest.as_str(), "."]);
    assert_eq!((small.lost(), large.lost(), events.flush()), (1, 0, 0));
}

#[test]
fn noted_events_do_not_pile_up() {
    let events = Arc::new(QueryEvents::default());
    let mut reader = events.attach(2 * MAX_NOTED, EventFilter::default());
    for millis in 0..MAX_NOTED as u64 {
        assert_eq!(reader.next_event(), None);
        let (end, packet) = noted(millis, "www.test");
        events.note(end, &packet);
    }
    assert_eq!(names(&mut reader).len(), MAX_NOTED);
}

#[test]
fn an_event_that_no_reader_has_room_for_is_counted_for_each() {
    let events = Arc::new(QueryEvents::default());
    let mut full = events.attach(1, EventFilter::default());
    events.put(&event(0));
    assert_eq!(events.put(&event(1)), 1);
    let failed = events.attach(8, EventFilter::default().only_failed());
    assert_eq!(events.put(&event(2)), 1, "the second reader takes it");
    assert_eq!((full.lost(), failed.lost(), times(&mut full)), (2, 0, vec![0]));
}
