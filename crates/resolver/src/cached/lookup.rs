//! Answers out of the cache alone, without asking anyone.

use zoners_cache::{Cache, CachedFailure, CachedRRset, Denial, DenialKind, Rank};
use zoners_dns::{
    Checking, Moment, Name, Network, OptRcode, Question, RRset, Rtype, Security, name,
};
use zoners_dnssec::nsec::denied_owner;

use crate::cached::root_key_sentinel::sentinel_fails;
use crate::env::environment::Env;
use crate::model::answer::Answer;
use crate::model::settings::{Limits, Settings};
use crate::model::verdict::{Finding, Reply};

/// A look-up in the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheQuery<'a> {
    /// The name.
    pub(crate) name: &'a Name,
    /// The type.
    pub(crate) rtype: Rtype,
    /// Labels of the deepest zone around the name with a configuration of its own: denials by zones
    /// above do not count there.
    pub(crate) configured: usize,
}

/// Seconds for which a client may keep hearsay: a portal's answer, until the client has logged in.
const HEARSAY: u32 = 5;

/// A look-up in one part of the cache.
type CacheSource<'a> = fn(&CacheQuery<'a>, &Cache, Moment) -> Option<Reply>;

impl<'a> CacheQuery<'a> {
    /// The parts of the cache, in the order of look-ups.
    const SOURCES: [CacheSource<'a>; 5] =
        [Self::records, Self::alias, Self::denied, Self::dname, Self::nxdomain];

    /// The cached data of the name: records, a denial, or the alias to follow.
    pub(crate) fn known(&self, cache: &Cache, now: Moment) -> Option<Reply> {
        // The types of a name are never known completely, so ANY is always asked.
        if self.rtype == Rtype::ANY {
            return None;
        }
        Self::SOURCES.iter().find_map(|source| source(self, cache, now))
    }

    /// The last data that did not expire before `since`: of an entry and the replacement, the later expiry
    /// counts. TTLs count from `since`.
    pub(crate) fn last_known(&self, cache: &Cache, since: Moment) -> Option<Reply> {
        if self.rtype == Rtype::ANY {
            return None;
        }
        let replies = Self::SOURCES.iter().filter_map(|source| source(self, cache, since));
        replies.reduce(|last, reply| if reply.ttl() > last.ttl() { reply } else { last })
    }

    fn records(&self, cache: &Cache, now: Moment) -> Option<Reply> {
        let CachedRRset { set, proof, security, rank } = cache.rrset(self.name, self.rtype, now)?;
        // Additional data is no answer (RFC 2181 section 5.4.1).
        if rank == Rank::Additional {
            return None;
        }
        let authoritative = rank.is_authoritative();
        let finding = Finding::Records(vec![set]);
        Some(Reply { proof, security, authoritative, ..Reply::of(finding) })
    }

    fn alias(&self, cache: &Cache, now: Moment) -> Option<Reply> {
        if stands_beside_alias(self.rtype) {
            return None;
        }
        let alias = cache.rrset(self.name, Rtype::CNAME, now)?;
        let CachedRRset { set, proof, security, rank } = alias;
        let authoritative = rank.is_authoritative();
        let finding = Finding::Alias(set.target()?);
        Some(Reply { aliases: vec![set], proof, security, authoritative, ..Reply::of(finding) })
    }

    fn dname(&self, cache: &Cache, now: Moment) -> Option<Reply> {
        let CachedRRset { set, security, rank, .. } = cache.dname_above(self.name, now)?;
        let authoritative = rank.is_authoritative();
        if name::depth(&set.owner) < self.configured {
            return None;
        }
        let Some(target) = name::substitute(self.name, &set.owner, &set.target()?) else {
            let reply = Reply::of(Finding::TooLong);
            return Some(Reply { aliases: vec![set], security, authoritative, ..reply });
        };
        let made = RRset::naming(self.name.clone(), Rtype::CNAME, set.ttl, &target);
        let aliases = vec![set, made];
        Some(Reply { aliases, security, authoritative, ..Reply::of(Finding::Alias(target)) })
    }

    /// The cached denial of this type.
    fn denied(&self, cache: &Cache, now: Moment) -> Option<Reply> {
        let (denied, denial) = cache.denial(self.name, self.rtype, now)?;
        let counts = denial.zone().is_none_or(|zone| self.may_deny(zone));
        let finding = match denied {
            DenialKind::NoData => Finding::NoData,
            DenialKind::NxDomain => Finding::NxDomain,
        };
        counts.then(|| denial_reply(finding, denial))
    }

    fn nxdomain(&self, cache: &Cache, now: Moment) -> Option<Reply> {
        let denial = cache.nxdomain(self.name, now)?;
        // The record with NXNAME proves nothing about names below its owner (RFC 9824).
        if denied_owner(&denial.proof).is_some_and(|owner| owner != self.name) {
            return None;
        }
        // Without an SOA the denying zone is unknown.
        let counts = match denial.zone() {
            Some(zone) => self.may_deny(zone),
            None => self.configured == 0 && self.rtype != Rtype::DS,
        };
        counts.then(|| denial_reply(Finding::NxDomain, denial))
    }

    /// Whether `zone` has a say in whether this exists.
    fn may_deny(&self, zone: &Name) -> bool {
        // DS records belong above the cut, so the zone below does not deny them (RFC 4035 section
        // 2.4).
        let below_cut = self.rtype == Rtype::DS && zone == self.name && !zone.is_root();
        name::depth(zone) >= self.configured && !below_cut
    }
}

fn denial_reply(finding: fn(Denial) -> Finding, denial: Denial) -> Reply {
    Reply { security: denial.security, ..Reply::of(finding(denial)) }
}

/// Whether a CNAME does not apply to a type: the type may stand beside a CNAME (RFC 4034 sections 3
/// and 4), or above the cut of the CNAME (RFC 4035 section 2.4).
fn stands_beside_alias(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::CNAME | Rtype::NSEC | Rtype::RRSIG | Rtype::DS)
}

/// The missing part of an answer in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Nothing is cached for the QNAME.
    Everything,
    /// Part of the answer is cached: an alias without its target, or an answer without proof.
    Something,
}

/// Composes an answer from the data that `find` returns for each name.
pub(crate) fn follow(
    question: &Question,
    limits: &Limits,
    find: impl Fn(&Name) -> Option<Reply>,
) -> Result<Answer, Lack> {
    let mut answer = AnswerBuilder::default();
    let (mut name, mut lack) = (question.name.clone(), Lack::Everything);
    loop {
        match answer.add(find(&name).ok_or(lack)?) {
            ChainStep::Done(answer) => return Ok(answer),
            ChainStep::Alias(target) if answer.aliases() <= limits.aliases => name = target,
            ChainStep::Alias(_) => return Err(Lack::Something),
        }
        lack = Lack::Something;
    }
}

/// An answer under construction: replies are added until one is no alias.
#[derive(Debug, Default)]
pub(crate) struct AnswerBuilder {
    sets: Vec<RRset>,
    proof: Vec<RRset>,
    aliases: usize,
    security: Option<Security>,
    hearsay: bool,
}

/// The next look-up after a reply.
pub(crate) enum ChainStep {
    Done(Answer),
    Alias(Name),
}

impl AnswerBuilder {
    /// Aliases followed so far. A DNAME and the synthesised CNAME are a single alias.
    pub(crate) fn aliases(&self) -> usize {
        self.aliases
    }

    /// Whether `name` was already followed from: the chain loops.
    pub(crate) fn loops_at(&self, name: &Name) -> bool {
        self.sets.iter().any(|set| set.rtype == Rtype::CNAME && set.owner == *name)
    }

    pub(crate) fn add(&mut self, reply: Reply) -> ChainStep {
        self.hearsay |= reply.is_mere_hearsay();
        self.aliases += reply.aliases.iter().filter(|set| set.rtype == Rtype::CNAME).count();
        append(&mut self.sets, reply.aliases);
        append(&mut self.proof, reply.proof);
        // The worst of the parts is the status of the whole.
        let security = self.security.map_or(reply.security, |so_far| so_far.min(reply.security));
        self.security = Some(security);
        let (rcode, denial) = match reply.finding {
            Finding::Alias(target) => return ChainStep::Alias(target),
            Finding::Records(sets) => {
                append(&mut self.sets, sets);
                (OptRcode::NOERROR, None)
            }
            Finding::NoData(denial) => (OptRcode::NOERROR, Some(denial)),
            Finding::NxDomain(denial) => (OptRcode::NXDOMAIN, Some(denial)),
            Finding::TooLong => (OptRcode::YXDOMAIN, None),
        };
        let mut authority = reply.authority;
        authority.extend(denial.into_iter().flat_map(|denial| {
            // The TTL of a denial is the lesser of SOA TTL and MINIMUM (RFC 2308 section 3).
            let soa = denial.soa.map(|soa| RRset { ttl: denial.ttl, ..soa });
            soa.into_iter().chain(denial.proof)
        }));
        append(&mut authority, std::mem::take(&mut self.proof));
        let mut answer = Answer {
            rcode,
            answer: std::mem::take(&mut self.sets),
            authority,
            additional: reply.additional,
            security,
            stale: false,
            hearsay: self.hearsay,
        };
        if answer.hearsay {
            answer.limit_ttl(HEARSAY);
        }
        ChainStep::Done(answer)
    }
}

/// Appends sets, most often to an empty list, which costs nothing.
fn append(sets: &mut Vec<RRset>, more: Vec<RRset>) {
    if sets.is_empty() {
        *sets = more;
    } else {
        sets.extend(more);
    }
}

/// The answer from the cache alone, if it is proven or need not be.
///
/// # Errors
/// Part of the answer is not cached.
pub(crate) fn cached_answer<N: Network>(
    env: &Env<N>,
    question: &Question,
    checking: Checking,
    now: Moment,
) -> Result<Answer, Lack> {
    let limits = &env.settings().limits;
    let known = |name: &Name| sought(env, name, question.rtype).known(&env.shared().cache, now);
    let answer = follow(question, limits, known)?;
    match may_be_given(env, question, answer.security, checking) {
        true => Ok(answer),
        false => Err(Lack::Something),
    }
}

/// A look-up in the cache under this configuration.
pub(crate) fn sought<'a, N: Network>(env: &Env<N>, name: &'a Name, rtype: Rtype) -> CacheQuery<'a> {
    CacheQuery { name, rtype, configured: configured_depth(env, name, rtype) }
}

/// Labels of the deepest zone around `name` with a configuration of its own: a route, a trust
/// anchor or a negative trust anchor. Denials by zones above do not count there.
fn configured_depth<N: Network>(env: &Env<N>, name: &Name, rtype: Rtype) -> usize {
    let Settings { routes, anchors, negative_anchors, .. } = env.settings();
    let routes = routes.iter().map(|route| &route.zone);
    let anchors = anchors.iter().map(|anchor| &anchor.zone);
    let zones = routes.chain(anchors).chain(negative_anchors);
    // DS records stand above the cut.
    let below =
        |zone: &&Name| name::is_within(name, zone) && !(rtype == Rtype::DS && *zone == name);
    let configured = zones.filter(below).map(name::depth).max().unwrap_or(0);
    configured.max(env.shared().negative_anchors.deepest_above(name, env.shared().now()))
}

/// Whether an answer of this status is proven, or need not be.
pub(crate) fn may_be_given<N: Network>(
    env: &Env<N>,
    question: &Question,
    security: Security,
    checking: Checking,
) -> bool {
    !env.validates(checking)
        || security > Security::Unchecked
            && !sentinel_fails(env.settings(), &question.name, question.rtype)
}

/// The cached failure of a question, if it applies to clients with this CD flag.
#[must_use]
pub(crate) fn known_failure<N: Network>(
    env: &Env<N>,
    question: &Question,
    checking: Checking,
    now: Moment,
) -> Option<CachedFailure> {
    let failure = env.shared().cache.failure(question, now)?;
    (!checking.is_disabled() || !failure.ede.code.is_bogus()).then_some(failure)
}
