//! Events of finished queries, from the pipeline to a reader.

use std::time::Duration;

use crate::lab::{ServiceLab, asked, lab, lab_with, packet, with_options};
use zoners_api::{QueryOutcome, WatchFilter};
use zoners_dns::{Counter, EdeCode, OptRcode, Rtype, Transport};
use zoners_server::events::{EventFilter, EventReader, QueryEvent, outcome_counter};
use zoners_server::{Client, Service};
use zoners_sim::{Link, Manner};

fn read(reader: &mut EventReader) -> Vec<QueryEvent> {
    std::iter::from_fn(|| reader.next_event()).collect()
}

fn outcomes(reader: &mut EventReader) -> Vec<QueryOutcome> {
    read(reader).iter().map(|event| event.outcome).collect()
}

/// Sends queries with several outcomes.
async fn ask_in_all_ways(lab: &ServiceLab) {
    for text in ["www.example.com", "www.example.com", "localhost"] {
        lab.ask(text, Rtype::A, Transport::Udp).await;
    }
    lab.ask("example.com", Rtype::AXFR, Transport::Tcp).await;
    lab.send(&[0; 3], Transport::Udp).await;
    for address in ["203.0.114.1", "203.0.114.2"] {
        lab.net.link(address, Link::of(20).with(Manner::Refuses));
    }
    lab.ask("lost.example.com", Rtype::A, Transport::Udp).await;
}

const ALL_WAYS: [QueryOutcome; 6] = [
    QueryOutcome::Recursed,
    QueryOutcome::Cached,
    QueryOutcome::Local,
    QueryOutcome::Refused,
    QueryOutcome::Dropped,
    QueryOutcome::Failed,
];

#[tokio::test(start_paused = true)]
async fn each_query_has_one_event_in_the_order_of_their_ends() {
    let lab = lab();
    let mut reader = lab.service.events().attach(64, EventFilter::default());
    ask_in_all_ways(&lab).await;
    let events = read(&mut reader);
    let ended: Vec<QueryOutcome> = events.iter().map(|event| event.outcome).collect();
    assert_eq!(ended, ALL_WAYS);
    for outcome in QueryOutcome::ALL {
        let events = ended.iter().filter(|ended| **ended == outcome).count() as u64;
        assert_eq!(events, lab.count(outcome_counter(outcome)), "{outcome:?}");
    }
    let [recursed, cached, _, refused, dropped, failed] = &events[..] else { panic!("six") };
    let question = recursed.question.as_ref().unwrap();
    assert_eq!(question.name.as_slice(), asked("www.example.com", Rtype::A).name.as_slice());
    assert_eq!((question.rtype, recursed.rcode), (Rtype::A, Some(OptRcode::NOERROR)));
    assert!(recursed.took > Duration::ZERO && cached.took == Duration::ZERO);
    assert!(recursed.received.now < cached.received.now);
    assert_eq!(
        (refused.rcode, refused.client.transport),
        (Some(OptRcode::REFUSED), Transport::Tcp)
    );
    assert_eq!(refused.reason, Some(EdeCode::PROHIBITED));
    assert_eq!((&dropped.question, dropped.rcode), (&None, None));
    assert_eq!((failed.rcode, failed.reason.is_some()), (Some(OptRcode::SERVFAIL), true));
    assert!(failed.took > Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn without_a_reader_no_event_is_composed() {
    let lab = lab();
    let plain = lab.service.handler(lab.service.clock()) as usize;
    ask_in_all_ways(&lab).await;
    let mut reader = lab.service.events().attach(64, EventFilter::default());
    assert_ne!(lab.service.handler(lab.service.clock()) as usize, plain, "the observed way");
    assert!(read(&mut reader).is_empty());
    drop(reader);
    assert_eq!(lab.service.handler(lab.service.clock()) as usize, plain);
}

#[tokio::test(start_paused = true)]
async fn a_full_ring_loses_events_and_no_query() {
    let lab = lab();
    let (mut slow, mut quick) = (
        lab.service.events().attach(2, EventFilter::default()),
        lab.service.events().attach(64, EventFilter::default()),
    );
    ask_in_all_ways(&lab).await;
    assert_eq!(lab.count(Counter::ClientQueries), 6);
    assert_eq!((slow.lost(), quick.lost(), lab.count(Counter::EventsLost)), (4, 0, 4));
    assert_eq!(outcomes(&mut slow), ALL_WAYS[..2]);
    assert_eq!(outcomes(&mut quick), ALL_WAYS);
}

#[tokio::test(start_paused = true)]
async fn a_reader_stays_attached_when_the_rules_change() {
    let lab = lab();
    let mut reader = lab.service.events().attach(64, EventFilter::default());
    let service = lab.service.with_rules(lab.service.rules().clone().into());
    let query = packet(&asked("localhost", Rtype::A), false);
    service.answer(&query, Client::local(Transport::Udp)).await;
    assert_eq!(outcomes(&mut reader), [QueryOutcome::Local]);
    let renewed = Service::new(service.worker().clone(), service.rules().clone().into());
    renewed.continuing(&service).answer(&query, Client::local(Transport::Udp)).await;
    assert_eq!(outcomes(&mut reader), [QueryOutcome::Local]);
}

#[tokio::test(start_paused = true)]
async fn an_rcode_beyond_four_bits_is_whole() {
    let lab = lab_with("[server]\nallow = [\"0.0.0.0/0\"]\nqueries-per-second = 1\n");
    let mut reader = lab.service.events().attach(64, EventFilter::default());
    let mut rcodes = || read(&mut reader).iter().map(|event| event.rcode).collect::<Vec<_>>();
    let question = asked("localhost", Rtype::A);
    let mut version = packet(&question, true);
    let at = version.len() - 5;
    version[at] = 1;
    lab.send(&version, Transport::Udp).await;
    assert_eq!(rcodes(), [Some(OptRcode::BADVERS)]);
    let with_cookie = with_options(&question, &[&[0, 10, 0, 8][..], b"12345678"].concat());
    let afar = Client::new([198, 51, 100, 7].into(), Transport::Udp);
    for _ in 0..2 {
        lab.send_from(&with_cookie, afar).await;
    }
    assert_eq!(rcodes(), [Some(OptRcode::NOERROR), Some(OptRcode::BADCOOKIE)]);
}

#[tokio::test(start_paused = true)]
async fn a_ring_has_room_for_wanted_events_alone() {
    let lab = lab();
    let failed = WatchFilter { failed: true, ..WatchFilter::default() };
    let mut reader = lab.service.events().attach(3, EventFilter::of(&failed).unwrap());
    ask_in_all_ways(&lab).await;
    assert_eq!((outcomes(&mut reader), reader.lost()), (ALL_WAYS[3..].to_vec(), 0));
}
