//! The validation of one RRset (RFC 4035 section 5.3).

use std::sync::Arc;

use zoners_dns::{Name, Network, RRset, Rtype, Security, name};
use zoners_dnssec::BogusReason;
use zoners_dnssec::denial::{self, DenialStatus, Proof};
use zoners_dnssec::dnskey::Dnskey;
use zoners_dnssec::rrsig::Rrsig;
use zoners_dnssec::signed_data::wildcard;

use super::Validation;
use crate::cached::aggressive_nsec::keep_ranges;
use crate::cached::store::keep_rrset;
use crate::model::answer::Unresolved;
use crate::validate::verification::{charge_hashing, verified_proof, verify};

/// The result for an RRset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RRsetCheck {
    /// The status.
    pub(crate) security: Security,
    /// Seconds for which the status holds.
    pub(crate) ttl: u32,
}

/// An RRset that was expanded from a wildcard.
struct Expansion<'a> {
    set: &'a RRset,
    /// Seconds for which the signature holds.
    ttl: u32,
    signer: &'a Name,
    keys: &'a [Dnskey],
    /// The parent of the wildcard.
    encloser: &'a Name,
}

impl<N: Network> Validation<'_, N> {
    /// The status of an RRset in answer to the question, with the `proof` of an expansion.
    pub(crate) async fn check_rrset(
        &self,
        set: &RRset,
        proof: &[RRset],
    ) -> Result<RRsetCheck, Unresolved> {
        let unsigned = RRsetCheck { security: Security::Insecure, ttl: set.ttl };
        // Signatures are not signed (RFC 4035 section 2.2).
        if set.rtype == Rtype::RRSIG {
            return Ok(unsigned);
        }
        // A CNAME stands in place of the records of the question.
        let placed = if set.rtype == Rtype::CNAME { self.question.rtype } else { set.rtype };
        let own = self.about(set.owner.clone(), placed);
        let Some(signer) = signer_of(set, placed) else {
            own.need_not_be_signed(BogusReason::NoSignature).await?;
            return Ok(unsigned);
        };
        if own.is_overruled(&signer).await? {
            return Ok(unsigned);
        }
        let (env, step, zone) = (self.env, self.step, &signer);
        let check = |keys: Arc<Vec<Dnskey>>| async move {
            let verified = verify(env, set, zone, &keys, step).await?;
            Ok((keys, verified))
        };
        let Some((keys, verified)) = self.with_keys_of(&signer, check).await? else {
            return Ok(unsigned);
        };
        let mut checked = RRsetCheck { security: Security::Secure, ttl: verified.ttl };
        if let Some(encloser) = &verified.expanded_from {
            let (ttl, signer, keys) = (verified.ttl, &signer, &keys[..]);
            let expansion = Expansion { set, ttl, signer, keys, encloser };
            checked.security = self.check_expansion(&expansion, proof).await?;
        }
        Ok(checked)
    }

    /// The status of a wildcard expansion, which needs the `proof` that no closer name exists (RFC 4035 section 5.3.4).
    async fn check_expansion(
        &self,
        expansion: &Expansion<'_>,
        proof: &[RRset],
    ) -> Result<Security, Unresolved> {
        let (env, step) = (self.env, self.step);
        let Expansion { set, ttl, signer, keys, encloser } = *expansion;
        let proven = verified_proof(env, proof, signer, keys, step).await;
        let proven = proven.map_err(|reason| self.bogus(reason))?;
        let proof = Proof::read(&proven, signer);
        let denied = charge_hashing(env, step, |blocks| {
            denial::wildcard_expansion(&proof, &set.owner, encloser, blocks)
        });
        let denied = denied.map_err(|reason| self.bogus(reason))?;
        if denied == DenialStatus::Proven
            && let Some(owner) = wildcard(encloser)
        {
            // A range or wildcard answering one name answers further names.
            keep_ranges(env, signer, &proven, set.ttl);
            let original = RRset { owner, ttl, ..set.clone() };
            keep_rrset(env, &original, &[], Security::Secure);
        }
        Ok(of_denial(denied))
    }
}

/// The signing zone of an RRset, if the zone may give records of type `placed` at the owner.
pub(super) fn signer_of(set: &RRset, placed: Rtype) -> Option<Name> {
    let signers = set.signatures.iter().filter_map(|rdata| Rrsig::read(&rdata));
    let mut signers = signers.map(|rrsig| rrsig.signer);
    signers.find(|signer| may_sign(signer, &set.owner, placed))
}

/// Whether a zone may give records of a type at `name`: DS records belong to a zone above the cut,
/// whether they exist, are denied, or an alias stands there (RFC 4035 section 2.4).
pub(super) fn may_sign(zone: &Name, name: &Name, rtype: Rtype) -> bool {
    name::is_within(name, zone) && (rtype != Rtype::DS || zone != name || name.is_root())
}

pub(super) fn of_denial(denied: DenialStatus) -> Security {
    match denied {
        DenialStatus::Proven | DenialStatus::NxName => Security::Secure,
        DenialStatus::OptOut | DenialStatus::TooManyIterations => Security::Insecure,
    }
}
