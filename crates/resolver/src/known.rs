//! Answers out of the cache alone, without asking anyone.

use zoners_cache::{Cache, CachedRRset};
use zoners_dns::{Moment, Name, OptRcode, Question, RRset, Rtype, Security, name};

use crate::answer::Answer;
use crate::settings::Limits;
use crate::verdict::{Finding, Reply};

/// What the cache knows of `rtype` at `name`: records, a denial, or the alias to follow.
#[must_use]
pub fn known(cache: &Cache, name: &Name, rtype: Rtype, now: Moment) -> Option<Reply> {
    // A name's types are never all known, so ANY is always asked.
    if rtype == Rtype::ANY {
        return None;
    }
    if let Some(CachedRRset { set, security }) = cache.rrset(name, rtype, now) {
        return Some(reply(vec![], Finding::Records(vec![set], security)));
    }
    if rtype != Rtype::CNAME
        && let Some(CachedRRset { set, .. }) = cache.rrset(name, Rtype::CNAME, now)
    {
        let target = set.target()?;
        return Some(reply(vec![set], Finding::Alias(target)));
    }
    if let Some(denial) = cache.nodata(name, rtype, now) {
        return Some(reply(vec![], Finding::NoData(Some(denial))));
    }
    if let Some(reply) = dname(cache, name, now) {
        return Some(reply);
    }
    cache.nxdomain(name, now).map(|denial| reply(vec![], Finding::NxDomain(Some(denial))))
}

/// The whole answer to `question`, every alias of it, if the cache has it.
#[must_use]
pub fn complete(
    cache: &Cache,
    question: &Question,
    limits: &Limits,
    now: Moment,
) -> Option<Answer> {
    let mut answer = AnswerBuilder::default();
    let mut name = question.name.clone();
    loop {
        match answer.add(known(cache, &name, question.rtype, now)?) {
            Next::Done(answer) => return Some(answer),
            Next::Alias(target) if answer.aliases() <= limits.aliases => name = target,
            Next::Alias(_) => return None,
        }
    }
}

fn dname(cache: &Cache, name: &Name, now: Moment) -> Option<Reply> {
    let above = name::with_ancestors(name).skip(1);
    let CachedRRset { set, .. } = above
        .filter(|ancestor| !ancestor.is_root())
        .find_map(|ancestor| cache.rrset(&ancestor, Rtype::DNAME, now))?;
    let Some(target) = name::substitute(name, &set.owner, &set.target()?) else {
        return Some(reply(vec![set], Finding::TooLong));
    };
    let made = RRset::naming(name.clone(), Rtype::CNAME, set.ttl, &target);
    Some(reply(vec![set, made], Finding::Alias(target)))
}

fn reply(aliases: Vec<RRset>, finding: Finding) -> Reply {
    Reply { aliases, finding, authoritative: false, authority: vec![], additional: vec![] }
}

/// An answer in the making: replies are added until one is no alias.
#[derive(Debug, Default)]
pub(crate) struct AnswerBuilder {
    sets: Vec<RRset>,
    aliases: usize,
}

/// What an added reply asks for next.
pub(crate) enum Next {
    Done(Answer),
    Alias(Name),
}

impl AnswerBuilder {
    /// Aliases followed so far. A DNAME and the CNAME that it makes count as one.
    pub(crate) fn aliases(&self) -> usize {
        self.aliases
    }

    /// Whether `name` was already followed from: the chain loops.
    pub(crate) fn loops_at(&self, name: &Name) -> bool {
        self.sets.iter().any(|set| set.rtype == Rtype::CNAME && set.owner == *name)
    }

    pub(crate) fn add(&mut self, reply: Reply) -> Next {
        self.aliases += reply.aliases.iter().filter(|set| set.rtype == Rtype::CNAME).count();
        self.sets.extend(reply.aliases);
        let (rcode, denial, security) = match reply.finding {
            Finding::Alias(target) => return Next::Alias(target),
            Finding::Records(sets, security) => {
                self.sets.extend(sets);
                (OptRcode::NOERROR, None, security)
            }
            Finding::NoData(denial) => (OptRcode::NOERROR, denial, Security::Unchecked),
            Finding::NxDomain(denial) => (OptRcode::NXDOMAIN, denial, Security::Unchecked),
            Finding::TooLong => (OptRcode::YXDOMAIN, None, Security::Unchecked),
        };
        let mut authority = reply.authority;
        authority.extend(denial.into_iter().flat_map(|denial| {
            // The TTL of a denial is the lesser of SOA TTL and MINIMUM (RFC 2308 section 3).
            let ttl = denial.ttl();
            std::iter::once(RRset { ttl, ..denial.soa }).chain(denial.proof)
        }));
        Next::Done(Answer {
            rcode,
            answer: std::mem::take(&mut self.sets),
            authority,
            additional: reply.additional,
            security,
        })
    }
}
