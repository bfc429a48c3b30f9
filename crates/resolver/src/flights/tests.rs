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

fn follow(flights: &Arc<Flights<u32, u32>>, key: u32, waiter: Option<FlightId>) -> Follow<u32> {
    match flights.board(&key, waiter) {
        Boarding::Follow(follow) => follow,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn followers_get_what_the_leader_lands() {
    let flights = flights();
    let leader = lead(&flights, 1, None);
    let (one, two) = (follow(&flights, 1, None), follow(&flights, 1, None));
    leader.land(42);
    assert_eq!(one.landing().await, Some(42));
    assert_eq!(two.landing().await, Some(42));
    assert!(flights.is_empty());
}

#[tokio::test]
async fn a_leader_that_goes_away_leaves_nobody_waiting() {
    let flights = flights();
    let leader = lead(&flights, 1, None);
    let follower = follow(&flights, 1, None);
    drop(leader);
    assert_eq!(follower.landing().await, None);
    drop(lead(&flights, 1, None));
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
fn a_walk_that_is_too_long_counts_as_a_cycle() {
    let flights = flights();
    let chain: Vec<_> = (0..MAX_WALK as u32 + 2).map(|key| lead(&flights, key, None)).collect();
    let edges: Vec<_> =
        (1..chain.len()).map(|at| follow(&flights, at as u32, Some(chain[at - 1].id()))).collect();
    let outside = lead(&flights, 9999, None);
    assert!(matches!(flights.board(&0, Some(outside.id())), Boarding::Cycle(_)));
    let _near = follow(&flights, 10, Some(outside.id()));
    assert_eq!(edges.len(), chain.len() - 1);
}

/// Real threads with a runtime each: each asks for random keys, leads or follows, half the leaders
/// give up. Nobody may hang, and every follower's answer is its key's.
#[test]
#[expect(clippy::disallowed_methods, reason = "flights are shared by real threads")]
fn threads_with_runtimes_of_their_own_share_flights() {
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
                    lead.land(key * 10);
                }
                Boarding::Follow(follow) => {
                    let landing = runtime.block_on(follow.landing());
                    assert!(landing.is_none_or(|value| value == key * 10));
                    followed += 1;
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
    assert!(flights.is_empty());
    assert!(flights.graph.waits_for.lock().is_empty());
    println!("{followed} followed");
}
