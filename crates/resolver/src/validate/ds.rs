//! DS: whether a signed zone begins at a name, by proofs of its parent.

use zoners_cache::Denial;
use zoners_dns::{DsStatus, Ede, EdeCode, Name, Network, Question, RRset, Rtype, Security, name};
use zoners_dnssec::BogusReason;
use zoners_dnssec::denial::{self, DsDenial, Proof};
use zoners_dnssec::rrsig::Rrsig;

use crate::ask::interception::may_prove;
use crate::cached::lookup::sought;
use crate::cached::store::keep_rrset;
use crate::env::environment::Env;
use crate::env::lookups::Boxed;
use crate::model::answer::Unresolved;
use crate::model::step::Step;
use crate::model::verdict::{Finding, Reply};
use crate::validate::chain::{DsAnswer, keep_unsigned};
use crate::validate::retry::Retries;
use crate::validate::validation::Validation;
use crate::validate::verification::charge_hashing;

/// The proven DS records of `child`, from its parent.
///
/// # Errors
/// The parent proves nothing, or cannot be asked now.
pub(crate) fn ds_of<N: Network>(
    env: &Env<N>,
    child: &Name,
    step: &Step,
) -> Boxed<'static, Result<DsAnswer, Unresolved>> {
    let (env, child, step) = (env.arc(), child.clone(), step.clone());
    Box::pin(async move { find_ds(&env, &child, &step).await.map_err(Unresolved::of_zone) })
}

async fn find_ds<N: Network>(
    env: &Env<N>,
    child: &Name,
    step: &Step,
) -> Result<DsAnswer, Unresolved> {
    let question = Question::new(child.clone(), Rtype::DS);
    if env.anchor_of(child).is_none() {
        return Ok(DsAnswer::Unsigned);
    }
    if let Some(word) = word_of_the_referral(env, child)
        && let Ok(answer) = prove_ds(env, child, word, step).await
    {
        return Ok(answer);
    }
    may_prove(env).await?;
    let mut tries = Retries::new(env, step);
    loop {
        let reply = tries.next(env, &question).await?;
        let from = reply.from;
        match prove_ds(env, child, reply, tries.step()).await {
            Ok(answer) => return Ok(answer),
            Err(unresolved) => tries.failed(env, &question, from, unresolved)?,
        }
    }
}

/// The DS records, or their denial, that came with the delegation of `child`.
fn word_of_the_referral<N: Network>(env: &Env<N>, child: &Name) -> Option<Reply> {
    let (cache, now) = (&env.shared().cache, env.shared().now());
    if let Some(reply) = sought(env, child, Rtype::DS).known(cache, now)
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

async fn prove_ds<N: Network>(
    env: &Env<N>,
    child: &Name,
    reply: Reply,
    step: &Step,
) -> Result<DsAnswer, Unresolved> {
    let question = Question::new(child.clone(), Rtype::DS);
    let validation = Validation { env, question, step };
    // An alias is no cut (RFC 1034 section 3.6.2).
    if let Some(alias) = reply.aliases.first() {
        return match validation.check_rrset(alias, &reply.proof).await?.security {
            Security::Secure => Ok(DsAnswer::NoCut),
            _ => Ok(DsAnswer::Unsigned),
        };
    }
    match &reply.finding {
        Finding::Records(sets) => validation.prove_ds_records(sets.first()).await,
        Finding::NoData(denial) | Finding::NxDomain(denial) => {
            validation.prove_no_ds(&denial.proof, denial.ttl).await
        }
        Finding::Alias(_) | Finding::TooLong => {
            let ttl = reply.proof.iter().map(|set| set.ttl).min().unwrap_or(0);
            validation.prove_no_ds(&reply.proof, ttl).await
        }
    }
}

impl<N: Network> Validation<'_, N> {
    async fn prove_ds_records(&self, ds: Option<&RRset>) -> Result<DsAnswer, Unresolved> {
        let ds = ds.ok_or_else(|| self.bogus(BogusReason::NoSignature))?;
        let checked = self.check_rrset(ds, &[]).await?;
        if checked.security != Security::Secure {
            return Ok(DsAnswer::Unsigned);
        }
        let ds = RRset { ttl: checked.ttl, ..ds.clone() };
        keep_rrset(self.env, &ds, &[], Security::Secure);
        Ok(DsAnswer::Signed(ds))
    }

    /// Reads the `proof` that there are no DS records, which holds for `ttl` seconds.
    async fn prove_no_ds(&self, proof: &[RRset], ttl: u32) -> Result<DsAnswer, Unresolved> {
        let Validation { env, question, step } = self;
        let child = &question.name;
        let Some(signer) = signer_above(proof, child) else {
            return match self.lies_unsigned().await? {
                true => Ok(DsAnswer::Unsigned),
                false => Err(self.bogus(BogusReason::NoProof)),
            };
        };
        if self.is_overruled(&signer).await? {
            return Ok(DsAnswer::Unsigned);
        }
        let proven = self.signed_proof(proof, &signer).await?;
        let Some(proven) = proven else { return Ok(DsAnswer::Unsigned) };
        let proof = Proof::read(&proven, &signer);
        let no_ds = charge_hashing(env, step, |blocks| denial::no_ds(&proof, child, blocks));
        match no_ds.map_err(|reason| self.bogus(reason))? {
            DsDenial::NoCut => Ok(DsAnswer::NoCut),
            DsDenial::Unsigned => {
                keep_unsigned(env, child, None, ttl, step);
                Ok(DsAnswer::Unsigned)
            }
            DsDenial::TooManyIterations => {
                let signer = signer.fmt_with_dot().to_string();
                let ede = Ede::new(EdeCode::UNSUPPORTED_NSEC3_ITERATIONS, signer);
                keep_unsigned(env, child, Some(&ede), ttl, step);
                Ok(DsAnswer::Unsigned)
            }
        }
    }
}

/// The zone above `child` that signed a proof.
fn signer_above(proof: &[RRset], child: &Name) -> Option<Name> {
    let signatures = proof.iter().flat_map(|set| set.signatures.iter());
    let mut signers = signatures.filter_map(|rdata| Rrsig::read(&rdata)).map(|rrsig| rrsig.signer);
    signers.find(|signer| name::is_below(child, signer))
}
