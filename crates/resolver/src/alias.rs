//! Answering a question: its name, and the names that its aliases lead to.

use zoners_dns::{Counter, Name, Network, Question, RRset};

use zoners_cache::Rank;

use crate::answer::{Answer, Cause, Unresolved};
use crate::context::Context;
use crate::known::{AnswerBuilder, Next, known};
use crate::verdict::{Finding, Reply};
use crate::worker::Worker;

impl<N: Network> Worker<N> {
    /// Answers `question`, following CNAME and DNAME from zone to zone (RFC 1034 section 3.6.2,
    /// RFC 6672).
    pub(crate) async fn answer(
        &self,
        question: &Question,
        context: &Context,
    ) -> Result<Answer, Unresolved> {
        let mut answer = AnswerBuilder::default();
        let mut name = question.name.clone();
        loop {
            let reply = self.find(&name, question, context).await?;
            match answer.add(reply) {
                Next::Done(answer) => return Ok(answer),
                Next::Alias(target) => {
                    if answer.aliases() > self.settings().limits.aliases || answer.loops_at(&target)
                    {
                        self.count(Counter::LimitAlias);
                        let text = format!("the aliases of {question} loop or are too many");
                        return Err(Unresolved::new(Cause::Aliases, text));
                    }
                    name = target;
                }
            }
        }
    }

    /// What is known of `name`, from the cache or from its servers.
    async fn find(
        &self,
        name: &Name,
        question: &Question,
        context: &Context,
    ) -> Result<Reply, Unresolved> {
        if let Some(reply) = known(&self.shared().cache, name, question.rtype, self.shared().now())
        {
            return Ok(reply);
        }
        let question = Question { name: name.clone(), ..question.clone() };
        self.iterate(&question, context).await
    }

    /// Remembers what a reply says of the full name that was asked.
    pub(crate) fn remember(&self, question: &Question, reply: &Reply) {
        let (cache, now) = (&self.shared().cache, self.shared().now());
        let rank = if reply.authoritative { Rank::AuthoritativeAnswer } else { Rank::Answer };
        let keep = |set: &RRset, security| {
            if !cache.insert_rrset(set, rank, security, now) {
                self.count(Counter::LimitEntry);
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
                keep(set, zoners_dns::Security::Unchecked);
            }
        }
        let target = aliases.last().and_then(RRset::target);
        if let Some(target) = &target {
            name = target;
        }
        let kept = match &reply.finding {
            Finding::Records(sets, security) => {
                sets.iter().for_each(|set| keep(set, *security));
                true
            }
            Finding::NoData(Some(denial)) => cache.insert_nodata(name, question.rtype, denial, now),
            Finding::NxDomain(Some(denial)) => cache.insert_nxdomain(name, denial, now),
            Finding::Alias(_)
            | Finding::NoData(None)
            | Finding::NxDomain(None)
            | Finding::TooLong => true,
        };
        if !kept {
            self.count(Counter::LimitEntry);
        }
    }
}
