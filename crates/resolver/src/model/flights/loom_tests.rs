//! Flights under every order of their threads: no follower waits for ever, and no flight is left behind.
//!
//! `tokio::sync::Notify` is not loom's: each call is a single step here, which no thread divides.

use std::sync::Arc;

use loom::future::block_on;
use loom::model::Builder;
use loom::thread;

use super::*;

type SharedFlights = Arc<Flights<u8, u8>>;

const KEY: u8 = 0;

/// Runs a model with a leader that has boarded before all other threads.
fn model(run: impl Fn(SharedFlights, Lead<u8, u8>) + Send + Sync + 'static) {
    let mut builder = Builder::new();
    // Most faults need two preemptions; more take hours.
    builder.preemption_bound = Some(2);
    builder.check(move || {
        let flights = Flights::new(Arc::default());
        let Boarding::Lead(lead) = flights.board(&KEY, None) else { panic!("it leads") };
        run(flights.clone(), lead);
        assert_eq!(flights.len(), 0, "a flight is left behind");
    });
}

/// Asks as a client does: follows, or leads and lands `own`. The result.
fn ask(flights: &SharedFlights, own: u8) -> u8 {
    let lead = match flights.board(&KEY, None) {
        Boarding::Lead(lead) => lead,
        Boarding::Follow(mut follow) => match block_on(follow.landing()) {
            Landed::Value(value) => return value,
            Landed::Lead(lead) => lead,
            Landed::Lost => panic!("few have led"),
        },
        Boarding::Cycle(_) => panic!("a client is no flight"),
    };
    lead.land(|| own);
    own
}

#[test]
fn a_follower_gets_the_result_of_the_leader() {
    model(|flights, lead| {
        let follower = thread::spawn(move || ask(&flights, 2));
        lead.land(|| 1);
        // A client that came after the landing has led itself.
        assert!([1, 2].contains(&follower.join().unwrap()));
    });
}

#[test]
fn a_follower_leads_when_the_leader_goes_away() {
    model(|flights, lead| {
        let follower = thread::spawn(move || ask(&flights, 2));
        drop(lead);
        assert_eq!(follower.join().unwrap(), 2);
    });
}

#[test]
fn a_follower_leads_although_another_gives_up_with_the_leader() {
    model(|flights, lead| {
        let impatient = {
            let flights = flights.clone();
            thread::spawn(move || drop(flights.board(&KEY, None)))
        };
        let follower = thread::spawn(move || ask(&flights, 2));
        drop(lead);
        impatient.join().unwrap();
        assert_eq!(follower.join().unwrap(), 2);
    });
}
