//! A recursion: answers a question, of a client or of our own, in one flight with identical
//! questions.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use tokio::time::timeout_at;
use zoners_dns::{Counter, Ede, Network, Question};

use crate::ask::interception::explain_by_obstacle;
use crate::cached::lookup::{Lack, cached_answer, known_failure};
use crate::cached::store::forget_answer;
use crate::env::admission::{RecursionSlot, SlotGrant};
use crate::env::environment::Env;
use crate::env::shared::{QuestionKey, SharedResult};
use crate::model::answer::{Answer, Cause, Unresolved};
use crate::model::shared_work::Leader;
use crate::model::step::Step;
use crate::resolve::alias::answer;
use crate::resolve::detached::DetachedWork;
use crate::resolve::second_level::answer_beside_second_level;

/// The leader of the flight of a question.
type QuestionLeader = Leader<QuestionKey, Arc<Answer>>;

/// Answers a question of our own.
///
/// Boxed, since looking up a nameserver's address leads back here.
pub(crate) fn answer_question<N: Network>(
    env: &Env<N>,
    question: Question,
    step: Step,
) -> std::pin::Pin<Box<dyn Future<Output = SharedResult<Answer>> + Send>> {
    let env = env.arc();
    Box::pin(async move { recurse(&env, question, step, None).await })
}

/// Resolves the question, or waits for the flight under way. `lack` is the part missing in the
/// cache, if the caller has just looked.
pub(crate) async fn recurse<N: Network>(
    env: &Env<N>,
    question: Question,
    step: Step,
    lack: Option<Lack>,
) -> SharedResult<Answer> {
    let lack = match lack {
        Some(lack) => lack,
        None => match remembered(env, &question, &step) {
            Ok(remembered) => return remembered,
            Err(lack) => lack,
        },
    };
    let key = (question, step.validate);
    let (question, questions) = (&key.0, &env.shared().questions);
    let work = |leader: QuestionLeader| lead_recursion(env, leader, question, lack);
    let on_cycle = || async { answer(env, question, &step, lack).await.map(Arc::new) };
    let asked = (&question.name, question);
    env.lead_or_join(questions, &key, asked, &step, work, on_cycle).await.result()
}

async fn lead_recursion<N: Network>(
    env: &Env<N>,
    leader: QuestionLeader,
    question: &Question,
    mut lack: Lack,
) -> SharedResult<Answer> {
    if leader.is_successor() {
        match remembered(env, question, leader.step()) {
            Ok(remembered) => {
                leader.land(&remembered);
                return remembered;
            }
            Err(lacks_now) => lack = lacks_now,
        }
    }
    lead_question(env, leader, question.clone(), lack)?.await.unwrap_or_else(|| {
        env.count(Counter::RecursionPanics);
        Err(Unresolved::new(Cause::Cancelled, "an error inside the resolver"))
    })
}

/// The cached answer or failure of a question; else the missing part.
fn remembered<N: Network>(
    env: &Env<N>,
    question: &Question,
    step: &Step,
) -> Result<SharedResult<Answer>, Lack> {
    let now = env.shared().now();
    let lack = match cached_answer(env, question, step.checking(), now) {
        Ok(answer) => return Ok(Ok(Arc::new(answer))),
        Err(lack) => lack,
    };
    let failure = known_failure(env, question, step.checking(), now).ok_or(lack)?;
    let text = format!("failed before: {}", failure.ede);
    Ok(Err(Unresolved::new(Cause::Remembered, text)))
}

/// Resolves a question and lands its flight, even if the client has gone.
pub(crate) fn lead_question<N: Network>(
    env: &Env<N>,
    leader: QuestionLeader,
    question: Question,
    lack: Lack,
) -> Result<DetachedWork<SharedResult<Answer>>, Unresolved> {
    let mut slot = admit(env, leader.step())?;
    let env = env.arc();
    Ok(DetachedWork::new(Box::pin(async move {
        let step = leader.step();
        let deadline = step.client.budget.deadline;
        let answer = {
            // Pinned where it is made: a future that is moved is stored twice.
            let work = pin!(answer_beside_second_level(&env, &question, step, lack));
            tokio::select! {
                biased;
                () = slot.gives_way() => Err(Unresolved::overloaded("gave way to newer questions")),
                answer = timeout_at(deadline, work) => match answer {
                    Ok(answer) => answer,
                    Err(_) => Err(Unresolved::deadline(&question)),
                },
            }
        };
        let answer = answer.map(Arc::new).map_err(|unresolved| {
            explain_by_obstacle(&env, &question, blame_clock(&env, unresolved))
        });
        // A failed refresh says nothing while the old answer holds.
        if step.ahead.is_zero() && (answer.is_ok() || leader.is_joinable()) {
            remember_failure(&env, &question, answer.as_ref().err(), step);
        }
        leader.land(&answer);
        answer
    })))
}

/// Caches the failure of a question, if it concerns the name.
fn remember_failure<N: Network>(
    env: &Env<N>,
    question: &Question,
    unresolved: Option<&Unresolved>,
    step: &Step,
) {
    let cache = &env.shared().cache;
    match unresolved {
        None => cache.remove_failure(question),
        Some(unresolved) if step.client.blames_the_name(unresolved) => {
            if env.is_bogus(unresolved.ede.code) {
                // The expired answer is removed too.
                forget_answer(env, question);
            }
            let silent =
                unresolved.cause == Cause::Silent || env.shared().interception.obstacle().is_some();
            cache.insert_failure(question, &unresolved.ede, silent, env.shared().now());
        }
        Some(_) => {}
    }
}

/// Adds that the clock of this machine is wrong, if a wrong clock explains signatures out of date.
fn blame_clock<N: Network>(env: &Env<N>, unresolved: Unresolved) -> Unresolved {
    let Unresolved { cause, ede } = unresolved;
    let text = match env.shared().clock_skew.wrong_by() {
        Some(by) if ede.code.is_bogus() => {
            format!("the resolver's clock is wrong by about {by} s; {}", ede.text)
        }
        _ => ede.text,
    };
    Unresolved { cause, ede: Ede::new(ede.code, text) }
}

/// A slot among the recursions under way.
fn admit<N: Network>(env: &Env<N>, step: &Step) -> Result<RecursionSlot, Unresolved> {
    let limit = env.settings().limits.pending;
    match env.admission().admit(step.client.asker, step.client.arrived, limit) {
        SlotGrant::Free(slot) => Ok(slot),
        SlotGrant::InsteadOf(slot) => {
            env.count(Counter::RecursionEvicted);
            Ok(slot)
        }
        SlotGrant::Full => {
            env.count(Counter::RecursionFull);
            Err(Unresolved::overloaded("too many recursions are pending"))
        }
    }
}
