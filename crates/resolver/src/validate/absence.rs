//! Whether what is said not to exist is proven not to (RFC 4035 section 5.4, RFC 5155 section 8).

use zoners_dns::{Ede, EdeCode, Name, Network, Question, RRset, Rtype, Security};
use zoners_dnssec::Reason;
use zoners_dnssec::denial::{self, Denied, Proof};

use super::{bogus, may_sign, of_denial, signer_of};
use crate::answer::{Cause, Unresolved};
use crate::context::Context;
use crate::trust::Trust;
use crate::worker::Worker;

impl<N: Network> Worker<N> {
    /// The status of a denial, and whether NXNAME proves that the name does not exist where the
    /// RCODE denied the type alone.
    pub(super) async fn check_denial(
        &self,
        question: &Question,
        proof: &[RRset],
        exists: bool,
        context: &Context,
    ) -> Result<(Security, bool), Unresolved> {
        match self.prove_denial(question, proof, exists, context).await {
            // Such records are there, so no proof says that they are not; but not every server gives
            // them away.
            Err(unresolved) if exists && unresolved.cause == Cause::Bogus => {
                match lies_beside_others(question.rtype) {
                    true => Ok((Security::Insecure, false)),
                    false => Err(unresolved),
                }
            }
            status => status,
        }
    }

    async fn prove_denial(
        &self,
        question: &Question,
        proof: &[RRset],
        exists: bool,
        context: &Context,
    ) -> Result<(Security, bool), Unresolved> {
        let (fails, unsigned) = (|reason| bogus(question, reason), (Security::Insecure, false));
        let signers = proof.iter().filter_map(|set| signer_of(set, set.rtype));
        let signer =
            signers.into_iter().find(|signer| may_sign(signer, &question.name, question.rtype));
        let Some(signer) = signer else {
            let lacks = Reason::NoProof;
            return self.need_not_be_signed(question, lacks, context).await.map(|()| unsigned);
        };
        if self.is_overruled(&signer, question, context).await? {
            return Ok(unsigned);
        }
        let proven = self.signed_proof(question, proof, &signer, context).await?;
        let Some(proven) = proven else { return Ok(unsigned) };
        let proof = Proof::read(&proven, &signer);
        let denied = self.hashing(context, |blocks| match exists {
            true => denial::nodata(&proof, &question.name, question.rtype, blocks),
            false => denial::nxdomain(&proof, &question.name, blocks),
        });
        let denied = denied.map_err(fails)?;
        if denied == Denied::TooManyIterations {
            // Said of this name alone: what the zone signs can be proven.
            let ttl = proven.iter().map(|set| set.ttl).min().unwrap_or(0);
            let ede = Ede::new(EdeCode(27), signer.fmt_with_dot().to_string());
            self.found_unsigned(&question.name, Some(&ede), ttl, context);
        }
        if matches!(denied, Denied::Proven | Denied::Name) {
            let ttl = proven.iter().map(|set| set.ttl).min().unwrap_or(0);
            self.keep_ranges(&signer, &proven, ttl);
        }
        Ok((of_denial(denied), denied == Denied::Name))
    }

    /// The records of a proof that `zone` signed; nothing if it is as good as unsigned. Where they do not
    /// fit the keys that are known, they are held against those fetched anew.
    ///
    /// # Errors
    /// They do not fit either, so that `question` is bogus.
    pub(crate) async fn signed_proof(
        &self,
        question: &Question,
        proof: &[RRset],
        zone: &Name,
        context: &Context,
    ) -> Result<Option<Vec<RRset>>, Unresolved> {
        let fails = |reason| bogus(question, reason);
        let Trust::Signed(keys) = self.trust(zone, context).await? else { return Ok(None) };
        let reason = match self.proven(proof, zone, &keys, context).await {
            Ok(proven) => return Ok(Some(proven)),
            Err(reason) => reason,
        };
        match self.other_keys(zone, &keys, reason, context).await {
            Some(Trust::Signed(keys)) => {
                self.proven(proof, zone, &keys, context).await.map(Some).map_err(fails)
            }
            Some(Trust::Unsigned) => Ok(None),
            None => Err(fails(reason)),
        }
    }
}

/// Whether records of a type are there wherever there are others in a signed zone (RFC 4035 sections
/// 2.2 and 2.3), or stand for all types.
fn lies_beside_others(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::RRSIG | Rtype::NSEC | Rtype::ANY)
}
