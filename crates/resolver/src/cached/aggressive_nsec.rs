//! Aggressive NSEC (RFC 8198): answers synthesised from proven denials, without a query and without a task.
//! A record that denies a name denies each name in its range, and a wildcard stands for each name below its
//! parent.

use zoners_cache::{CachedRRset, Denial, Neighbour, RangePosition};
use zoners_dns::{Moment, Name, Network, Question, RRset, Rtype, Security, SortKey, name};
use zoners_dnssec::denial::{self, DenialStatus, Proof};
use zoners_dnssec::nsec::{Nsec, TypeBitmap};
use zoners_dnssec::nsec3::{self, nsec3_hash};
use zoners_dnssec::signed_data::wildcard;

use crate::cached::lookup::{AnswerBuilder, ChainStep, sought};
use crate::env::environment::Env;
use crate::model::answer::Answer;
use crate::model::verdict::{Finding, Reply};

/// SHA-1 blocks for one answer: on the packet path, queries behind it wait.
const BLOCKS: u32 = 400;
/// Ancestors of a name looked up in an NSEC3 chain.
const MAX_LABELS: usize = 8;

/// Caches the verified records of a proof of `zone`, for up to `ttl` seconds.
pub(crate) fn keep_ranges<N: Network>(env: &Env<N>, zone: &Name, proven: &[RRset], ttl: u32) {
    let (cache, now) = (&env.shared().cache, env.shared().now());
    for set in proven {
        let ttl = cache.limits().negative(ttl.min(set.ttl));
        match set.rtype {
            Rtype::NSEC => {
                if let Some(nsec) = Nsec::read(set, zone) {
                    cache.ranges().insert_name(zone, set, &nsec.next, ttl, now);
                }
            }
            Rtype::NSEC3 => {
                if let Some((hash, iterations, salt)) = nsec3::usable_for_synthesis(set, zone) {
                    let parameters = (iterations, &salt[..]);
                    cache.ranges().insert_hash(zone, hash, parameters, set, ttl, now);
                }
            }
            _ => {}
        }
    }
}

/// The answer that follows from proven records of the zone.
#[must_use]
pub(crate) fn synthesised<N: Network>(
    env: &Env<N>,
    question: &Question,
    now: Moment,
) -> Option<Answer> {
    let cache = &env.shared().cache;
    // DS records stand above the cut; of ANY and of signatures nothing is proven.
    if matches!(question.rtype, Rtype::DS | Rtype::ANY | Rtype::RRSIG) {
        return None;
    }
    let place = SortKey::of(question.name.for_slice());
    let zone = cache.ranges().zone_of(&question.name, &place)?;
    env.anchor_of(&question.name)?;
    // A denial does not apply below a zone with a configuration of its own.
    if name::depth(&zone) < sought(env, &question.name, question.rtype).configured {
        return None;
    }
    let asked = Synthesis { env, zone, place, question, now };
    let reply = asked.by_name().or_else(|| asked.by_hash())?;
    match AnswerBuilder::default().add(Reply { security: Security::Secure, ..reply }) {
        ChainStep::Done(answer) => Some(answer),
        ChainStep::Alias(_) => None,
    }
}

/// A question, and the zone whose ranges may answer.
struct Synthesis<'a, N: Network> {
    env: &'a Env<N>,
    zone: Name,
    /// The sort key of the QNAME.
    place: SortKey,
    question: &'a Question,
    now: Moment,
}

impl<N: Network> Synthesis<'_, N> {
    fn by_name(&self) -> Option<Reply> {
        let ranges = self.env.shared().cache.ranges();
        let name = &self.question.name;
        let Neighbour { set: own, position } = ranges.by_name(&self.zone, &self.place, self.now)?;
        let encloser = match position {
            RangePosition::AtOwner | RangePosition::EmptyNonTerminal => {
                return self.denied(vec![own], None);
            }
            RangePosition::Between { encloser, below } => {
                let types = TypeBitmap::of(&own)?;
                // Below a delegation or DNAME the zone proves nothing (RFC 6840 section 4.1), and
                // NXNAME denies its owner alone (RFC 9824).
                if types.deny_owner_name() || (below && types.hide_names_below()) {
                    return None;
                }
                name::from_offset(name, encloser)?
            }
            RangePosition::Beyond => return None,
        };
        if let Some(CachedRRset { set, .. }) = self.wildcard_records(&encloser) {
            // The record proves both facts: the name does not exist, and the closest encloser is the
            // wildcard's parent (RFC 4035 section 5.3.4).
            return Some(self.expanded(set, vec![own]));
        }
        let wildcard = SortKey::of(wildcard(&encloser)?.for_slice());
        let at_wildcard = ranges.by_name(&self.zone, &wildcard, self.now);
        let proof = match at_wildcard {
            Some(Neighbour { set, .. }) if set.owner != own.owner => vec![own, set],
            _ => vec![own],
        };
        self.denied(proof, Some(&encloser))
    }

    fn by_hash(&self) -> Option<Reply> {
        let ranges = self.env.shared().cache.ranges();
        let (iterations, salt) = ranges.parameters(&self.zone)?;
        let cost = u32::from(iterations) * (MAX_LABELS as u32 + 2);
        if cost > BLOCKS {
            return None;
        }
        let of = |name: &Name| {
            let hash = nsec3_hash(name, &salt, iterations);
            ranges.by_hash(&self.zone, &hash, self.now).map(|set| {
                let exact = nsec3::usable_for_synthesis(&set, &self.zone)
                    .is_some_and(|(own, ..)| own == hash);
                (set, exact)
            })
        };
        let name = &self.question.name;
        if let Some((own, true)) = of(name) {
            return self.denied(vec![own], None);
        }
        let mut next_closer = name.clone();
        for encloser in name::with_ancestors(name).skip(1).take(MAX_LABELS) {
            if !name::is_within(&encloser, &self.zone) {
                return None;
            }
            if let Some((matching, true)) = of(&encloser) {
                let (covering, _) = of(&next_closer)?;
                let mut proof = vec![matching, covering];
                proof.extend(of(&wildcard(&encloser)?).map(|(set, _)| set));
                let mut seen: Vec<Name> = Vec::new();
                proof.retain(|set| {
                    let new = !seen.contains(&set.owner);
                    seen.push(set.owner.clone());
                    new
                });
                return self.denied(proof, Some(&encloser));
            }
            next_closer = encloser;
        }
        None
    }

    /// The result of a proof: records made from the wildcard below `encloser`, or a denial.
    fn denied(&self, sets: Vec<RRset>, encloser: Option<&Name>) -> Option<Reply> {
        let (name, rtype) = (&self.question.name, self.question.rtype);
        let (proof, mut blocks) = (Proof::read(&sets, &self.zone), BLOCKS);
        if let Some(encloser) = encloser
            && let Some(CachedRRset { set, .. }) = self.wildcard_records(encloser)
            && denial::wildcard_expansion(&proof, name, encloser, &mut blocks)
                == Ok(DenialStatus::Proven)
        {
            return Some(self.expanded(set, sets));
        }
        let ttl = sets.iter().map(|set| set.ttl).min().unwrap_or(0);
        let soa = self.env.shared().cache.rrset(&self.zone, Rtype::SOA, self.now)?;
        if soa.security != Security::Secure {
            return None;
        }
        let ttl = soa.set.ttl.min(ttl);
        let denial = Denial { soa: Some(soa.set), proof: sets, ttl, security: Security::Secure };
        if encloser.is_some()
            && denial::nxdomain(&proof, name, &mut blocks) == Ok(DenialStatus::Proven)
        {
            return Some(Reply::of(Finding::NxDomain(denial)));
        }
        match denial::nodata(&proof, name, rtype, &mut blocks) {
            Ok(DenialStatus::Proven) => Some(Reply::of(Finding::NoData(denial))),
            Ok(DenialStatus::NxName) => Some(Reply::of(Finding::NxDomain(denial))),
            _ => None,
        }
    }

    /// The records of a wildcard with the QNAME as owner.
    fn expanded(&self, set: RRset, proof: Vec<RRset>) -> Reply {
        let set = RRset { owner: self.question.name.clone(), ..set };
        Reply { proof, ..Reply::of(Finding::Records(vec![set])) }
    }

    fn wildcard_records(&self, encloser: &Name) -> Option<CachedRRset> {
        let cache = &self.env.shared().cache;
        let cached = cache.rrset(&wildcard(encloser)?, self.question.rtype, self.now)?;
        (cached.security == Security::Secure).then_some(cached)
    }
}
