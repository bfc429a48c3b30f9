//! Answers a question along its alias chain.

use zoners_dns::{Counter, Endpoint, Name, Network, Question, Security};

use crate::ask::interception::observe_proof;
use crate::cached::lookup::{AnswerBuilder, ChainStep, Lack, sought};
use crate::cached::root_key_sentinel::sentinel_fails;
use crate::cached::store::{forget_unproven, keep_reply};
use crate::env::environment::Env;
use crate::env::lookups::Lookups;
use crate::iterate::iteration::iterate;
use crate::model::answer::{Answer, Cause, Unresolved};
use crate::model::step::Step;
use crate::model::verdict::Reply;
use crate::validate::retry::Retries;
use crate::validate::validation::{report_status, validate};

/// Answers `question`, following CNAME and DNAME from zone to zone (RFC 1034 section 3.6.2, RFC
/// 6672). `lack` is the part missing in the cache.
pub(crate) async fn answer<N: Network>(
    env: &Env<N>,
    question: &Question,
    step: &Step,
    lack: Lack,
) -> Result<Answer, Unresolved> {
    let mut answer = AnswerBuilder::default();
    let (mut name, mut unknown) = (question.name.clone(), lack == Lack::Everything);
    loop {
        let reply = find(env, &name, question, step, unknown).await.inspect_err(|failed| {
            let asked = Question { name: name.clone(), ..question.clone() };
            env.report_failure(&asked, failed, step);
        })?;
        match answer.add(*reply) {
            ChainStep::Done(answer) if is_sentinel_against(env, question, &answer) => {
                let text = "a sentinel: the root's key is trusted, or not, as asked";
                return Err(Unresolved::new(Cause::Sentinel, text));
            }
            ChainStep::Done(answer) => return Ok(answer),
            ChainStep::Alias(target) => {
                if answer.aliases() > env.settings().limits.aliases || answer.loops_at(&target) {
                    env.count(Counter::LimitAliasChain);
                    let text = format!("the aliases of {question} loop or are too many");
                    return Err(Unresolved::new(Cause::Aliases, text));
                }
                (name, unknown) = (target, false);
            }
        }
    }
}

/// The data of `name`, from the cache unless `unknown` there, or from the servers.
async fn find<N: Network>(
    env: &Env<N>,
    name: &Name,
    question: &Question,
    step: &Step,
    unknown: bool,
) -> Result<Box<Reply>, Unresolved> {
    let question = Question { name: name.clone(), rtype: question.rtype, class: question.class };
    let (cache, now) = (&env.shared().cache, env.shared().now().after(step.ahead));
    // Boxed, since most often there is nothing and the rest is long.
    if !unknown
        && let Some(reply) = sought(env, name, question.rtype).known(cache, now).map(Box::new)
        && let Some(reply) = Box::pin(find_known(env, &question, reply, step)).await?
    {
        return Ok(reply);
    }
    let mut reply = iterate(env, &question, step).await?;
    if reply.security == Security::Insecure {
        report_status(env, &question, &Ok(reply.security), step);
        return Ok(reply);
    }
    match prove(env, &question, &mut reply, step).await {
        Ok(()) => Ok(reply),
        // Boxed, since it is rare and large.
        Err(bogus) if bogus.cause == Cause::Bogus => {
            Box::pin(find_elsewhere(env, &question, reply.from, bogus, step)).await
        }
        Err(unresolved) => Err(unresolved),
    }
}

/// Whether the question is a root key sentinel that must fail.
fn is_sentinel_against<N: Network>(env: &Env<N>, question: &Question, answer: &Answer) -> bool {
    answer.security == Security::Secure
        && sentinel_fails(env.settings(), &question.name, question.rtype)
}

/// The cached data, if it can be proven.
async fn find_known<N: Network>(
    env: &Env<N>,
    question: &Question,
    mut reply: Box<Reply>,
    step: &Step,
) -> Result<Option<Box<Reply>>, Unresolved> {
    match prove(env, question, &mut reply, step).await {
        Ok(()) => Ok(Some(reply)),
        // Unproven cached data may be forged: the servers are asked again.
        Err(unresolved) if unresolved.cause == Cause::Bogus => {
            forget_unproven(env, question);
            Ok(None)
        }
        Err(unresolved) => Err(unresolved),
    }
}

/// Asks servers without a bogus answer so far, and not `liar`.
async fn find_elsewhere<N: Network>(
    env: &Env<N>,
    question: &Question,
    liar: Option<Endpoint>,
    bogus: Unresolved,
    step: &Step,
) -> Result<Box<Reply>, Unresolved> {
    let mut tries = Retries::after(env, step, question, liar, bogus)?;
    loop {
        let mut reply = Box::new(tries.next(env, question).await?);
        match prove(env, question, &mut reply, tries.step()).await {
            Ok(()) => return Ok(reply),
            Err(unresolved) => tries.failed(env, question, reply.from, unresolved)?,
        }
    }
}

/// Validates a reply if required, and caches the result.
async fn prove<N: Network>(
    env: &Env<N>,
    question: &Question,
    reply: &mut Reply,
    step: &Step,
) -> Result<(), Unresolved> {
    let before = reply.security;
    // Boxed, since the future is large and most often short.
    Box::pin(validate(env, question, reply, step)).await?;
    if reply.security != before {
        keep_reply(env, question, reply);
        if reply.security == Security::Secure && reply.authoritative {
            observe_proof(env, reply.from);
        }
    }
    Ok(())
}
