//! Whether a signed zone begins at a name: what its parent proves of its DS records.

use zoners_cache::Denial;
use zoners_dns::{DsStatus, Ede, EdeCode, Name, Network, Question, RRset, Rtype, Security, name};
use zoners_dnssec::BogusReason;
use zoners_dnssec::denial::{self, DsDenial, Proof};
use zoners_dnssec::rrsig::Rrsig;

use crate::env::worker::Worker;
use crate::model::answer::Unresolved;
use crate::model::context::Context;
use crate::model::verdict::{Finding, Reply};
use crate::validate::retry::Tries;
use crate::validate::trust::Boxed;
use crate::validate::validation::bogus;

/// What is proven of a name's DS records.
#[derive(Clone, Debug)]
pub(crate) enum DsAnswer {
    /// It has some: a signed zone begins there.
    Signed(RRset),
    /// It has none, and an unsigned zone begins there; or it lies in one.
    Unsigned,
    /// No zone begins there.
    NoCut,
}

impl<N: Network> Worker<N> {
    /// What the parent of `child` proves of its DS records.
    ///
    /// # Errors
    /// It proves nothing, or cannot be asked now.
    pub(crate) fn ds(&self, child: &Name, context: &Context) -> Boxed<DsAnswer> {
        let (worker, child, context) = (self.arc(), child.clone(), context.clone());
        Box::pin(async move { worker.find_ds(&child, &context).await.map_err(Unresolved::of_zone) })
    }

    async fn find_ds(&self, child: &Name, context: &Context) -> Result<DsAnswer, Unresolved> {
        let question = Question::new(child.clone(), Rtype::DS);
        if self.anchor_of(child).is_none() {
            return Ok(DsAnswer::Unsigned);
        }
        if let Some(word) = self.word_of_the_referral(child)
            && let Ok(answer) = self.prove_ds(child, word, context).await
        {
            return Ok(answer);
        }
        self.may_prove().await?;
        let mut tries = Tries::new(self, context);
        loop {
            let reply = tries.next(self, &question).await?;
            let from = reply.from;
            match self.prove_ds(child, reply, tries.context()).await {
                Ok(answer) => return Ok(answer),
                Err(unresolved) => tries.failed(self, &question, from, unresolved)?,
            }
        }
    }

    /// What came with the delegation of `child`.
    fn word_of_the_referral(&self, child: &Name) -> Option<Reply> {
        let (cache, now) = (&self.shared().cache, self.shared().now());
        if let Some(reply) = self.sought(child, Rtype::DS).known(cache, now)
            && reply.security != Security::Unchecked
        {
            return Some(reply);
        }
        let (finding, proof) = match cache.delegation(child, now)?.signing {
            DsStatus::Unknown => return None,
            DsStatus::Signed(ds) => (Finding::Records(vec![ds]), Vec::new()),
            DsStatus::Unsigned(proof) => (Finding::NoData(Denial::new(None, proof)), Vec::new()),
        };
        Some(Reply { proof, ..Reply::of(finding) })
    }

    async fn prove_ds(
        &self,
        child: &Name,
        reply: Reply,
        context: &Context,
    ) -> Result<DsAnswer, Unresolved> {
        let question = Question::new(child.clone(), Rtype::DS);
        let fails = |reason| bogus(&question, reason);
        // An alias is no cut (RFC 1034 section 3.6.2).
        if let Some(alias) = reply.aliases.first() {
            return match self.check(alias, &reply.proof, &question, context).await?.security {
                Security::Secure => Ok(DsAnswer::NoCut),
                _ => Ok(DsAnswer::Unsigned),
            };
        }
        let (proof, ttl) = match &reply.finding {
            Finding::Records(sets) => {
                let ds = sets.first().ok_or_else(|| fails(BogusReason::NoSignature))?;
                let checked = self.check(ds, &[], &question, context).await?;
                return match checked.security {
                    Security::Secure => {
                        let ds = RRset { ttl: checked.ttl, ..ds.clone() };
                        self.keep(&ds, &[], Security::Secure);
                        Ok(DsAnswer::Signed(ds))
                    }
                    _ => Ok(DsAnswer::Unsigned),
                };
            }
            Finding::NoData(denial) | Finding::NxDomain(denial) => (&denial.proof, denial.ttl),
            _ => (&reply.proof, reply.proof.iter().map(|set| set.ttl).min().unwrap_or(0)),
        };
        let Some(signer) = signer_above(proof, child) else {
            return match self.lies_unsigned(&question, context).await? {
                true => Ok(DsAnswer::Unsigned),
                false => Err(fails(BogusReason::NoProof)),
            };
        };
        if self.is_overruled(&signer, &question, context).await? {
            return Ok(DsAnswer::Unsigned);
        }
        let proven = self.signed_proof(&question, proof, &signer, context).await?;
        let Some(proven) = proven else { return Ok(DsAnswer::Unsigned) };
        let proof = Proof::read(&proven, &signer);
        let no_ds = self.hashing(context, |blocks| denial::no_ds(&proof, child, blocks));
        match no_ds.map_err(fails)? {
            DsDenial::NoCut => Ok(DsAnswer::NoCut),
            DsDenial::Unsigned => {
                self.found_unsigned(child, None, ttl, context);
                Ok(DsAnswer::Unsigned)
            }
            DsDenial::TooManyIterations => {
                let ede = Ede::new(EdeCode(27), signer.fmt_with_dot().to_string());
                self.found_unsigned(child, Some(&ede), ttl, context);
                Ok(DsAnswer::Unsigned)
            }
        }
    }
}

/// The zone above `child` that signed the records of a proof.
fn signer_above(proof: &[RRset], child: &Name) -> Option<Name> {
    let signatures = proof.iter().flat_map(|set| set.signatures.iter());
    let mut signers = signatures.filter_map(|rdata| Rrsig::read(&rdata)).map(|rrsig| rrsig.signer);
    signers.find(|signer| name::is_below(child, signer))
}
