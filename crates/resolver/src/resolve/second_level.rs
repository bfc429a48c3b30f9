//! Second level: the answers of further nodes are looked up beside the servers. The first result wins, so a
//! slow, dead or corrupt second level costs no time.

use std::sync::Arc;
use std::time::Duration;

use zoners_dns::{Counter, Moment, Network, Question, Rtype, SecondLevel, Security};

use crate::cached::lookup::{Lack, cached_answer};
use crate::env::environment::Env;
use crate::model::alias_link::{AliasLink, AliasLinks};
use crate::model::answer::{Answer, Unresolved};
use crate::model::step::Step;
use crate::model::trace::Hop;
use crate::resolve::alias::answer;

/// The winner.
enum FirstAnswer {
    /// The servers, or their failure.
    Own(Result<Answer, Unresolved>),
    /// A different node.
    Found(Answer),
}

/// Answers `question` from its servers or from the second level, whichever is first.
pub(crate) async fn answer_beside_second_level<N: Network>(
    env: &Env<N>,
    question: &Question,
    step: &Step,
    lack: Lack,
) -> Result<Answer, Unresolved> {
    let answer = match second_level_for(env, question, step) {
        Some(second) => match race_second_level(env, second, question, step, lack).await {
            FirstAnswer::Own(answer) => answer,
            FirstAnswer::Found(answer) => return Ok(answer),
        },
        None => answer(env, question, step, lack).await,
    };
    if let Ok(answer) = &answer {
        tell_second_level(env, question, step, answer);
    }
    answer
}

/// The first result: of the servers, or of the second level.
async fn race_second_level<N: Network>(
    env: &Env<N>,
    second: Arc<dyn SecondLevel>,
    question: &Question,
    step: &Step,
    lack: Lack,
) -> FirstAnswer {
    let turn = second.wait_for_other_node(question);
    let (own_env, asked, of_own) = (env.arc(), question.clone(), step.clone());
    let mut own = Box::pin(async move {
        if let Some(turn) = turn {
            turn.await;
        }
        answer(&own_env, &asked, &of_own, lack).await
    });
    let mut others = Box::pin(ask_second_level(env, &*second, question, step));
    // Started first, so that the recursion does not wait for the second level.
    let answer = tokio::select! {
        biased;
        answer = &mut own => {
            env.count(Counter::SecondLevelLate);
            return FirstAnswer::Own(answer);
        }
        answer = &mut others => answer,
    };
    match answer {
        Some(answer) => {
            env.count(Counter::SecondLevelHits);
            // Replies under way are still cached, so that the next question starts further down.
            step.client.budget.stop();
            tokio::spawn(own);
            FirstAnswer::Found(answer)
        }
        None => {
            env.count(Counter::SecondLevelMisses);
            FirstAnswer::Own(own.await)
        }
    }
}

/// The second level, for questions of clients without special conditions.
fn second_level_for<N: Network>(
    env: &Env<N>,
    question: &Question,
    step: &Step,
) -> Option<Arc<dyn SecondLevel>> {
    // Answers fetched with CD are not cached as proven, so they are not shared either.
    let as_proven_as_can_be = step.validate != env.settings().anchors.is_empty();
    let asks = step.depth == 0
        && step.ahead.is_zero()
        && as_proven_as_can_be
        && question.rtype != Rtype::ANY;
    let second = env.shared().second_level.get().filter(|_| asks);
    second.filter(|_| !env.settings().is_of_network(&question.name)).cloned()
}

/// The answer of the second level, if it is proven or can be.
async fn ask_second_level<N: Network>(
    env: &Env<N>,
    second: &dyn SecondLevel,
    question: &Question,
    step: &Step,
) -> Option<Answer> {
    let found = second.look_up(question).await?;
    let (cache, now) = (&env.shared().cache, env.shared().now());
    let taken = cache.import_answer(question, &found.entries, found.shift, found.trusted, now);
    if taken.is_err() {
        env.count(Counter::SecondLevelRejected);
        step.trace(|| Hop::Note("second level: entries of another node are not readable".into()));
        return None;
    }
    step.trace(|| Hop::Note("second level: entries found".into()));
    match cached_answer(env, question, step.checking(), now) {
        Ok(answer) => Some(answer),
        Err(Lack::Everything) => None,
        Err(Lack::Something) => answer(env, question, step, Lack::Something).await.ok(),
    }
}

/// Writes the answer to the second level, if it may be shared.
fn tell_second_level<N: Network>(env: &Env<N>, question: &Question, step: &Step, answer: &Answer) {
    let Some(second) = env.shared().second_level.get() else { return };
    let proven = answer.security > Security::Unchecked || env.settings().anchors.is_empty();
    let now = env.shared().now();
    // A zone under a negative trust anchor of this node may be signed for other nodes.
    let as_others_do = !env.shared().negative_anchors.are_any(now);
    // Answers of a network that has not proven itself are not shared either.
    let doubtful = env.shared().cache.is_quarantining() && answer.security != Security::Secure;
    // What a VPN or a home answers is true here alone.
    let is_local = env.settings().is_of_network(&question.name);
    if question.rtype == Rtype::ANY || !proven || !as_others_do || doubtful || is_local {
        return;
    }
    if let Some((entries, expires)) = entries_of(env, question, answer, now) {
        second.store(question, entries, expires.since(now));
        step.trace(|| Hop::Note("second level: answer stored for other nodes".into()));
    }
}

/// The entries of an answer, and the earliest expiry; `None` if one is not in the cache.
fn entries_of<N: Network>(
    env: &Env<N>,
    question: &Question,
    answer: &Answer,
    now: Moment,
) -> Option<(Vec<u8>, Moment)> {
    let (cache, mut out, mut expires) = (&env.shared().cache, Vec::new(), Moment::NEVER);
    let (mut name, mut answered) = (question.name.clone(), false);
    let mut links = AliasLinks::default();
    for set in &answer.answer {
        // The synthesised CNAME is made again.
        if links.next(set) != AliasLink::Synthesised {
            expires = expires.min(cache.export_rrset(&set.owner, set.rtype, now, &mut out)?);
        }
        answered = set.rtype == question.rtype && set.owner == name;
        if set.rtype == Rtype::CNAME && !answered {
            name = set.target()?;
        }
    }
    if !answered {
        expires = expires.min(cache.export_denial(&name, question.rtype, now, &mut out)?);
    }
    (expires.since(now) >= Duration::from_secs(1)).then_some((out, expires))
}
