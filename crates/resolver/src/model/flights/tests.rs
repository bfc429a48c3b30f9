use super::wait_graph::MAX_WALK;
use super::*;

fn flights() -> Arc<Flights<u32, u32>> {
    Flights::new(Arc::default())
}

fn lead(flights: &Arc<Flights<u32, u32>>, key: u32, waiter: Option<FlightId>) -> Lead<u32, u32> {
    match flights.board(&key, waiter) {
        Boarding::Lead(lead) => lead,
        other => panic!("{other:?}"),
    }
}

fn follow(
    flights: &Arc<Flights<u32, u32>>,
    key: u32,
    waiter: Option<FlightId>,
) -> Follow<u32, u32> {
    match flights.board(&key, waiter) {
        Boarding::Follow(follow) => follow,
        other => panic!("{other:?}"),
    }
}

async fn landing(mut follow: Follow<u32, u32>) -> Landed<u32, u32> {
    follow.landing().await
}

/// The value of a finished wait.
fn value(landed: Landed<u32, u32>) -> u32 {
    match landed {
        Landed::Value(value) => value,
        other => panic!("{other:?}"),
    }
}

fn elected(landed: Landed<u32, u32>) -> Lead<u32, u32> {
    match landed {
        Landed::Lead(lead) => lead,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn followers_get_what_the_leader_lands() {
    let flights = flights();
    let leader = lead(&flights, 1, None);
    let (one, two) = (follow(&flights, 1, None), follow(&flights, 1, None));
    leader.land(|| 42);
    assert_eq!(value(landing(one).await), 42);
    assert_eq!(value(landing(two).await), 42);
    assert!(flights.len() == 0);
    lead(&flights, 1, None).land(|| panic!("no follower waits for it"));
}

#[tokio::test]
async fn the_longest_waiting_follower_succeeds_a_leader_that_goes_away() {
    let flights = flights();
    let leader = lead(&flights, 1, None);
    let waits = [1, 2, 3].map(|_| tokio::spawn(landing(follow(&flights, 1, None))));
    tokio::task::yield_now().await;
    drop(leader);
    let [first, second, third] = waits;
    let next = elected(first.await.unwrap());
    assert!(!second.is_finished() && !third.is_finished());
    // A later caller follows too, and the next leader may go away itself.
    let late = follow(&flights, 1, None);
    second.abort();
    drop(next);
    let next = elected(third.await.unwrap());
    next.land(|| 7);
    assert_eq!(value(landing(late).await), 7);
    assert!(flights.len() == 0);
}

#[tokio::test]
async fn an_elected_follower_that_goes_away_leaves_the_flight_to_the_next() {
    let flights = flights();
    let leader = lead(&flights, 1, None);
    let (mut first, second) = (follow(&flights, 1, None), follow(&flights, 1, None));
    tokio::select! {
        biased;
        landed = first.landing() => panic!("{landed:?}"),
        () = tokio::task::yield_now() => {}
    }
    let second = tokio::spawn(landing(second));
    tokio::task::yield_now().await;
    drop(leader);
    drop(first);
    drop(elected(second.await.unwrap()));
    assert!(flights.len() == 0, "no follower waits");
    drop(lead(&flights, 1, None));
    assert!(flights.len() == 0);
}

#[tokio::test]
async fn a_caller_that_boards_a_vacant_flight_leads_it() {
    let flights = flights();
    let leader = lead(&flights, 1, None);
    let idle = follow(&flights, 1, None);
    drop(leader);
    let next = elected(landing(follow(&flights, 1, None)).await);
    next.land(|| 3);
    assert_eq!(value(landing(idle).await), 3);
}

#[tokio::test]
async fn a_vacant_flight_ends_with_its_last_follower() {
    let flights = flights();
    let leader = lead(&flights, 1, None);
    let idle = follow(&flights, 1, None);
    drop(leader);
    assert_eq!(flights.len(), 1);
    drop(idle);
    assert!(flights.len() == 0);
}

#[tokio::test]
async fn the_number_of_failed_leaders_is_bounded() {
    for (leaders, lost) in [(MOST_LEADERS - 1, false), (MOST_LEADERS, true)] {
        let flights = flights();
        let mut leader = lead(&flights, 1, None);
        let last = follow(&flights, 1, None);
        for _ in 1..leaders {
            let next = follow(&flights, 1, None);
            drop(leader);
            leader = elected(landing(next).await);
        }
        drop(leader);
        assert_eq!(matches!(landing(last).await, Landed::Lost), lost);
        assert!(flights.len() == 0);
    }
}

#[test]
fn followers_of_a_flight_wait_for_each_flight_that_its_leader_leads() {
    let flights = flights();
    let outer = lead(&flights, 1, None);
    let inner = lead(&flights, 2, Some(outer.id()));
    assert!(matches!(flights.board(&1, Some(inner.id())), Boarding::Cycle(_)));
    drop(inner);
    let inner = lead(&flights, 2, None);
    let _follow = follow(&flights, 1, Some(inner.id()));
}

#[test]
fn no_two_flights_wait_for_each_other() {
    let flights = flights();
    let (one, two, three) =
        (lead(&flights, 1, None), lead(&flights, 2, None), lead(&flights, 3, None));
    let first = follow(&flights, 2, Some(one.id()));
    let _second = follow(&flights, 3, Some(two.id()));
    assert!(matches!(flights.board(&1, Some(three.id())), Boarding::Cycle(id) if id == one.id()));
    assert!(matches!(flights.board(&3, Some(three.id())), Boarding::Cycle(_)), "nor for itself");
    drop(first);
    let _third = follow(&flights, 1, Some(three.id()));
    assert!(matches!(flights.board(&2, Some(one.id())), Boarding::Cycle(_)));
}

#[test]
fn a_wait_graph_too_deep_to_search_counts_as_a_cycle() {
    let flights = flights();
    let chain: Vec<_> = (0..MAX_WALK as u32 + 2).map(|key| lead(&flights, key, None)).collect();
    let edges: Vec<_> =
        (1..chain.len()).map(|at| follow(&flights, at as u32, Some(chain[at - 1].id()))).collect();
    let outside = lead(&flights, 9999, None);
    assert!(matches!(flights.board(&0, Some(outside.id())), Boarding::Cycle(_)));
    let _near = follow(&flights, 10, Some(outside.id()));
    assert_eq!(edges.len(), chain.len() - 1);
}

/// Real threads with a runtime each look up random keys as leaders or followers; half the leaders
/// give up. No thread may hang, and each follower gets the value of its key.
#[test]
#[expect(clippy::disallowed_methods, reason = "flights are shared by real threads")]
fn threads_with_separate_runtimes_share_flights() {
    const THREADS: u64 = 4;
    let flights = flights();
    let work = |seed: u64, flights: Arc<Flights<u32, u32>>| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let random = zoners_dns::Random::seeded(seed);
        let mut followed = 0;
        for _ in 0..20_000 {
            let key = random.below(4) as u32;
            match flights.board(&key, None) {
                Boarding::Lead(lead) if random.chance(0.5) => drop(lead),
                Boarding::Lead(lead) => {
                    std::thread::yield_now();
                    lead.land(|| key * 10);
                }
                Boarding::Follow(follow) => {
                    followed += 1;
                    match runtime.block_on(landing(follow)) {
                        Landed::Value(value) => assert_eq!(value, key * 10),
                        Landed::Lead(lead) => lead.land(|| key * 10),
                        Landed::Lost => {}
                    }
                }
                Boarding::Cycle(id) => panic!("{id:?}: a client has no flight"),
            }
        }
        followed
    };
    let threads: Vec<_> = (0..THREADS)
        .map(|seed| {
            let flights = flights.clone();
            std::thread::spawn(move || work(seed, flights))
        })
        .collect();
    let followed: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert!(flights.len() == 0);
    assert!(flights.graph.waits.lock().is_empty());
    println!("{followed} followed");
}
