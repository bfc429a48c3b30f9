//! DNS64: answers for clients without IPv4, made of IPv4 addresses (RFC 6147).
//!
//! A client that disables checking gets what the zone has: such a client validates by itself, and would find
//! a made address bogus (RFC 6147 section 5.5).

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use zoners_dns::{Checking, Moment, Network, Question, Rtype};

use crate::cached::lookup::{Lack, cached_answer};
use crate::env::environment::Env;
use crate::env::shared::SharedResult;
use crate::model::answer::{Answer, Resolution};
use crate::model::settings::{Dns64, Settings};
use crate::model::step::Step;
use crate::resolve::recursion::recurse;

/// The wait for AAAA before A is asked beside it: some servers are silent on AAAA (RFC 4074).
const PATIENCE: Duration = Duration::from_millis(250);

/// DNS64, if it concerns a question.
pub(crate) fn dns64_for<'a>(
    settings: &'a Settings,
    question: &Question,
    checking: Checking,
) -> Option<&'a Dns64> {
    let dns64 = settings.dns64.as_ref().filter(|_| !checking.is_disabled())?;
    let concerned = question.rtype == Rtype::AAAA || dns64.reverse_question(question).is_some();
    concerned.then_some(dns64)
}

/// The made answer from the cache alone, or the answer of the zone where that has addresses.
///
/// # Errors
/// Part of the answer is not cached.
pub(crate) fn cached_translation<N: Network>(
    env: &Env<N>,
    dns64: &Dns64,
    question: &Question,
    now: Moment,
) -> Result<Answer, Lack> {
    translation_of(dns64, question, |asked| cached_answer(env, asked, Checking::Enabled, now))
}

/// The made answer, put together of the answers that `find` has.
///
/// # Errors
/// Those of `find`; if the zone has no address of the type and the answer for A fails, [`Lack::Something`].
pub(crate) fn translation_of(
    dns64: &Dns64,
    question: &Question,
    find: impl Fn(&Question) -> Result<Answer, Lack>,
) -> Result<Answer, Lack> {
    if let Some(asked) = dns64.reverse_question(question) {
        return find(&asked).map(|found| dns64.reversed(question, &asked, &found));
    }
    let answer = find(question)?;
    if !dns64.lacks_addresses(&answer) {
        return Ok(answer);
    }
    let ipv4 = find(&ipv4_question(question)).map_err(|_| Lack::Something)?;
    Ok(dns64.translated(Some(&answer), &ipv4).unwrap_or(answer))
}

/// Resolves a question that DNS64 concerns. `lack` is the part missing in the cache. Boxed, since few networks need
/// DNS64, and the way of all other questions stays small.
pub(crate) fn resolve_translated<N: Network>(
    env: &Env<N>,
    question: Question,
    step: Step,
    lack: Option<Lack>,
) -> Pin<Box<dyn Future<Output = Resolution> + Send>> {
    let env = env.arc();
    Box::pin(async move {
        match &env.settings().dns64 {
            Some(dns64) => translate(&env, dns64, &question, step, lack).await,
            None => recurse(&env, question, step, lack).await,
        }
    })
}

async fn translate<N: Network>(
    env: &Env<N>,
    dns64: &Dns64,
    question: &Question,
    step: Step,
    lack: Option<Lack>,
) -> Resolution {
    if let Some(asked) = dns64.reverse_question(question) {
        let found = recurse(env, asked.clone(), step, None).await?;
        return Ok(Arc::new(dns64.reversed(question, &asked, &found)));
    }
    let mut ipv6 = pin!(recurse(env, question.clone(), step.clone(), lack));
    let ipv4 = || recurse(env, ipv4_question(question), step.clone(), None);
    let (ipv6, ipv4) = match timeout(PATIENCE, ipv6.as_mut()).await {
        Ok(ipv6) if needs_translation(dns64, &ipv6) => (ipv6, ipv4().await),
        Ok(ipv6) => return ipv6,
        Err(_) => tokio::join!(ipv6, ipv4()),
    };
    if !needs_translation(dns64, &ipv6) {
        return ipv6;
    }
    let answer = ipv6.as_deref().ok();
    let made = ipv4.ok().and_then(|ipv4| dns64.translated(answer, &ipv4));
    made.map_or(ipv6, |made| Ok(Arc::new(made)))
}

/// Whether an address must be made: the zone has none, or the question for AAAA failed, which counts as none
/// (RFC 6147 section 5.1.2). Bogus data stays a failure.
fn needs_translation(dns64: &Dns64, ipv6: &SharedResult<Answer>) -> bool {
    match ipv6 {
        Ok(answer) => dns64.lacks_addresses(answer),
        Err(unresolved) => !unresolved.ede.code.is_bogus(),
    }
}

fn ipv4_question(question: &Question) -> Question {
    Question { rtype: Rtype::A, ..question.clone() }
}
