//! Addresses of nameservers that came without glue.
//!
//! A nameserver's own zone has often been met, or is met on the way down to it, with glue for that
//! very name: that is as good a word as the delegation itself, and saves asking the zone. Only
//! when servers found so fail is their zone asked for what it says of them.

use std::net::SocketAddr;
use std::sync::Arc;

use zoners_dns::{Counter, Name, Network, Question};

use crate::cached::lookup::{AnswerBuilder, Next, cached_answer};
use crate::env::environment::Env;
use crate::env::lookups::{AddressSource, Found, Lookup, Lookups};
use crate::iterate::iteration::{Walk, walk};
use crate::model::answer::{Answer, Unresolved};
use crate::model::context::Context;
use crate::selection::addresses::{families, glue, usable_addresses};

/// Looks up the addresses of the nameserver `name`: IPv4 first, IPv6 if there are none, or the
/// other way round where IPv4 does not work.
///
/// # Errors
/// The client query has no look-ups left, or is nested too deep.
pub(crate) fn look_up_addresses<N: Network>(
    env: &Env<N>,
    server: usize,
    name: &Name,
    trust: AddressSource,
    context: &Context,
) -> Result<Lookup, Unresolved> {
    let limits = &env.settings().limits;
    let context = context.nested(limits).inspect_err(|_| env.count(Counter::LimitNestedLookups))?;
    context.budget.charge_lookup().map_err(|exhausted| {
        env.count(exhausted.0);
        exhausted.unresolved()
    })?;
    let (env, name) = (env.arc(), name.clone());
    Ok(Box::pin(async move {
        let (mut addresses, mut by_glue) = (Vec::new(), false);
        for (rtype, wanted) in families(&env) {
            if wanted && addresses.is_empty() {
                let question = Question::new(name.clone(), rtype);
                let told = match trust {
                    AddressSource::Glue => nearest_addresses(&env, question, &context).await,
                    AddressSource::OwnZone => zone_addresses(&env, question, &context).await,
                };
                // Those who say nothing of one family say nothing of the other.
                let Ok(told) = told else { break };
                (addresses, by_glue) = told;
            }
        }
        addresses.truncate(env.settings().limits.addresses_per_server);
        Found { server, addresses, by_glue }
    }))
}

/// Addresses from whoever on the way down knows them first; true if that was a parent.
async fn nearest_addresses<N: Network>(
    env: &Env<N>,
    question: Question,
    context: &Context,
) -> Result<(Vec<SocketAddr>, bool), Unresolved> {
    if let Ok(answer) = cached_answer(env, &question, true, env.shared().now()) {
        return Ok((usable_addresses(env, answer.answer.iter()), false));
    }
    match walk(env, &question, Some(&question.name), context).await? {
        Walk::Glue(cut) => Ok((glue(&cut, &question.name), true)),
        Walk::Reply(reply) => match AnswerBuilder::default().add(*reply) {
            Next::Done(answer) => Ok((addresses_in(env, &answer), false)),
            // A nameserver's name should be no alias (RFC 2181 section 10.3), but some are.
            Next::Alias(_) => zone_addresses(env, question, context).await,
        },
    }
}

/// Addresses as the zone of the name has them, which is no parent's word.
async fn zone_addresses<N: Network>(
    env: &Env<N>,
    question: Question,
    context: &Context,
) -> Result<(Vec<SocketAddr>, bool), Unresolved> {
    let answer: Result<Arc<Answer>, _> = env.answer_question(question, context.clone()).await;
    Ok((addresses_in(env, &*answer?), false))
}

/// The addresses in an answer; hearsay tells none.
fn addresses_in<N: Network>(env: &Env<N>, answer: &Answer) -> Vec<SocketAddr> {
    if answer.hearsay {
        env.count(Counter::UpstreamAddressesUnauthoritative);
        return Vec::new();
    }
    usable_addresses(env, answer.answer.iter())
}
