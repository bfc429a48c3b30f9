//! Denial proofs (RFC 4035 section 5.4, RFC 5155 section 8).

use zoners_dns::{Ede, EdeCode, Name, Network, Question, RRset, Rtype, Security};
use zoners_dnssec::BogusReason;
use zoners_dnssec::denial::{self, DenialStatus, Proof};

use super::{bogus, may_sign, of_denial, signer_of};
use crate::cached::aggressive_nsec::keep_ranges;
use crate::env::environment::Env;
use crate::model::answer::{Cause, Unresolved};
use crate::model::step::Step;
use crate::model::zone_trust::ZoneTrust;
use crate::validate::chain::ChainOfTrust;
use crate::validate::key_refresh::changed_keys;
use crate::validate::validation::unsigned::{is_overruled, need_not_be_signed};
use crate::validate::verification::{charge_hashing, verified_proof};

/// The result for a denial.
#[derive(Clone, Copy, Debug)]
pub(super) struct DenialCheck {
    pub(super) security: Security,
    /// Whether the name does not exist, not the type alone.
    pub(super) of_name: bool,
}

/// The status of a denial: of a type if the name `exists`, else of the name.
pub(super) async fn check_denial<N: Network>(
    env: &Env<N>,
    question: &Question,
    proof: &[RRset],
    exists: bool,
    step: &Step,
) -> Result<DenialCheck, Unresolved> {
    match prove_denial(env, question, proof, exists, step).await {
        // Signatures are not signed (RFC 4035 section 2.2), so their absence cannot be proven.
        Err(unresolved)
            if exists && question.rtype == Rtype::RRSIG && unresolved.cause == Cause::Bogus =>
        {
            Ok(DenialCheck { security: Security::Insecure, of_name: false })
        }
        absence => absence,
    }
}

async fn prove_denial<N: Network>(
    env: &Env<N>,
    question: &Question,
    proof: &[RRset],
    exists: bool,
    step: &Step,
) -> Result<DenialCheck, Unresolved> {
    let unproven = DenialCheck { security: Security::Insecure, of_name: !exists };
    let signers = proof.iter().filter_map(|set| signer_of(set, set.rtype));
    let signer =
        signers.into_iter().find(|signer| may_sign(signer, &question.name, question.rtype));
    let Some(signer) = signer else {
        let lacks = BogusReason::NoProof;
        return need_not_be_signed(env, question, lacks, step).await.map(|()| unproven);
    };
    if is_overruled(env, &signer, question, step).await? {
        return Ok(unproven);
    }
    let proven = signed_proof(env, question, proof, &signer, step).await?;
    let Some(proven) = proven else { return Ok(unproven) };
    let proof = Proof::read(&proven, &signer);
    let denied = charge_hashing(env, step, |blocks| denied(&proof, question, exists, blocks));
    let (denied, of_name) = denied.map_err(|reason| bogus(question, reason))?;
    if denied == DenialStatus::TooManyIterations {
        // This concerns denials of the name alone: the signed records of the zone can be proven.
        let ttl = proven.iter().map(|set| set.ttl).min().unwrap_or(0);
        let ede =
            Ede::new(EdeCode::UNSUPPORTED_NSEC3_ITERATIONS, signer.fmt_with_dot().to_string());
        let shared = env.shared();
        shared.cache.insert_unprovable(&question.name, &ede, ttl, shared.now());
    }
    if matches!(denied, DenialStatus::Proven | DenialStatus::NxName) {
        let ttl = proven.iter().map(|set| set.ttl).min().unwrap_or(0);
        keep_ranges(env, &signer, &proven, ttl);
    }
    Ok(DenialCheck { security: of_denial(denied), of_name })
}

/// The records of a proof signed by `zone`; `None` if the zone counts as unsigned. If signatures do
/// not match the known keys, the keys are refreshed.
///
/// # Errors
/// The refreshed keys do not match either, so `question` is bogus.
pub(crate) async fn signed_proof<N: Network>(
    env: &Env<N>,
    question: &Question,
    proof: &[RRset],
    zone: &Name,
    step: &Step,
) -> Result<Option<Vec<RRset>>, Unresolved> {
    let fails = |reason| bogus(question, reason);
    let ZoneTrust::Signed(keys) = env.trust_of(zone, step).await? else { return Ok(None) };
    let reason = match verified_proof(env, proof, zone, &keys, step).await {
        Ok(proven) => return Ok(Some(proven)),
        Err(reason) => reason,
    };
    match changed_keys(env, zone, &keys, reason, step).await {
        Some(ZoneTrust::Signed(keys)) => {
            verified_proof(env, proof, zone, &keys, step).await.map(Some).map_err(fails)
        }
        Some(ZoneTrust::Unsigned) => Ok(None),
        None => Err(fails(reason)),
    }
}

/// The result of a proof, and whether it denies the name or the type alone. The RCODE may differ:
/// with NXNAME a name is denied under NOERROR (RFC 9824), and some servers deny empty non-terminals
/// under NXDOMAIN, with the proof that they exist.
fn denied(
    proof: &Proof,
    question: &Question,
    exists: bool,
    blocks: &mut u32,
) -> Result<(DenialStatus, bool), BogusReason> {
    let Question { name, rtype, .. } = question;
    if exists {
        return match denial::nodata(proof, name, *rtype, blocks) {
            Ok(denied) => Ok((denied, denied == DenialStatus::NxName)),
            // These records exist at every signed name, so no proof denies them; but some servers
            // omit them.
            Err(_) if lies_beside_others(*rtype) && denial::exists(proof, name, blocks)? => {
                Ok((DenialStatus::OptOut, false))
            }
            Err(reason) => Err(reason),
        };
    }
    let reason = match denial::nxdomain(proof, name, blocks) {
        Ok(denied) => return Ok((denied, true)),
        Err(reason) => reason,
    };
    match denial::nodata(proof, name, *rtype, blocks) {
        Ok(DenialStatus::Proven) => Ok((DenialStatus::Proven, false)),
        _ => Err(reason),
    }
}

/// Whether records of a type exist beside any others in a signed zone (RFC 4035 section 2.3), or
/// stand for every type.
fn lies_beside_others(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::NSEC | Rtype::ANY)
}
