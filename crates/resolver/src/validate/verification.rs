//! The work of proving: signatures verified and hashes made, each paid for out of the budget.

use zoners_dns::{Counter, Name, Network, RRset};
use zoners_dnssec::BogusReason;
use zoners_dnssec::dnskey::Dnskey;
use zoners_dnssec::rrsig::{Rrsig, Validity};
use zoners_dnssec::verify::{ValidationTime, Verified, signature_checks};

use crate::env::environment::Env;
use crate::model::step::Step;

/// The records of a proof signed by `zone`, without wildcard expansions.
pub(crate) async fn verified_proof<N: Network>(
    env: &Env<N>,
    proof: &[RRset],
    zone: &Name,
    keys: &[Dnskey],
    step: &Step,
) -> Result<Vec<RRset>, BogusReason> {
    let (mut proven, mut reason) = (Vec::new(), BogusReason::NoProof);
    for set in proof {
        match verify(env, set, zone, keys, step).await {
            Ok(verified) if verified.expanded_from.is_none() => proven.push(set.clone()),
            Ok(_) => {}
            Err(BogusReason::TooMuchWork) => return Err(BogusReason::TooMuchWork),
            Err(other) => reason = reason.max(other),
        }
    }
    if proven.is_empty() { Err(reason) } else { Ok(proven) }
}

/// Verifies an RRset by any of its signatures.
///
/// # Errors
/// No signature verifies; the error has the most significant reason.
pub(crate) async fn verify<N: Network>(
    env: &Env<N>,
    set: &RRset,
    zone: &Name,
    keys: &[Dnskey],
    step: &Step,
) -> Result<Verified, BogusReason> {
    let now = env.shared().clock.wall_seconds();
    let settings = env.settings();
    let time = ValidationTime { now: settings.validation_date.unwrap_or(now), skew: settings.skew };
    let mut reason = BogusReason::NoSignature;
    let candidates = signature_checks(set, zone, keys, time).inspect_err(|reason| {
        if matches!(reason, BogusReason::Expired | BogusReason::NotYetValid) {
            observe_skew(env, set, zone, time);
        }
    })?;
    for candidate in candidates {
        step.charge_verification().map_err(|exhausted| {
            env.count(exhausted.0);
            BogusReason::TooMuchWork
        })?;
        env.count(Counter::DnssecVerifications);
        let verified = candidate.verify();
        // A public-key operation takes long; other tasks get their turn.
        tokio::task::yield_now().await;
        match verified {
            Ok(verified) => {
                env.shared().clock_skew.in_date();
                return Ok(verified);
            }
            Err(other) => {
                env.count(Counter::DnssecVerificationsFailed);
                step.client.budget.charge_failed_verification();
                reason = reason.max(other);
            }
        }
    }
    Err(reason)
}

/// Notes by how much the signatures of an RRset are out of date.
fn observe_skew<N: Network>(env: &Env<N>, set: &RRset, zone: &Name, time: ValidationTime) {
    let signatures = set.signatures.iter().filter_map(|rdata| Rrsig::read(&rdata));
    let by = signatures.filter_map(|rrsig| match rrsig.period(time.now, time.skew) {
        Validity::Expired(seconds) => Some(i64::from(seconds)),
        Validity::NotYetValid(seconds) => Some(-i64::from(seconds)),
        Validity::Valid(_) => None,
    });
    if let Some(by) = by.min_by_key(|by| by.unsigned_abs()) {
        let shared = env.shared();
        shared.clock_skew.out_of_date(zone, by, shared.now());
    }
}

/// Computes a proof within the remaining hash blocks.
pub(crate) fn charge_hashing<N: Network, T>(
    env: &Env<N>,
    step: &Step,
    prove: impl FnOnce(&mut u32) -> Result<T, BogusReason>,
) -> Result<T, BogusReason> {
    let proven = step.client.budget.hashing(prove);
    if matches!(proven, Err(BogusReason::TooMuchWork)) {
        env.count(Counter::BudgetNsec3Hashes);
    }
    proven
}
