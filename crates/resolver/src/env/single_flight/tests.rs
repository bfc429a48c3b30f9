use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{Delegation, Random, Rtype, name, zonefile};
use zoners_sim::{SimClock, SimNetwork, world};

use super::*;
use crate::env::shared::Shared;
use crate::model::flights::Flights;
use crate::model::settings::Settings;

type Number = Result<u32, Unresolved>;

/// The result of work done because a wait would be a deadlock.
const ALONE: u32 = 9;

fn env() -> Arc<Env<SimNetwork>> {
    let hints = Delegation::from_hints(&zonefile::root_hints(world::HINTS).unwrap()).unwrap();
    let cache = Cache::new(1 << 20, TtlLimits::default(), [1, 2]);
    let shared = Shared::new(cache, Arc::new(SimClock::new(None)), Random::seeded(1));
    Env::new(shared, world::small(1), Arc::new(Settings::new(hints)), Arc::default())
}

fn first_step(env: &Env<SimNetwork>) -> Step {
    Step::without_client(env.settings().limits)
}

async fn join<W: Future<Output = Number>>(
    env: &Env<SimNetwork>,
    flights: &SharedWork<u32, u32>,
    key: u32,
    step: &Step,
    work: impl FnOnce(Leader<u32, u32>) -> W,
) -> FlightEnd<Number, u32> {
    let question = Question::new(name::root(), Rtype::NS);
    let asked = (&question.name, &question);
    env.lead_or_join(flights, &key, asked, step, work, || async { Ok(ALONE) }).await
}

/// Takes a second, and lands `result`.
async fn work(leader: Leader<u32, u32>, result: Number) -> Number {
    sleep(Duration::from_secs(1)).await;
    leader.land(&result);
    result
}

#[tokio::test(start_paused = true)]
async fn a_follower_joins_a_result_about_the_question() {
    let (env, flights) = (env(), Flights::new(Arc::default()));
    let (one, two) = (first_step(&env), first_step(&env));
    let (led, joined) = tokio::join!(
        join(&env, &flights, 1, &one, |leader| work(leader, Ok(7))),
        join(&env, &flights, 1, &two, |leader| work(leader, Ok(8))),
    );
    assert!(matches!(led, FlightEnd::Own(Ok(7))));
    assert!(matches!(joined, FlightEnd::Joined(Ok(7))));
    assert_eq!(env.counters().get(Counter::FlightJoined), 1);
}

#[tokio::test(start_paused = true)]
async fn a_follower_succeeds_a_leader_without_budget() {
    let (env, flights) = (env(), Flights::new(Arc::default()));
    let (one, two) = (first_step(&env), first_step(&env));
    let spent = Err(Unresolved::new(Cause::Budget, "the leader's own limit"));
    let (led, joined) = tokio::join!(
        join(&env, &flights, 1, &one, |leader| work(leader, spent)),
        join(&env, &flights, 1, &two, |leader| {
            let result = u32::from(leader.is_successor());
            work(leader, Ok(result))
        }),
    );
    assert!(led.result().is_err());
    assert!(matches!(joined, FlightEnd::Own(Ok(1))));
    assert_eq!(env.counters().get(Counter::FlightTakenOver), 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_depends_on_itself_fails() {
    let (env, flights) = (env(), Flights::new(Arc::default()));
    let step = first_step(&env);
    let inner = |leader: Leader<u32, u32>| work(leader, Ok(2));
    let outer = |leader: Leader<u32, u32>| {
        let (env, flights) = (&env, &flights);
        async move { join(env, flights, 1, leader.step(), inner).await.result() }
    };
    let end = join(&env, &flights, 1, &step, outer).await;
    assert_eq!(end.result().unwrap_err().cause, Cause::Cycle);
}

#[tokio::test(start_paused = true)]
async fn two_leaders_do_not_wait_for_each_other() {
    let (env, flights) = (env(), Flights::new(Arc::default()));
    let (one, two) = (first_step(&env), first_step(&env));
    let asks = |leader: Leader<u32, u32>, other: u32, pause: u64| {
        let (env, flights) = (&env, &flights);
        async move {
            sleep(Duration::from_secs(pause)).await;
            let needed = |leader| work(leader, Ok(0));
            let result = join(env, flights, other, leader.step(), needed).await.result();
            leader.land(&result);
            result
        }
    };
    let (first, second) = tokio::join!(
        join(&env, &flights, 1, &one, |leader| asks(leader, 2, 1)),
        join(&env, &flights, 2, &two, |leader| asks(leader, 1, 2)),
    );
    assert!(matches!(second, FlightEnd::Own(Ok(ALONE))));
    assert!(matches!(first, FlightEnd::Own(Ok(ALONE))));
}
