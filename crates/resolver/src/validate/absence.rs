//! Whether what is said not to exist is proven not to (RFC 4035 section 5.4, RFC 5155 section 8).

use zoners_dns::{Ede, EdeCode, Network, Question, RRset, Rtype, Security};
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
        let keys = match self.trust(&signer, context).await? {
            Trust::Signed(keys) => keys,
            Trust::Unsigned => return Ok(unsigned),
        };
        let proven = match self.proven(proof, &signer, &keys, context).await {
            Ok(proven) => proven,
            Err(reason) => match self.other_keys(&signer, &keys, reason, context).await {
                Some(Trust::Unsigned) => return Ok(unsigned),
                Some(Trust::Signed(keys)) => {
                    self.proven(proof, &signer, &keys, context).await.map_err(fails)?
                }
                None => return Err(fails(reason)),
            },
        };
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
}

/// Whether records of a type are there wherever there are others in a signed zone (RFC 4035 sections
/// 2.2 and 2.3), or stand for all types.
fn lies_beside_others(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::RRSIG | Rtype::NSEC | Rtype::ANY)
}
