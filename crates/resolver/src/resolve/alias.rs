//! Answering a question: its name, and the names that its aliases lead to.

use std::net::SocketAddr;

use zoners_dns::{Counter, Name, Network, Question, RRset, Security};

use zoners_cache::Rank;

use crate::cached::lookup::{AnswerBuilder, Lack, Next};
use crate::cached::root_key_sentinel;
use crate::env::worker::Worker;
use crate::model::answer::{Answer, Cause, Unresolved};
use crate::model::context::Context;
use crate::model::verdict::{Finding, Reply};
use crate::validate::retry::Tries;

impl<N: Network> Worker<N> {
    /// Answers `question`, following CNAME and DNAME from zone to zone (RFC 1034 section 3.6.2,
    /// RFC 6672). `lack` is what the cache lacks of it.
    pub(crate) async fn answer(
        &self,
        question: &Question,
        context: &Context,
        lack: Lack,
    ) -> Result<Answer, Unresolved> {
        let mut answer = AnswerBuilder::default();
        let (mut name, mut unknown) = (question.name.clone(), lack == Lack::Everything);
        loop {
            let reply =
                self.find(&name, question, context, unknown).await.inspect_err(|failed| {
                    let asked = Question { name: name.clone(), ..question.clone() };
                    self.report(&asked, failed, context);
                })?;
            match answer.add(*reply) {
                Next::Done(answer) if self.is_sentinel_against(question, &answer) => {
                    let text = "a sentinel: the root's key is trusted, or not, as asked";
                    return Err(Unresolved::new(Cause::Sentinel, text));
                }
                Next::Done(answer) => return Ok(answer),
                Next::Alias(target) => {
                    if answer.aliases() > self.settings().limits.aliases || answer.loops_at(&target)
                    {
                        self.count(Counter::LimitAliasChain);
                        let text = format!("the aliases of {question} loop or are too many");
                        return Err(Unresolved::new(Cause::Aliases, text));
                    }
                    (name, unknown) = (target, false);
                }
            }
        }
    }

    /// What is known of `name`, from the cache, unless it is `unknown` there, or from its servers.
    async fn find(
        &self,
        name: &Name,
        question: &Question,
        context: &Context,
        unknown: bool,
    ) -> Result<Box<Reply>, Unresolved> {
        let question = Question { name: name.clone(), ..question.clone() };
        let (cache, now) = (&self.shared().cache, self.shared().now().after(context.ahead));
        // Boxed, since most often there is nothing and the rest is long.
        if !unknown
            && let Some(reply) = self.sought(name, question.rtype).known(cache, now).map(Box::new)
            && let Some(reply) = Box::pin(self.find_known(&question, reply, context)).await?
        {
            return Ok(reply);
        }
        let mut reply = self.iterate(&question, context).await?;
        if reply.security == Security::Insecure {
            self.tell_status(&question, &Ok(reply.security), context);
            return Ok(reply);
        }
        match self.prove(&question, &mut reply, context).await {
            Ok(()) => Ok(reply),
            // Boxed, since it is rare and large.
            Err(bogus) if bogus.cause == Cause::Bogus => {
                Box::pin(self.find_elsewhere(&question, reply.from, bogus, context)).await
            }
            Err(unresolved) => Err(unresolved),
        }
    }

    /// Whether the question is a sentinel that says no.
    fn is_sentinel_against(&self, question: &Question, answer: &Answer) -> bool {
        answer.security == Security::Secure
            && root_key_sentinel::fails(self.settings(), &question.name, question.rtype)
    }

    /// What the cache has, if it can be proven.
    async fn find_known(
        &self,
        question: &Question,
        mut reply: Box<Reply>,
        context: &Context,
    ) -> Result<Option<Box<Reply>>, Unresolved> {
        match self.prove(question, &mut reply, context).await {
            Ok(()) => Ok(Some(reply)),
            // What was kept unproven may have been forged: the servers are asked again.
            Err(unresolved) if unresolved.cause == Cause::Bogus => {
                self.forget_unproven(question);
                Ok(None)
            }
            Err(unresolved) => Err(unresolved),
        }
    }

    /// Asks servers that have not given bogus answers yet, as `liar` just did.
    async fn find_elsewhere(
        &self,
        question: &Question,
        liar: Option<SocketAddr>,
        bogus: Unresolved,
        context: &Context,
    ) -> Result<Box<Reply>, Unresolved> {
        let mut tries = Tries::after(self, context, question, liar, bogus)?;
        loop {
            let mut reply = Box::new(tries.next(self, question).await?);
            match self.prove(question, &mut reply, tries.context()).await {
                Ok(()) => return Ok(reply),
                Err(unresolved) => tries.failed(self, question, reply.from, unresolved)?,
            }
        }
    }

    /// Proves a reply where that is wanted, and remembers what came of it.
    async fn prove(
        &self,
        question: &Question,
        reply: &mut Reply,
        context: &Context,
    ) -> Result<(), Unresolved> {
        let before = reply.security;
        // Boxed, since it is large and most often short.
        Box::pin(self.validate(question, reply, context)).await?;
        if reply.security != before {
            self.remember(question, reply);
            if reply.security == Security::Secure && reply.authoritative {
                self.hear_proof(reply.from);
            }
        }
        Ok(())
    }

    /// Keeps an RRset with its status.
    pub(crate) fn keep(&self, set: &RRset, proof: &[RRset], security: Security) {
        let (cache, now) = (&self.shared().cache, self.shared().now());
        if !cache.insert_rrset(set, proof, Rank::AuthoritativeAnswer, security, now) {
            self.count(Counter::CacheEntriesTooLarge);
        }
    }

    /// Remembers what a reply says of the full name that was asked, unless it is mere hearsay.
    pub(crate) fn remember(&self, question: &Question, reply: &Reply) {
        if reply.is_mere_hearsay() {
            return;
        }
        let (cache, now) = (&self.shared().cache, self.shared().now());
        let rank = if reply.authoritative { Rank::AuthoritativeAnswer } else { Rank::Answer };
        let keep = |set: &RRset| {
            if !cache.insert_rrset(set, &reply.proof, rank, reply.security, now) {
                self.count(Counter::CacheEntriesTooLarge);
            }
        };
        let mut name = &question.name;
        let made = |set: &RRset, before: Option<&RRset>| {
            // The CNAME that a DNAME makes is made again when it is needed.
            before.is_some_and(|before| before.rtype == zoners_dns::Rtype::DNAME)
                && set.rtype == zoners_dns::Rtype::CNAME
        };
        let aliases = &reply.aliases;
        for (at, set) in aliases.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| aliases.get(before));
            if !made(set, before) {
                keep(set);
            }
        }
        let target = aliases.last().and_then(RRset::target);
        if let Some(target) = &target {
            name = target;
        }
        let kept = match &reply.finding {
            Finding::Records(sets) => {
                sets.iter().for_each(keep);
                true
            }
            Finding::NoData(denial) => cache.insert_nodata(name, question.rtype, denial, now),
            Finding::NxDomain(denial) => cache.insert_nxdomain(name, question.rtype, denial, now),
            Finding::Alias(_) | Finding::TooLong => true,
        };
        if !kept {
            self.count(Counter::CacheEntriesTooLarge);
        }
    }
}
