//! Retry: asks server after server until a reply can be proven.

use zoners_dns::{Endpoint, Network, Question};

use crate::ask::interception::observe_bogus;
use crate::cached::lookup::sought;
use crate::cached::store::forget_unproven;
use crate::env::environment::Env;
use crate::iterate::iteration::iterate;
use crate::model::answer::{Cause, Unresolved};
use crate::model::step::Step;
use crate::model::verdict::Reply;
use crate::selection::observation::{Observation, observe};

/// Servers asked before the data count as bogus.
const TRIES: usize = 3;

/// The attempts at one question.
pub(crate) struct Retries {
    left: usize,
    step: Step,
    /// The fault of the last reply.
    bogus: Option<Unresolved>,
}

impl Retries {
    /// None was made yet.
    pub(crate) fn new<N: Network>(env: &Env<N>, step: &Step) -> Self {
        let step = step.proving(&env.settings().limits);
        Retries { left: TRIES, step, bogus: None }
    }

    /// Starts after an attempt that failed elsewhere.
    pub(crate) fn after<N: Network>(
        env: &Env<N>,
        step: &Step,
        question: &Question,
        from: Option<Endpoint>,
        bogus: Unresolved,
    ) -> Result<Self, Unresolved> {
        let mut tries = Retries::new(env, step);
        tries.failed(env, question, from, bogus)?;
        Ok(tries)
    }

    /// The step of the try at hand.
    pub(crate) fn step(&self) -> &Step {
        &self.step
    }

    /// The next reply: from the cache, or from a server that has not failed.
    ///
    /// # Errors
    /// No reply is left; the error is that of the last bogus reply, if any.
    pub(crate) async fn next<N: Network>(
        &mut self,
        env: &Env<N>,
        question: &Question,
    ) -> Result<Reply, Unresolved> {
        match self.bogus.take() {
            None => fetch_unproven(env, question, &self.step).await,
            Some(bogus) if self.left == 0 => Err(bogus),
            // No server is left with a better reply.
            Some(bogus) => fetch_unproven(env, question, &self.step).await.map_err(|_| bogus),
        }
    }

    /// Records that a reply of `from` cannot be proven: it is removed from the cache, and the
    /// server is avoided.
    ///
    /// # Errors
    /// A different server would not help.
    pub(crate) fn failed<N: Network>(
        &mut self,
        env: &Env<N>,
        question: &Question,
        from: Option<Endpoint>,
        unresolved: Unresolved,
    ) -> Result<(), Unresolved> {
        forget_unproven(env, question);
        if unresolved.cause != Cause::Bogus {
            return Err(unresolved);
        }
        // A cached reply has no server.
        if let Some(server) = from {
            observe(env, server, Observation::BogusAnswer);
            observe_bogus(env, server.address.ip());
            self.step = self.step.avoiding(server.address, &env.settings().limits);
        }
        self.left = self.left.saturating_sub(1);
        self.bogus = Some(unresolved);
        Ok(())
    }
}

/// The cached data, or the servers' reply, without validation.
pub(crate) async fn fetch_unproven<N: Network>(
    env: &Env<N>,
    question: &Question,
    step: &Step,
) -> Result<Reply, Unresolved> {
    let (cache, now) = (&env.shared().cache, env.shared().now());
    if step.avoided().is_empty()
        && let Some(reply) = sought(env, &question.name, question.rtype).known(cache, now)
    {
        return Ok(reply);
    }
    Ok(*Box::pin(iterate(env, question, step)).await?)
}
