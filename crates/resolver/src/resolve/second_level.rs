//! What other nodes know, asked for beside the servers: whichever is first wins, so that a memory which
//! is slow, dead or wrong costs nobody anything.

use std::sync::Arc;
use std::time::Duration;

use zoners_dns::{Counter, Moment, Network, Question, Rtype, SecondLevel, Security};

use crate::cached::lookup::{Lack, cached_answer};
use crate::env::environment::Env;
use crate::model::answer::{Answer, Unresolved};
use crate::model::context::Context;
use crate::model::trace::Hop;
use crate::resolve::alias::answer;

/// Who was first.
enum First {
    /// The servers, or the failure to ask them.
    Own(Result<Answer, Unresolved>),
    /// Another node.
    Found(Answer),
}

/// Answers `question` from its servers, or from what others know, whichever is first.
pub(crate) async fn answer_beside_second_level<N: Network>(
    env: &Env<N>,
    question: &Question,
    context: &Context,
    lack: Lack,
) -> Result<Answer, Unresolved> {
    let answer = match second_level_for(env, question, context) {
        Some(second) => match race_second_level(env, second, question, context, lack).await {
            First::Own(answer) => answer,
            First::Found(answer) => return Ok(answer),
        },
        None => answer(env, question, context, lack).await,
    };
    if let Ok(answer) = &answer {
        tell_second_level(env, question, context, answer);
    }
    answer
}

/// What comes first: an answer of the servers, or one that others know.
async fn race_second_level<N: Network>(
    env: &Env<N>,
    second: Arc<dyn SecondLevel>,
    question: &Question,
    context: &Context,
    lack: Lack,
) -> First {
    let turn = second.wait_for_other_node(question);
    let (held, asked, of_own) = (env.arc(), question.clone(), context.clone());
    let mut own = Box::pin(async move {
        if let Some(turn) = turn {
            turn.await;
        }
        answer(&held, &asked, &of_own, lack).await
    });
    let mut others = Box::pin(ask_second_level(env, &*second, question, context));
    // Begun before others are asked: it shall not wait for them in any way.
    let answer = tokio::select! {
        biased;
        answer = &mut own => {
            env.count(Counter::SecondLevelLate);
            return First::Own(answer);
        }
        answer = &mut others => answer,
    };
    match answer {
        Some(answer) => {
            env.count(Counter::SecondLevelHits);
            // What it has asked for it still learns, so that the next question begins further down.
            context.budget.stop();
            tokio::spawn(own);
            First::Found(answer)
        }
        None => {
            env.count(Counter::SecondLevelMisses);
            First::Own(own.await)
        }
    }
}

/// The second level, where the question is one that others are asked: a client's, as it comes.
fn second_level_for<N: Network>(
    env: &Env<N>,
    question: &Question,
    context: &Context,
) -> Option<Arc<dyn SecondLevel>> {
    // What is asked for with CD is not kept as proven, so others are not told either.
    let as_proven_as_can_be = context.validate != env.settings().anchors.is_empty();
    let asks = context.depth == 0
        && context.ahead.is_zero()
        && as_proven_as_can_be
        && question.rtype != Rtype::ANY;
    env.shared().second_level.get().filter(|_| asks).cloned()
}

/// The answer, if others have one that is proven or can be.
async fn ask_second_level<N: Network>(
    env: &Env<N>,
    second: &dyn SecondLevel,
    question: &Question,
    context: &Context,
) -> Option<Answer> {
    let found = second.look_up(question).await?;
    let (cache, now) = (&env.shared().cache, env.shared().now());
    let taken = cache.import_answer(question, &found.entries, found.shift, found.trusted, now);
    if taken.is_err() {
        env.count(Counter::SecondLevelRejected);
        context.trace(|| Hop::Note("what others said of it is not to be read".into()));
        return None;
    }
    context.trace(|| Hop::Note("another node knew it".into()));
    match cached_answer(env, question, !context.validate, now) {
        Ok(answer) => Some(answer),
        Err(Lack::Everything) => None,
        Err(Lack::Something) => answer(env, question, context, Lack::Something).await.ok(),
    }
}

/// Tells others what was learned, if it is what they may be told.
fn tell_second_level<N: Network>(
    env: &Env<N>,
    question: &Question,
    context: &Context,
    answer: &Answer,
) {
    let Some(second) = env.shared().second_level.get() else { return };
    let proven = answer.security > Security::Unchecked || env.settings().anchors.is_empty();
    let now = env.shared().now();
    // What is taken as it comes for a while is not what others would call unsigned.
    let as_others_do = !env.shared().negative_anchors.are_any(now);
    // Nor is what a network says that has yet to prove that servers themselves answer.
    let doubtful = env.shared().cache.is_quarantining() && answer.security != Security::Secure;
    if question.rtype == Rtype::ANY || !proven || !as_others_do || doubtful {
        return;
    }
    if let Some((entries, expires)) = entries_of(env, question, answer, now) {
        second.store(question, entries, expires.since(now));
        context.trace(|| Hop::Note("told to other nodes".into()));
    }
}

/// The entries that make the answer up, and when the first of them expires; nothing if the cache
/// does not have them all.
fn entries_of<N: Network>(
    env: &Env<N>,
    question: &Question,
    answer: &Answer,
    now: Moment,
) -> Option<(Vec<u8>, Moment)> {
    let (cache, mut out, mut expires) = (&env.shared().cache, Vec::new(), Moment::NEVER);
    let (mut name, mut answered, mut made) = (question.name.clone(), false, false);
    for set in &answer.answer {
        // The CNAME that a DNAME makes is made again.
        if !made {
            expires = expires.min(cache.export_rrset(&set.owner, set.rtype, now, &mut out)?);
        }
        made = set.rtype == Rtype::DNAME && question.rtype != Rtype::DNAME;
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
