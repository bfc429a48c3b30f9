//! Asking one server after the other until one says what can be proven.

use std::net::SocketAddr;

use zoners_cache::ServerFault;
use zoners_dns::{Endpoint, Network, Question, Transport};

use crate::ask::interception::observe_bogus;
use crate::cached::lookup::sought;
use crate::cached::store::forget_unproven;
use crate::env::environment::Env;
use crate::iterate::iteration::iterate;
use crate::model::answer::{Cause, Unresolved};
use crate::model::context::Context;
use crate::model::verdict::Reply;

/// Servers that are asked before what they say is given up as bogus.
const TRIES: usize = 3;

/// The tries at one question.
pub(crate) struct Tries {
    left: usize,
    context: Context,
    /// What was wrong with the last reply.
    bogus: Option<Unresolved>,
}

impl Tries {
    /// None was made yet.
    pub(crate) fn new<N: Network>(env: &Env<N>, context: &Context) -> Self {
        let context = context.proving(&env.settings().limits);
        Tries { left: TRIES, context, bogus: None }
    }

    /// One was made elsewhere, and failed.
    pub(crate) fn after<N: Network>(
        env: &Env<N>,
        context: &Context,
        question: &Question,
        from: Option<SocketAddr>,
        bogus: Unresolved,
    ) -> Result<Self, Unresolved> {
        let mut tries = Tries::new(env, context);
        tries.failed(env, question, from, bogus)?;
        Ok(tries)
    }

    /// The context of the try at hand.
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// The next reply: out of the cache, or of a server that has not failed.
    ///
    /// # Errors
    /// There is none; if others failed before, for what was wrong with the last.
    pub(crate) async fn next<N: Network>(
        &mut self,
        env: &Env<N>,
        question: &Question,
    ) -> Result<Reply, Unresolved> {
        match self.bogus.take() {
            None => fetch_unproven(env, question, &self.context).await,
            Some(bogus) if self.left == 0 => Err(bogus),
            // Nobody is left who says anything better.
            Some(bogus) => fetch_unproven(env, question, &self.context).await.map_err(|_| bogus),
        }
    }

    /// Takes note that what `from` said cannot be proven: it is forgotten, and next somebody else
    /// is asked.
    ///
    /// # Errors
    /// It is no matter of who says it.
    pub(crate) fn failed<N: Network>(
        &mut self,
        env: &Env<N>,
        question: &Question,
        from: Option<SocketAddr>,
        unresolved: Unresolved,
    ) -> Result<(), Unresolved> {
        forget_unproven(env, question);
        if unresolved.cause != Cause::Bogus {
            return Err(unresolved);
        }
        // What was in the cache is nobody's.
        if let Some(server) = from {
            let server = Endpoint { address: server, transport: Transport::Udp };
            env.blame(server, ServerFault::Bogus);
            observe_bogus(env, server.address.ip());
            self.context = self.context.avoiding(server.address, &env.settings().limits);
        }
        self.left = self.left.saturating_sub(1);
        self.bogus = Some(unresolved);
        Ok(())
    }
}

/// What is known of a question, or what servers say of it, as it comes.
pub(crate) async fn fetch_unproven<N: Network>(
    env: &Env<N>,
    question: &Question,
    context: &Context,
) -> Result<Reply, Unresolved> {
    let (cache, now) = (&env.shared().cache, env.shared().now());
    if context.avoided().is_empty()
        && let Some(reply) = sought(env, &question.name, question.rtype).known(cache, now)
    {
        return Ok(reply);
    }
    Ok(*Box::pin(iterate(env, question, context)).await?)
}
