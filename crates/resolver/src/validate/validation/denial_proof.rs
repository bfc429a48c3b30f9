//! Denial proofs (RFC 4035 section 5.4, RFC 5155 section 8).

use std::sync::Arc;

use zoners_dns::{Ede, EdeCode, Name, Network, Question, RRset, Rtype, Security};
use zoners_dnssec::BogusReason;
use zoners_dnssec::denial::{self, DenialStatus, Proof};
use zoners_dnssec::dnskey::Dnskey;

use super::Validation;
use super::rrset::{may_sign, of_denial, signer_of};
use crate::cached::aggressive_nsec::keep_ranges;
use crate::model::answer::{Cause, Unresolved};
use crate::validate::verification::{charge_hashing, verified_proof};

/// The result for a denial.
#[derive(Clone, Copy, Debug)]
pub(super) struct DenialCheck {
    pub(super) security: Security,
    /// Whether the name does not exist, not the type alone.
    pub(super) of_name: bool,
}

impl<N: Network> Validation<'_, N> {
    /// The status of a denial: of a type if the name `exists`, else of the name.
    pub(super) async fn check_denial(
        &self,
        proof: &[RRset],
        exists: bool,
    ) -> Result<DenialCheck, Unresolved> {
        match self.prove_denial(proof, exists).await {
            // Signatures are not signed (RFC 4035 section 2.2), so their absence cannot be proven.
            Err(unresolved)
                if exists
                    && self.question.rtype == Rtype::RRSIG
                    && unresolved.cause == Cause::Bogus =>
            {
                Ok(DenialCheck { security: Security::Insecure, of_name: false })
            }
            absence => absence,
        }
    }

    async fn prove_denial(&self, proof: &[RRset], exists: bool) -> Result<DenialCheck, Unresolved> {
        let Validation { env, question, step } = self;
        let unproven = DenialCheck { security: Security::Insecure, of_name: !exists };
        let mut signers = proof.iter().filter_map(|set| signer_of(set, set.rtype));
        let signer = signers.find(|signer| may_sign(signer, &question.name, question.rtype));
        let Some(signer) = signer else {
            self.need_not_be_signed(BogusReason::NoProof).await?;
            return Ok(unproven);
        };
        if self.is_overruled(&signer).await? {
            return Ok(unproven);
        }
        let Some(proven) = self.signed_proof(proof, &signer).await? else { return Ok(unproven) };
        let proof = Proof::read(&proven, &signer);
        let denied = charge_hashing(env, step, |blocks| denied(&proof, question, exists, blocks));
        let (denied, of_name) = denied.map_err(|reason| self.bogus(reason))?;
        self.keep_proof(&proven, &signer, denied);
        Ok(DenialCheck { security: of_denial(denied), of_name })
    }

    /// The records of a proof signed by `zone`; `None` if the zone counts as unsigned.
    ///
    /// # Errors
    /// The proof is bogus, with refreshed keys too.
    pub(crate) async fn signed_proof(
        &self,
        proof: &[RRset],
        zone: &Name,
    ) -> Result<Option<Vec<RRset>>, Unresolved> {
        let (env, step) = (self.env, self.step);
        let check = |keys: Arc<Vec<Dnskey>>| async move {
            verified_proof(env, proof, zone, &keys, step).await
        };
        self.with_keys_of(zone, check).await
    }

    /// Caches the ranges of a proof, or that nothing can be proven of the name.
    fn keep_proof(&self, proven: &[RRset], signer: &Name, denied: DenialStatus) {
        let ttl = proven.iter().map(|set| set.ttl).min().unwrap_or(0);
        match denied {
            DenialStatus::Proven | DenialStatus::NxName => {
                keep_ranges(self.env, signer, proven, ttl);
            }
            DenialStatus::TooManyIterations => {
                // This concerns denials of the name alone: the signed records of the zone can be proven.
                let signer = signer.fmt_with_dot().to_string();
                let ede = Ede::new(EdeCode::UNSUPPORTED_NSEC3_ITERATIONS, signer);
                let shared = self.env.shared();
                shared.cache.insert_unprovable(&self.question.name, &ede, ttl, shared.now());
            }
            DenialStatus::OptOut => {}
        }
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
            // Such records exist at every signed name, so no proof denies their types; but some servers
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
