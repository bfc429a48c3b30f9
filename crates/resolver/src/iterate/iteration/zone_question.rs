//! A question to the servers of a zone, in one flight with identical questions.

use std::net::SocketAddr;
use std::sync::Arc;

use zoners_dns::{Counter, Network, Question};

use super::Iteration;
use crate::ask::race::race;
use crate::ask::zone_copy::reply_of_copy;
use crate::cached::store::keep_reply;
use crate::env::shared::{ExchangeKey, SharedResult};
use crate::env::single_flight::FlightEnd;
use crate::model::answer::{Cause, Unresolved};
use crate::model::shared_work::Leader;
use crate::model::step::Step;
use crate::model::verdict::{Finding, Verdict};

/// Shared results from avoided servers before a question gives up.
const MOST_REFUSED: usize = 8;

impl<N: Network> Iteration<'_, N> {
    /// Asks the servers of the cut: A, AAAA and HTTPS of one name share their referrals.
    pub(super) async fn ask_zone(&self, asked: &Question) -> SharedResult<Verdict> {
        let Iteration { env, cut, step, .. } = self;
        let exchanges = &env.shared().exchanges;
        let key = ExchangeKey { zone: cut.zone.clone(), asked: asked.clone() };
        for _ in 0..MOST_REFUSED {
            let work = |leader: Leader<_, _>| async move {
                let verdict = self.ask_and_keep(asked, leader.step()).await;
                // Questions without avoided servers may succeed.
                if verdict.is_ok() || step.avoided().is_empty() {
                    leader.land(&verdict);
                }
                verdict
            };
            let on_cycle = || self.ask_and_keep(asked, step);
            match env.lead_or_join(exchanges, &key, (&cut.zone, asked), step, work, on_cycle).await
            {
                FlightEnd::Joined(Ok(verdict)) if !may_be_used(&verdict, step.avoided()) => {}
                end => return end.result(),
            }
        }
        env.count(Counter::LimitBogusServers);
        let text = format!("replies to {asked} come from servers with bogus answers alone");
        Err(Unresolved::new(Cause::Cancelled, text))
    }

    /// Asks the servers of the cut and caches the reply.
    async fn ask_and_keep(&self, asked: &Question, step: &Step) -> SharedResult<Verdict> {
        let env = self.env;
        // No `match`: its reply would take room in each pending recursion.
        let mut verdict = if let Some(verdict) = reply_of_copy(env, &self.cut, asked, step) {
            verdict?
        } else {
            race(env, &self.cut, asked, step).await?
        };
        let (cache, now) = (&env.shared().cache, env.shared().now());
        match verdict.as_mut() {
            Verdict::Referral(child) => {
                if child.servers.len() > env.settings().limits.servers_in_play {
                    env.count(Counter::LimitDelegationServers);
                }
                if !cache.insert_delegation(child, now) {
                    env.count(Counter::CacheEntriesTooLarge);
                }
            }
            Verdict::Answer(reply) => {
                reply.clamp_ttls(&cache.limits());
                // Validated first, so that the reply is not cached twice.
                if step.validate && env.is_taken_as_it_comes(&asked.answered_at()) {
                    reply.set_unsigned();
                }
                // Only the caller knows whether the denied name is the full name.
                if !matches!(reply.finding, Finding::NxDomain(_)) {
                    keep_reply(env, asked, reply);
                }
            }
        }
        Ok(Arc::from(verdict))
    }
}

/// Whether a shared verdict is usable for a question with avoided servers: it must not come from
/// one of these.
fn may_be_used(verdict: &Verdict, avoided: &[SocketAddr]) -> bool {
    match verdict {
        Verdict::Answer(reply) => {
            avoided.is_empty() || reply.from.is_some_and(|from| !avoided.contains(&from.address))
        }
        Verdict::Referral(_) => true,
    }
}
