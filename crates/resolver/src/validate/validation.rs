//! Validation (RFC 4035 section 5).
//!
//! A reply is taken apart into its RRsets. Each RRset is verified with the keys of the signing zone; an
//! unsigned RRset must lie in a zone that is proven to be unsigned; a denial must be proven. The worst
//! status is that of the whole.

mod denial_proof;
mod rrset;
mod unsigned;

use std::future::Future;
use std::sync::Arc;

use zoners_cache::Denial;
use zoners_dns::{Counter, Name, Network, Question, RRset, Rtype, Security};
use zoners_dnssec::BogusReason;
use zoners_dnssec::dnskey::Dnskey;

use crate::cached::store::keep_rrset;
use crate::env::environment::Env;
use crate::model::alias_link::{AliasLink, AliasLinks};
use crate::model::answer::{Cause, Unresolved};
use crate::model::step::Step;
use crate::model::trace::Hop;
use crate::model::verdict::{Finding, Reply};
use crate::model::zone_trust::ZoneTrust;
use crate::validate::chain::ChainOfTrust;
use crate::validate::key_refresh::changed_keys;
use denial_proof::DenialCheck;

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
    let validation = Validation { env, question: asked.clone(), step: &proving };
    let status = validation.check_reply(reply).await;
    report_status(env, asked, &status, step);
    reply.security = status?;
    Ok(())
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
        Hop::Note(format!("{asked}: {status}"))
    });
}

/// The failure of a question with bogus data.
pub(crate) fn bogus(question: &Question, reason: BogusReason) -> Unresolved {
    // Excessive work is not repeated with a different server.
    let again = reason != BogusReason::TooMuchWork;
    let cause = if again { Cause::Bogus } else { Cause::BogusZone };
    Unresolved::new(cause, format!("{question}: {reason}")).with_code(reason.code())
}

/// The validation of the data for a question: of the client, or for a name of the alias chain.
pub(crate) struct Validation<'a, N: Network> {
    pub(crate) env: &'a Env<N>,
    pub(crate) question: Question,
    /// The step that pays for signatures and hashes.
    pub(crate) step: &'a Step,
}

impl<N: Network> Validation<'_, N> {
    /// The status of a reply: the worst of its alias chain and the data at the end of the chain.
    async fn check_reply(&self, reply: &mut Reply) -> Result<Security, Unresolved> {
        if self.env.is_taken_as_it_comes(&self.question.answered_at()) {
            reply.set_unsigned();
            return Ok(Security::Insecure);
        }
        let Reply { aliases, finding, beyond, proof, .. } = reply;
        let (status, end) = self.check_aliases(aliases, proof).await?;
        let own = end.check_finding(finding, proof).await?;
        if status == Security::Secure
            && let Some(mut denial) = beyond.take()
            && end.check_finding(&mut denial, &[]).await == Ok(Security::Secure)
        {
            *finding = *denial;
        }
        Ok(status.min(own))
    }

    /// The status of an alias chain, and the validation at its end.
    async fn check_aliases(
        &self,
        aliases: &mut [RRset],
        proof: &[RRset],
    ) -> Result<(Security, Self), Unresolved> {
        let (mut status, mut name) = (Security::Secure, self.question.name.clone());
        let mut links = AliasLinks::default();
        for alias in aliases {
            let link = links.next(alias);
            // The synthesised CNAME is ours; its DNAME was verified.
            if link != AliasLink::Synthesised {
                let checked = self.at(alias.owner.clone()).check_rrset(alias, proof).await?;
                alias.ttl = checked.ttl;
                status = status.min(checked.security);
            }
            if link != AliasLink::Dname
                && let Some(target) = alias.target()
            {
                name = target;
            }
        }
        Ok((status, self.at(name)))
    }

    /// The status of the end of an alias chain, with the `proof` of wildcard expansions.
    async fn check_finding(
        &self,
        finding: &mut Finding,
        proof: &[RRset],
    ) -> Result<Security, Unresolved> {
        let exists = matches!(finding, Finding::NoData(_));
        match finding {
            Finding::Records(sets) => {
                let mut own = Security::Secure;
                for set in sets {
                    let checked = self.check_rrset(set, proof).await?;
                    set.ttl = checked.ttl;
                    own = own.min(checked.security);
                }
                Ok(own)
            }
            Finding::NoData(denial) | Finding::NxDomain(denial) => {
                let DenialCheck { security, of_name } =
                    self.check_denial(&denial.proof, exists).await?;
                self.check_soa(denial, security).await?;
                denial.security = security;
                if of_name == exists {
                    // The proof contradicts the RCODE. The entry cached before the proof would be found
                    // first.
                    let Question { name, rtype, .. } = &self.question;
                    self.env.shared().cache.remove_denials(name, *rtype);
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

    /// Validates the SOA of a denial: only clients use the SOA, but it must not be forged.
    async fn check_soa(&self, denial: &Denial, security: Security) -> Result<(), Unresolved> {
        if security == Security::Secure
            && let Some(soa) = &denial.soa
        {
            let checked = self.check_rrset(soa, &[]).await?;
            let ttl = denial.ttl.min(checked.ttl);
            keep_rrset(self.env, &RRset { ttl, ..soa.clone() }, &[], checked.security);
        }
        Ok(())
    }

    /// The result of a `check` with the keys of `zone`, or `None` if the zone counts as unsigned. If the data do not
    /// fit the known keys, the keys are refreshed.
    ///
    /// # Errors
    /// The data do not fit the refreshed keys either, so the question is bogus.
    async fn with_keys_of<T, F>(
        &self,
        zone: &Name,
        check: impl Fn(Arc<Vec<Dnskey>>) -> F,
    ) -> Result<Option<T>, Unresolved>
    where
        F: Future<Output = Result<T, BogusReason>>,
    {
        let Validation { env, step, .. } = self;
        let ZoneTrust::Signed(keys) = env.trust_of(zone, step).await? else { return Ok(None) };
        let reason = match check(keys.clone()).await {
            Ok(checked) => return Ok(Some(checked)),
            Err(reason) => reason,
        };
        match changed_keys(env, zone, &keys, reason, step).await {
            Some(ZoneTrust::Signed(keys)) => {
                check(keys).await.map(Some).map_err(|reason| self.bogus(reason))
            }
            Some(ZoneTrust::Unsigned) => Ok(None),
            None => Err(self.bogus(reason)),
        }
    }

    /// The failure of the question.
    pub(crate) fn bogus(&self, reason: BogusReason) -> Unresolved {
        bogus(&self.question, reason)
    }

    /// The validation for a different name of the alias chain.
    fn at(&self, name: Name) -> Self {
        self.about(name, self.question.rtype)
    }

    /// The validation for different data of the reply.
    fn about(&self, name: Name, rtype: Rtype) -> Self {
        let question = Question { name, rtype, ..self.question.clone() };
        Validation { env: self.env, question, step: self.step }
    }
}
