//! Validation (RFC 4035 section 5).
//!
//! A reply is taken apart into its RRsets. Each RRset is verified with the keys of the zone that
//! signed it; an unsigned RRset must lie in a zone that is proven to be unsigned; a denial must be
//! proven. The worst status is that of the whole.

mod denial_proof;
mod unsigned;

use zoners_dns::{Counter, Name, Network, Question, RRset, Rtype, Security, name};
use zoners_dnssec::BogusReason;
use zoners_dnssec::denial::{self, DenialStatus, Proof};
use zoners_dnssec::rrsig::Rrsig;
use zoners_dnssec::signed_data::wildcard;

use crate::cached::aggressive_nsec::keep_ranges;
use crate::cached::store::keep_rrset;
use crate::env::environment::Env;
use crate::model::alias_link::{AliasLink, AliasLinks};
use crate::model::answer::{Cause, Unresolved};
use crate::model::step::Step;
use crate::model::verdict::{Finding, Reply};
use crate::model::zone_trust::ZoneTrust;
use crate::validate::chain::ChainOfTrust;
use crate::validate::key_refresh::changed_keys;
use crate::validate::validation::denial_proof::check_denial;
use crate::validate::validation::unsigned::need_not_be_signed;
use crate::validate::verification::{charge_hashing, verified_proof, verify};
use denial_proof::DenialCheck;

pub(crate) use denial_proof::signed_proof;
pub(crate) use unsigned::{is_overruled, lies_unsigned};

/// The result for an RRset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RRsetCheck {
    /// The status.
    pub(crate) security: Security,
    /// Seconds for which the status holds.
    pub(crate) ttl: u32,
}

/// The failure of a question with bogus data.
pub(crate) fn bogus(question: &Question, reason: BogusReason) -> Unresolved {
    // Excessive work is not repeated with a different server.
    let again = reason != BogusReason::TooMuchWork;
    let cause = if again { Cause::Bogus } else { Cause::BogusZone };
    Unresolved::new(cause, format!("{question}: {reason}")).with_code(reason.code())
}

/// Validates a reply to `asked`, and sets its status.
///
/// # Errors
/// The reply is bogus, or the proof cannot be fetched now.
pub(crate) async fn validate<N: Network>(
    env: &Env<N>,
    asked: &Question,
    reply: &mut Reply,
    step: &Step,
) -> Result<(), Unresolved> {
    if !step.validate || reply.security != Security::Unchecked {
        return Ok(());
    }
    let proving = step.proving(&env.settings().limits);
    let status = security_status(env, asked, reply, &proving).await;
    report_status(env, asked, &status, step);
    reply.security = status?;
    Ok(())
}

/// Whether `asked` lies in a zone known to count as unsigned.
pub(crate) fn is_unsigned<N: Network>(env: &Env<N>, asked: &Question) -> bool {
    env.is_taken_as_it_comes(&asked.answered_at())
}

/// Counts a status, and adds it to the trace.
pub(crate) fn report_status<N: Network>(
    env: &Env<N>,
    asked: &Question,
    status: &Result<Security, Unresolved>,
    step: &Step,
) {
    env.count(match status {
        Ok(Security::Secure) => Counter::DnssecSecure,
        Ok(_) => Counter::DnssecInsecure,
        Err(_) => Counter::DnssecBogus,
    });
    step.trace(|| {
        let status = match status {
            Ok(Security::Secure) => "secure".into(),
            Ok(_) => "insecure".into(),
            Err(unresolved) => unresolved.to_string(),
        };
        crate::model::trace::Hop::Note(format!("{asked}: {status}"))
    });
}

async fn security_status<N: Network>(
    env: &Env<N>,
    asked: &Question,
    reply: &mut Reply,
    step: &Step,
) -> Result<Security, Unresolved> {
    if is_unsigned(env, asked) {
        reply.set_unsigned();
        return Ok(Security::Insecure);
    }
    let (mut status, mut name) = (Security::Secure, asked.name.clone());
    let mut links = AliasLinks::default();
    for alias in &mut reply.aliases {
        let link = links.next(alias);
        // The synthesised CNAME is ours; its DNAME was verified.
        if link != AliasLink::Synthesised {
            let question = Question { name: alias.owner.clone(), ..asked.clone() };
            let checked = check_rrset(env, alias, &reply.proof, &question, step).await?;
            alias.ttl = checked.ttl;
            status = status.min(checked.security);
        }
        if link != AliasLink::Dname
            && let Some(target) = alias.target()
        {
            name = target;
        }
    }
    let question = Question { name, ..asked.clone() };
    let Reply { finding, beyond, proof, .. } = reply;
    let own = check_finding(env, &question, finding, proof, step).await?;
    if status == Security::Secure
        && let Some(mut denial) = beyond.take()
        && check_finding(env, &question, &mut denial, &[], step).await == Ok(Security::Secure)
    {
        *finding = *denial;
    }
    Ok(status.min(own))
}

/// The status of the end of an alias chain, with the `proof` of wildcard expansions.
async fn check_finding<N: Network>(
    env: &Env<N>,
    question: &Question,
    finding: &mut Finding,
    proof: &[RRset],
    step: &Step,
) -> Result<Security, Unresolved> {
    let exists = matches!(finding, Finding::NoData(_));
    match finding {
        Finding::Records(sets) => {
            let mut own = Security::Secure;
            for set in sets {
                let checked = check_rrset(env, set, proof, question, step).await?;
                set.ttl = checked.ttl;
                own = own.min(checked.security);
            }
            Ok(own)
        }
        Finding::NoData(denial) | Finding::NxDomain(denial) => {
            let absence = check_denial(env, question, &denial.proof, exists, step).await?;
            let DenialCheck { security, of_name } = absence;
            // Only clients use the SOA, but it must not be forged.
            if security == Security::Secure
                && let Some(soa) = &denial.soa
            {
                let checked = check_rrset(env, soa, &[], question, step).await?;
                let ttl = denial.ttl.min(checked.ttl);
                keep_rrset(env, &RRset { ttl, ..soa.clone() }, &[], checked.security);
            }
            denial.security = security;
            if of_name == exists {
                // The proof contradicts the RCODE. The entry cached before the proof would be found
                // first.
                env.shared().cache.remove_denials(&question.name, question.rtype);
                let denial = denial.clone();
                *finding = match of_name {
                    true => Finding::NxDomain(denial),
                    false => Finding::NoData(denial),
                };
            }
            Ok(security)
        }
        Finding::Alias(_) | Finding::TooLong => Ok(Security::Secure),
    }
}

/// The status of an RRset that answers `question`, with its `proof`.
pub(crate) async fn check_rrset<N: Network>(
    env: &Env<N>,
    set: &RRset,
    proof: &[RRset],
    question: &Question,
    step: &Step,
) -> Result<RRsetCheck, Unresolved> {
    let unsigned = RRsetCheck { security: Security::Insecure, ttl: set.ttl };
    // Signatures are not signed (RFC 4035 section 2.2).
    if set.rtype == Rtype::RRSIG {
        return Ok(unsigned);
    }
    let fails = |reason| bogus(question, reason);
    // A CNAME stands in place of the records of the question.
    let placed = if set.rtype == Rtype::CNAME { question.rtype } else { set.rtype };
    let question = Question { name: set.owner.clone(), rtype: placed, ..question.clone() };
    let Some(signer) = signer_of(set, placed) else {
        let lacks = BogusReason::NoSignature;
        return need_not_be_signed(env, &question, lacks, step).await.map(|()| unsigned);
    };
    if is_overruled(env, &signer, &question, step).await? {
        return Ok(unsigned);
    }
    let keys = match env.trust_of(&signer, step).await? {
        ZoneTrust::Signed(keys) => keys,
        ZoneTrust::Unsigned => return Ok(unsigned),
    };
    let (keys, verified) = match verify(env, set, &signer, &keys, step).await {
        Ok(verified) => (keys, verified),
        Err(reason) => match changed_keys(env, &signer, &keys, reason, step).await {
            Some(ZoneTrust::Unsigned) => return Ok(unsigned),
            Some(ZoneTrust::Signed(keys)) => {
                let verified = verify(env, set, &signer, &keys, step).await;
                (keys, verified.map_err(fails)?)
            }
            None => return Err(fails(reason)),
        },
    };
    let secure = RRsetCheck { security: Security::Secure, ttl: verified.ttl };
    let Some(encloser) = verified.expanded_from else { return Ok(secure) };
    let proven = verified_proof(env, proof, &signer, &keys, step).await.map_err(fails)?;
    let proof = Proof::read(&proven, &signer);
    let expansion =
        |blocks: &mut u32| denial::wildcard_expansion(&proof, &set.owner, &encloser, blocks);
    let denied = charge_hashing(env, step, expansion).map_err(fails)?;
    if denied == DenialStatus::Proven
        && let Some(owner) = wildcard(&encloser)
    {
        // A range or wildcard answering one name answers further names.
        keep_ranges(env, &signer, &proven, set.ttl);
        let original = RRset { owner, ttl: verified.ttl, ..set.clone() };
        keep_rrset(env, &original, &[], Security::Secure);
    }
    Ok(RRsetCheck { security: of_denial(denied), ..secure })
}

/// The zone that signed an RRset, if it may give records of type `placed` at the owner.
fn signer_of(set: &RRset, placed: Rtype) -> Option<Name> {
    let signers = set.signatures.iter().filter_map(|rdata| Rrsig::read(&rdata));
    let mut signers = signers.map(|rrsig| rrsig.signer);
    signers.find(|signer| may_sign(signer, &set.owner, placed))
}

/// Whether a zone may give records of a type at `name`: DS records belong to a zone above the cut,
/// whether they exist, are denied, or an alias stands there (RFC 4035 section 2.4).
fn may_sign(zone: &Name, name: &Name, rtype: Rtype) -> bool {
    name::is_within(name, zone) && (rtype != Rtype::DS || zone != name || name.is_root())
}

fn of_denial(denied: DenialStatus) -> Security {
    match denied {
        DenialStatus::Proven | DenialStatus::NxName => Security::Secure,
        DenialStatus::OptOut | DenialStatus::TooManyIterations => Security::Insecure,
    }
}
