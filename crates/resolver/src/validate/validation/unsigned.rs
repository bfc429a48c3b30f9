//! Whether a name lies in an unsigned zone, so that its records need no signatures.

use zoners_dns::{Counter, Name, Network, Question, Rtype, name};
use zoners_dnssec::BogusReason;

use super::bogus;
use crate::env::environment::Env;
use crate::iterate::zone_cut::zone_cut;
use crate::model::answer::Unresolved;
use crate::model::step::Step;
use crate::model::zone_trust::ZoneTrust;
use crate::validate::chain::ChainOfTrust;
use crate::validate::chain::DsAnswer;
use crate::validate::key_refresh::renewed_trust;

/// The deepest zone around the name that is known: by a delegation, by the configuration, or by its
/// trust anchor.
fn enclosing_zone<N: Network>(env: &Env<N>, question: &Question) -> Name {
    let cut = zone_cut(env, question).zone;
    match env.anchor_of(&question.answered_at()) {
        Some(anchor) if name::is_below(&anchor.zone, &cut) => anchor.zone.clone(),
        _ => cut,
    }
}

/// Whether a zone cut lies between `signer` and the name, so that the signer may not sign there.
/// True if the zone below is unsigned, so that no zone may.
pub(crate) async fn is_overruled<N: Network>(
    env: &Env<N>,
    signer: &Name,
    question: &Question,
    step: &Step,
) -> Result<bool, Unresolved> {
    let zone = enclosing_zone(env, question);
    if !name::is_below(&zone, signer) {
        return Ok(false);
    }
    match env.trust_of(&zone, step).await? {
        ZoneTrust::Unsigned => Ok(true),
        ZoneTrust::Signed(_) => Err(bogus(question, BogusReason::WrongSigner)),
    }
}

/// Whether the name lies in an unsigned zone, searched from its zone cut down. If not, its records
/// must be signed.
pub(crate) async fn lies_unsigned<N: Network>(
    env: &Env<N>,
    question: &Question,
    step: &Step,
) -> Result<bool, Unresolved> {
    let zone = enclosing_zone(env, question);
    if let ZoneTrust::Unsigned = env.trust_of(&zone, step).await? {
        return Ok(true);
    }
    let depth = name::depth(&question.name);
    // DS records stand above the cut.
    let last = if question.rtype == Rtype::DS { depth.saturating_sub(1) } else { depth };
    let first = name::depth(&zone) + 1;
    for labels in (first..=last).take(env.settings().limits.ds_labels) {
        let child = name::ancestor(&question.name, labels);
        match env.ds_of(&child, step).await {
            Ok(DsAnswer::Unsigned) => return Ok(true),
            Ok(DsAnswer::NoCut) => {}
            // There is no proof that the name lies in an unsigned zone.
            Err(unresolved) if unresolved.ede.code.is_bogus() => return Ok(false),
            Err(unresolved) => return Err(unresolved),
            Ok(DsAnswer::Signed(_)) => {
                if let ZoneTrust::Unsigned = env.trust_of(&child, step).await? {
                    return Ok(true);
                }
            }
        }
    }
    if last.saturating_sub(first) >= env.settings().limits.ds_labels {
        env.count(Counter::LimitDsLabels);
    }
    Ok(false)
}

/// Whether records may lack a signature: the zone is unsigned, or has just stopped being
/// signed.
///
/// # Errors
/// The records must be signed; `lacks` is the fault.
pub(super) async fn need_not_be_signed<N: Network>(
    env: &Env<N>,
    question: &Question,
    lacks: BogusReason,
    step: &Step,
) -> Result<(), Unresolved> {
    if lies_unsigned(env, question, step).await? {
        return Ok(());
    }
    let zone = enclosing_zone(env, question);
    match renewed_trust(env, &zone, lacks, step).await {
        Some(ZoneTrust::Unsigned) => Ok(()),
        _ => Err(bogus(question, lacks)),
    }
}
