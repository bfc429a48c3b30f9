//! Caches replies, and removes bogus data.

use zoners_cache::Rank;
use zoners_dns::{Counter, Network, Question, RRset, Rtype, Security};

use crate::env::environment::Env;
use crate::model::alias_link::{AliasLink, AliasLinks};
use crate::model::verdict::{Finding, Reply};

/// Caches an RRset with its status.
pub(crate) fn keep_rrset<N: Network>(
    env: &Env<N>,
    set: &RRset,
    proof: &[RRset],
    security: Security,
) {
    let (cache, now) = (&env.shared().cache, env.shared().now());
    if !cache.insert_rrset(set, proof, Rank::AuthoritativeAnswer, security, now) {
        env.count(Counter::CacheEntriesTooLarge);
    }
}

/// Caches a reply about the full name, unless the reply is unproven hearsay.
pub(crate) fn keep_reply<N: Network>(env: &Env<N>, question: &Question, reply: &Reply) {
    if reply.is_mere_hearsay() {
        return;
    }
    let (cache, now) = (&env.shared().cache, env.shared().now());
    let rank = if reply.authoritative { Rank::AuthoritativeAnswer } else { Rank::Answer };
    let keep = |set: &RRset| {
        if !cache.insert_rrset(set, &reply.proof, rank, reply.security, now) {
            env.count(Counter::CacheEntriesTooLarge);
        }
    };
    let mut name = &question.name;
    let mut links = AliasLinks::default();
    for set in &reply.aliases {
        // The CNAME synthesised from a DNAME is made again when needed.
        if links.next(set) != AliasLink::Synthesised {
            keep(set);
        }
    }
    let target = reply.aliases.last().and_then(RRset::target);
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
        env.count(Counter::CacheEntriesTooLarge);
    }
}

/// Removes data that turned out bogus.
pub(crate) fn forget_answer<N: Network>(env: &Env<N>, question: &Question) {
    let cache = &env.shared().cache;
    cache.remove_rrset(&question.name, question.rtype);
    cache.remove_rrset(&question.name, Rtype::CNAME);
    cache.remove_denials(&question.name, question.rtype);
}

/// Removes unproven data that turned out bogus; data proven before stays.
pub(crate) fn forget_unproven<N: Network>(env: &Env<N>, question: &Question) {
    let cache = &env.shared().cache;
    cache.remove_unproven_rrset(&question.name, question.rtype);
    cache.remove_unproven_rrset(&question.name, Rtype::CNAME);
    cache.remove_unproven_denials(&question.name, question.rtype);
}
