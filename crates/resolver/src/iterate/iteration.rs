//! The walk down: from the deepest known zone cut to the zone with the answer.
//!
//! An [`Iteration`] finds the servers' reply to a question. Each turn asks the servers of the zone cut one
//! question (`shortened` says which, `zone_question` how), and then goes to a deeper cut, shows more of the
//! name, or ends.

mod shortened;
mod zone_question;

use std::net::SocketAddr;
use std::sync::Arc;

use zoners_dns::{Counter, Delegation, DsStatus, Name, Network, QueryMode, Question, Rtype};

use crate::cached::store::keep_reply;
use crate::env::environment::Env;
use crate::env::lookups::Lookups;
use crate::iterate::minimise::Minimiser;
use crate::iterate::zone_cut::{first_cut, root_of_interceptor};
use crate::model::answer::{Cause, Unresolved};
use crate::model::step::Step;
use crate::model::verdict::{Finding, Reply, Verdict};
use crate::selection::addresses::glue;
use shortened::CutQuestion;

/// The end of a walk to the addresses of a nameserver.
pub(crate) enum AddressWalk {
    /// The servers' reply about the nameserver.
    Reply(Box<Reply>),
    /// Glue for the nameserver, in a delegation on the way.
    Glue(Vec<SocketAddr>),
}

/// Finds the servers' reply about `question`; an alias is returned, not followed.
pub(crate) async fn iterate<N: Network>(
    env: &Env<N>,
    question: &Question,
    step: &Step,
) -> Result<Box<Reply>, Unresolved> {
    let mut iteration = Iteration::new(env, question, step);
    loop {
        iteration.begin_turn()?;
        if let Some(reply) = iteration.turn().await? {
            return Ok(reply);
        }
    }
}

/// Finds the addresses of the nameserver in `question`: the first glue on the way, else the servers' reply.
pub(crate) async fn iterate_to_glue<N: Network>(
    env: &Env<N>,
    question: &Question,
    step: &Step,
) -> Result<AddressWalk, Unresolved> {
    let mut iteration = Iteration::new(env, question, step);
    loop {
        iteration.begin_turn()?;
        let addresses = glue(&iteration.cut, &question.name);
        if !addresses.is_empty() {
            return Ok(AddressWalk::Glue(addresses));
        }
        if let Some(reply) = iteration.turn().await? {
            return Ok(AddressWalk::Reply(reply));
        }
    }
}

/// The walk for one question.
struct Iteration<'a, N: Network> {
    env: &'a Env<N>,
    /// The question in full.
    question: &'a Question,
    step: &'a Step,
    /// The zone whose servers are asked next.
    cut: Delegation,
    minimiser: Minimiser,
    turns_left: u32,
    /// The zone whose servers refused a shortened question: if the full question gets an answer,
    /// minimisation fails there.
    refused_at: Option<Name>,
}

impl<'a, N: Network> Iteration<'a, N> {
    fn new(env: &'a Env<N>, question: &'a Question, step: &'a Step) -> Self {
        let (cut, settings) = (first_cut(env, question), env.settings());
        let mut minimiser = Minimiser::new(question.clone(), settings.minimised_type);
        minimiser.share_referrals(settings.share_referrals);
        // An interceptor sees each query, and does not refer.
        let intercepted = env.shared().interception.is_intercepted();
        if !settings.minimise || cut.mode == QueryMode::Forward || intercepted {
            minimiser.give_up();
        }
        let turns_left = settings.limits.steps;
        Iteration { env, question, step, cut, minimiser, turns_left, refused_at: None }
    }
}

impl<N: Network> Iteration<'_, N> {
    /// Charges a turn.
    fn begin_turn(&mut self) -> Result<(), Unresolved> {
        let Some(turns_left) = self.turns_left.checked_sub(1) else {
            self.env.count(Counter::LimitReferrals);
            let text = format!("too many steps towards {}", self.question);
            return Err(Unresolved::new(Cause::Unusable, text));
        };
        self.turns_left = turns_left;
        match self.step.client.budget.is_stopped() {
            true => Err(Unresolved::new(Cause::Cancelled, "the second level answered first")),
            false => Ok(()),
        }
    }

    /// Asks the servers of the cut one question; returns the reply that ends the walk.
    async fn turn(&mut self) -> Result<Option<Box<Reply>>, Unresolved> {
        self.fetch_keys();
        let (asked, verdict) = self.ask().await;
        match verdict {
            Ok(verdict) => Ok(self.advance(&asked, verdict)),
            Err(unresolved) => self.recover(&asked, unresolved).await.map(|()| None),
        }
    }

    /// Fetches the keys of a signed zone beside the question, not after it.
    fn fetch_keys(&self) {
        let Iteration { env, question, step, cut, .. } = self;
        if question.rtype == Rtype::DNSKEY && question.name == cut.zone {
            return;
        }
        let signed = matches!(cut.signing, DsStatus::Signed(_))
            || env.settings().anchors.iter().any(|anchor| anchor.zone == cut.zone);
        let (cache, now) = (&env.shared().cache, env.shared().now());
        let wanted = step.validate && signed && !env.shared().interception.is_forged();
        if wanted && cache.rrset(&cut.zone, Rtype::DNSKEY, now).is_none() {
            env.fetch_keys(&cut.zone, step);
        }
    }

    /// Goes to a deeper cut or shows more of the name; returns a reply about the full name.
    fn advance(&mut self, asked: &CutQuestion, verdict: Arc<Verdict>) -> Option<Box<Reply>> {
        if !asked.is_shortened
            && self.refused_at.as_ref() == Some(&self.cut.zone)
            && !verdict.denies_name()
        {
            self.note_minimisation_failure();
        }
        // Nothing is copied unless further questions share the verdict.
        match Arc::unwrap_or_clone(verdict) {
            Verdict::Referral(child) => {
                self.note_cuts(true);
                self.cut = child;
                self.minimiser.descended();
                None
            }
            Verdict::Answer(reply)
                if !asked.is_shortened || self.denies_full_name(&reply, asked) =>
            {
                // Only the denial of a full name cuts the tree below it (RFC 8020).
                if matches!(reply.finding, Finding::NxDomain(_)) {
                    keep_reply(self.env, &asked.question, &reply);
                }
                Some(Box::new(reply))
            }
            Verdict::Answer(reply) => {
                self.pass(&asked.question, &reply.finding);
                None
            }
        }
    }

    /// Goes on after a failure, if the full name or a different start may help.
    async fn recover(
        &mut self,
        asked: &CutQuestion,
        unresolved: Unresolved,
    ) -> Result<(), Unresolved> {
        if asked.is_shortened && unresolved.cause == Cause::Unusable {
            self.show_full_name(&asked.question);
            return Ok(());
        }
        let root = root_of_interceptor(self.env, &self.cut, &unresolved).await;
        self.cut = root.ok_or(unresolved)?;
        self.minimiser.give_up();
        Ok(())
    }
}
