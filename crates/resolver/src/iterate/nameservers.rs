//! Look-ups of nameserver addresses without glue.
//!
//! A nameserver's zone is often known, or is met on the way down, with glue for that very name.
//! Such glue is as credible as the delegation itself, and saves a query. Only if servers found so
//! fail is their zone asked for its own records.

use std::net::SocketAddr;
use std::sync::Arc;

use zoners_dns::{Checking, Counter, Name, Network, Question};

use crate::cached::lookup::{AnswerBuilder, ChainStep, cached_answer};
use crate::env::environment::Env;
use crate::env::lookups::{AddressLookup, AddressSource, FoundAddresses, Lookups};
use crate::iterate::iteration::{AddressWalk, iterate_to_glue};
use crate::model::answer::{Answer, Unresolved};
use crate::model::step::Step;
use crate::selection::addresses::{address_types, usable_addresses};

/// Looks up the addresses of the nameserver `name`: IPv4 first and IPv6 if there are none, or the
/// reverse if IPv4 does not work.
///
/// # Errors
/// The client query has no look-ups left, or is nested too deep.
pub(crate) fn look_up_addresses<N: Network>(
    env: &Env<N>,
    server: usize,
    name: &Name,
    trust: AddressSource,
    step: &Step,
) -> Result<AddressLookup, Unresolved> {
    let limits = &env.settings().limits;
    let step =
        step.for_addresses(limits).inspect_err(|_| env.count(Counter::LimitNestedLookups))?;
    step.client.budget.charge_lookup().map_err(|exhausted| {
        env.count(exhausted.0);
        exhausted.unresolved()
    })?;
    let (env, name) = (env.arc(), name.clone());
    Ok(Box::pin(async move {
        let (mut addresses, mut by_glue) = (Vec::new(), false);
        for rtype in address_types(&env) {
            if addresses.is_empty() {
                let question = Question::new(name.clone(), rtype);
                let told = match trust {
                    AddressSource::Glue => nearest_addresses(&env, question, &step).await,
                    AddressSource::OwnZone => zone_addresses(&env, question, &step).await,
                };
                // Servers silent for the first family will be silent for the second.
                let Ok(told) = told else { break };
                (addresses, by_glue) = told;
            }
        }
        addresses.truncate(env.settings().limits.addresses_per_server);
        FoundAddresses { server, addresses, by_glue }
    }))
}

/// The first addresses on the way down; true if they are glue.
async fn nearest_addresses<N: Network>(
    env: &Env<N>,
    question: Question,
    step: &Step,
) -> Result<(Vec<SocketAddr>, bool), Unresolved> {
    if let Ok(answer) = cached_answer(env, &question, Checking::Disabled, env.shared().now()) {
        return Ok((usable_addresses(env, &question.name, answer.answer.iter()), false));
    }
    match iterate_to_glue(env, &question, step).await? {
        AddressWalk::Glue(addresses) => Ok((addresses, true)),
        AddressWalk::Reply(reply) => match AnswerBuilder::default().add(*reply) {
            ChainStep::Done(answer) => Ok((addresses_in(env, &question.name, &answer), false)),
            // A nameserver's name should be no alias (RFC 2181 section 10.3), but some are.
            ChainStep::Alias(_) => zone_addresses(env, question, step).await,
        },
    }
}

/// The addresses in the zone of the name, which are not glue.
async fn zone_addresses<N: Network>(
    env: &Env<N>,
    question: Question,
    step: &Step,
) -> Result<(Vec<SocketAddr>, bool), Unresolved> {
    let name = question.name.clone();
    let answer: Result<Arc<Answer>, _> = env.answer_question(question, step.clone()).await;
    Ok((addresses_in(env, &name, &*answer?), false))
}

/// The addresses of `name` in an answer; hearsay tells none.
fn addresses_in<N: Network>(env: &Env<N>, name: &Name, answer: &Answer) -> Vec<SocketAddr> {
    if answer.hearsay {
        env.count(Counter::UpstreamAddressesUnauthoritative);
        return Vec::new();
    }
    usable_addresses(env, name, answer.answer.iter())
}
