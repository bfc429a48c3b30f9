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
    SOURCES.iter().find_map(|source| source(cache, name, rtype, now))
}

/// What the cache knew last of `rtype` at `name`, of what did not expire before `since`: where one
/// thing took the place of another, that is the one that lasted longer. TTLs count from `since`.
#[must_use]
pub fn last_known(cache: &Cache, name: &Name, rtype: Rtype, since: Moment) -> Option<Reply> {
    if rtype == Rtype::ANY {
        return None;
    }
    let replies = SOURCES.iter().filter_map(|source| source(cache, name, rtype, since));
    replies.reduce(|last, reply| if reply.ttl() > last.ttl() { reply } else { last })
}

/// What one part of the cache has of a type of a name.
type Source = fn(&Cache, &Name, Rtype, Moment) -> Option<Reply>;

/// Where an answer may lie, in the order in which it is looked for.
const SOURCES: [Source; 5] = [records, alias, nodata, dname, nxdomain];

fn records(cache: &Cache, name: &Name, rtype: Rtype, now: Moment) -> Option<Reply> {
    let CachedRRset { set, proof, security } = cache.rrset(name, rtype, now)?;
    Some(Reply { proof, security, ..Reply::of(Finding::Records(vec![set])) })
}

fn alias(cache: &Cache, name: &Name, rtype: Rtype, now: Moment) -> Option<Reply> {
    if rtype == Rtype::CNAME {
        return None;
    }
    let CachedRRset { set, proof, security } = cache.rrset(name, Rtype::CNAME, now)?;
    let finding = Finding::Alias(set.target()?);
    Some(Reply { aliases: vec![set], proof, security, ..Reply::of(finding) })
}

fn nodata(cache: &Cache, name: &Name, rtype: Rtype, now: Moment) -> Option<Reply> {
    let denial = cache.nodata(name, rtype, now)?;
    Some(Reply { security: denial.security, ..Reply::of(Finding::NoData(Some(denial))) })
}

fn nxdomain(cache: &Cache, name: &Name, _: Rtype, now: Moment) -> Option<Reply> {
    let denial = cache.nxdomain(name, now)?;
    Some(Reply { security: denial.security, ..Reply::of(Finding::NxDomain(Some(denial))) })
}

/// What the cache lacks of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// There is nothing of the name that was asked for.
    Everything,
    /// There is something of it, as an alias without what it leads to, or an answer without proof.
    Something,
}

/// The whole answer to `question`, every alias of it.
///
/// # Errors
/// The cache lacks some of it.
pub fn complete(
    cache: &Cache,
    question: &Question,
    limits: &Limits,
    now: Moment,
) -> Result<Answer, Lack> {
    follow(question, limits, |name| known(cache, name, question.rtype, now))
}

/// Puts an answer together from what `find` knows of each name.
pub(crate) fn follow(
    question: &Question,
    limits: &Limits,
    find: impl Fn(&Name) -> Option<Reply>,
) -> Result<Answer, Lack> {
    let mut answer = AnswerBuilder::default();
    let (mut name, mut lack) = (question.name.clone(), Lack::Everything);
    loop {
        match answer.add(find(&name).ok_or(lack)?) {
            Next::Done(answer) => return Ok(answer),
            Next::Alias(target) if answer.aliases() <= limits.aliases => name = target,
            Next::Alias(_) => return Err(Lack::Something),
        }
        lack = Lack::Something;
    }
}

fn dname(cache: &Cache, name: &Name, _: Rtype, now: Moment) -> Option<Reply> {
    let CachedRRset { set, security, .. } = cache.dname_above(name, now)?;
    let Some(target) = name::substitute(name, &set.owner, &set.target()?) else {
        return Some(Reply { aliases: vec![set], security, ..Reply::of(Finding::TooLong) });
    };
    let made = RRset::naming(name.clone(), Rtype::CNAME, set.ttl, &target);
    let aliases = vec![set, made];
    Some(Reply { aliases, security, ..Reply::of(Finding::Alias(target)) })
}

/// An answer in the making: replies are added until one is no alias.
#[derive(Debug, Default)]
pub(crate) struct AnswerBuilder {
    sets: Vec<RRset>,
    proof: Vec<RRset>,
    aliases: usize,
    security: Option<Security>,
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
        append(&mut self.sets, reply.aliases);
        append(&mut self.proof, reply.proof);
        // The worst of the parts is the status of the whole.
        let security = self.security.map_or(reply.security, |so_far| so_far.min(reply.security));
        self.security = Some(security);
        let (rcode, denial) = match reply.finding {
            Finding::Alias(target) => return Next::Alias(target),
            Finding::Records(sets) => {
                append(&mut self.sets, sets);
                (OptRcode::NOERROR, None)
            }
            Finding::NoData(denial) => (OptRcode::NOERROR, denial),
            Finding::NxDomain(denial) => (OptRcode::NXDOMAIN, denial),
            Finding::TooLong => (OptRcode::YXDOMAIN, None),
        };
        let mut authority = reply.authority;
        authority.extend(denial.into_iter().flat_map(|denial| {
            // The TTL of a denial is the lesser of SOA TTL and MINIMUM (RFC 2308 section 3).
            let ttl = denial.ttl();
            std::iter::once(RRset { ttl, ..denial.soa }).chain(denial.proof)
        }));
        append(&mut authority, std::mem::take(&mut self.proof));
        Next::Done(Answer {
            rcode,
            answer: std::mem::take(&mut self.sets),
            authority,
            additional: reply.additional,
            security,
            stale: false,
        })
    }
}

/// Adds sets to others, most often to none, which costs nothing.
fn append(sets: &mut Vec<RRset>, more: Vec<RRset>) {
    if sets.is_empty() {
        *sets = more;
    } else {
        sets.extend(more);
    }
}
