//! Whether what was found is signed as it must be (RFC 4035 section 5).
//!
//! A reply is taken apart into its RRsets. Each is held against the keys of the zone that signed
//! it; what is not signed must lie in a zone that is proven to be unsigned; what does not exist
//! must be proven not to. The worst of them is the status of the whole.

use zoners_dns::{Counter, Ede, EdeCode, Name, Network, Question, RRset, Rtype, Security, name};
use zoners_dnssec::Reason;
use zoners_dnssec::denial::{self, Denied, Proof};
use zoners_dnssec::rrsig::Rrsig;
use zoners_dnssec::signed_data::wildcard;

use crate::answer::{Cause, Unresolved};
use crate::context::Context;
use crate::ds::DsAnswer;
use crate::trust::Trust;
use crate::verdict::{Finding, Reply};
use crate::worker::Worker;

/// What came of checking an RRset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked {
    /// Its status.
    pub(crate) security: Security,
    /// Seconds for which that holds.
    pub(crate) ttl: u32,
}

/// What a question is answered with that cannot be proven.
pub(crate) fn bogus(question: &Question, reason: Reason) -> Unresolved {
    // What was too much work once is not tried again with another server.
    let again = reason != Reason::TooMuchWork;
    let cause = if again { Cause::Bogus } else { Cause::BogusZone };
    Unresolved::new(cause, format!("{question}: {reason}")).with_code(reason.code())
}

impl<N: Network> Worker<N> {
    /// Proves a reply to `asked`, or that it cannot be proven, and notes its status in it.
    ///
    /// # Errors
    /// It is bogus, or the proof cannot be had now.
    pub(crate) async fn validate(
        &self,
        asked: &Question,
        reply: &mut Reply,
        context: &Context,
    ) -> Result<(), Unresolved> {
        if !context.validate || reply.security != Security::Unchecked {
            return Ok(());
        }
        let proving = context.proving(&self.settings().limits);
        let status = self.status(asked, reply, &proving).await;
        self.tell_status(asked, &status, context);
        reply.security = status?;
        Ok(())
    }

    /// Whether `asked` lies in a zone that is already known to be as good as unsigned.
    pub(crate) fn is_unsigned(&self, asked: &Question) -> bool {
        let place = asked.answered_at();
        self.anchor_of(&place).is_none() || self.known_unsigned(&place).is_some()
    }

    /// Counts a status, and tells who listens.
    pub(crate) fn tell_status(
        &self,
        asked: &Question,
        status: &Result<Security, Unresolved>,
        context: &Context,
    ) {
        self.count(match status {
            Ok(Security::Secure) => Counter::AnswersSecure,
            Ok(_) => Counter::AnswersInsecure,
            Err(_) => Counter::AnswersBogus,
        });
        context.trace(|| {
            let status = match status {
                Ok(Security::Secure) => "secure".into(),
                Ok(_) => "insecure".into(),
                Err(unresolved) => unresolved.to_string(),
            };
            crate::trace::Hop::Note(format!("{asked}: {status}"))
        });
    }

    async fn status(
        &self,
        asked: &Question,
        reply: &mut Reply,
        context: &Context,
    ) -> Result<Security, Unresolved> {
        if self.is_unsigned(asked) {
            reply.set_unsigned();
            return Ok(Security::Insecure);
        }
        let (mut status, mut name, mut made) = (Security::Secure, asked.name.clone(), false);
        for alias in &mut reply.aliases {
            // The CNAME that a DNAME makes is ours; the DNAME was checked.
            if !made {
                let question = Question { name: alias.owner.clone(), ..asked.clone() };
                let checked = self.check(alias, &reply.proof, &question, context).await?;
                alias.ttl = checked.ttl;
                status = status.min(checked.security);
            }
            made = alias.rtype == Rtype::DNAME;
            if !made && let Some(target) = alias.target() {
                name = target;
            }
        }
        let question = Question { name, ..asked.clone() };
        let Reply { finding, beyond, proof, .. } = reply;
        let own = self.check_finding(&question, finding, proof, context).await?;
        if status == Security::Secure
            && let Some(mut denial) = beyond.take()
            && self.check_finding(&question, &mut denial, &[], context).await
                == Ok(Security::Secure)
        {
            *finding = *denial;
        }
        Ok(status.min(own))
    }

    /// The status of where the aliases of a reply have led, with the `proof` that goes with records.
    async fn check_finding(
        &self,
        question: &Question,
        finding: &mut Finding,
        proof: &[RRset],
        context: &Context,
    ) -> Result<Security, Unresolved> {
        let exists = matches!(finding, Finding::NoData(_));
        match finding {
            Finding::Records(sets) => {
                let mut own = Security::Secure;
                for set in sets {
                    let checked = self.check(set, proof, question, context).await?;
                    set.ttl = checked.ttl;
                    own = own.min(checked.security);
                }
                Ok(own)
            }
            Finding::NoData(denial) | Finding::NxDomain(denial) => {
                let (own, whole_name) =
                    self.check_denial(question, &denial.proof, exists, context).await?;
                // Nobody but clients makes use of the SOA, but they must not be lied to.
                if own == Security::Secure
                    && let Some(soa) = &denial.soa
                {
                    let checked = self.check(soa, &[], question, context).await?;
                    let ttl = denial.ttl.min(checked.ttl);
                    self.keep(&RRset { ttl, ..soa.clone() }, &[], checked.security);
                }
                denial.security = own;
                // A server without CO says NOERROR, and proves by NXNAME that the name does not exist
                // (RFC 9824 section 5.1).
                if exists && whole_name {
                    // The cache has the unproven denial of the type, and would find it before the
                    // name's.
                    self.shared().cache.remove_denials(&question.name, question.rtype);
                    *finding = Finding::NxDomain(denial.clone());
                }
                Ok(own)
            }
            Finding::Alias(_) | Finding::TooLong => Ok(Security::Secure),
        }
    }

    /// The status of an RRset that answers `question`, with the `proof` that came along.
    pub(crate) async fn check(
        &self,
        set: &RRset,
        proof: &[RRset],
        question: &Question,
        context: &Context,
    ) -> Result<Checked, Unresolved> {
        let unsigned = Checked { security: Security::Insecure, ttl: set.ttl };
        // Signatures are not signed (RFC 4035 section 2.2).
        if set.rtype == Rtype::RRSIG {
            return Ok(unsigned);
        }
        let fails = |reason| bogus(question, reason);
        let question = Question { name: set.owner.clone(), ..question.clone() };
        // An alias of a name stands where the records do that were asked for.
        let placed = if set.rtype == Rtype::CNAME { question.rtype } else { set.rtype };
        let Some(signer) = signer_of(set, placed) else {
            let lacks = Reason::NoSignature;
            return self.need_not_be_signed(&question, lacks, context).await.map(|()| unsigned);
        };
        if self.is_overruled(&signer, &question, context).await? {
            return Ok(unsigned);
        }
        let keys = match self.trust(&signer, context).await? {
            Trust::Signed(keys) => keys,
            Trust::Unsigned => return Ok(unsigned),
        };
        let (keys, verified) = match self.verify(set, &signer, &keys, context).await {
            Ok(verified) => (keys, verified),
            Err(reason) => match self.other_keys(&signer, &keys, reason, context).await {
                Some(Trust::Unsigned) => return Ok(unsigned),
                Some(Trust::Signed(keys)) => {
                    let verified = self.verify(set, &signer, &keys, context).await;
                    (keys, verified.map_err(fails)?)
                }
                None => return Err(fails(reason)),
            },
        };
        let secure = Checked { security: Security::Secure, ttl: verified.ttl };
        let Some(encloser) = verified.expanded_from else { return Ok(secure) };
        let proven = self.proven(proof, &signer, &keys, context).await.map_err(fails)?;
        let proof = Proof::read(&proven, &signer);
        let expansion = |blocks: &mut u32| denial::expansion(&proof, &set.owner, &encloser, blocks);
        let denied = self.hashing(context, expansion).map_err(fails)?;
        if denied == Denied::Proven
            && let Some(owner) = wildcard(&encloser)
        {
            // What stands for one name stands for others.
            self.keep_ranges(&signer, &proven, set.ttl);
            let original = RRset { owner, ttl: verified.ttl, ..set.clone() };
            self.keep(&original, &[], Security::Secure);
        }
        Ok(Checked { security: of_denial(denied), ..secure })
    }

    /// The status of a denial, and whether NXNAME proves that the name does not exist where the
    /// RCODE denied the type alone.
    async fn check_denial(
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

    /// The deepest zone around the name in question that is known to be one: by a delegation, by the
    /// configuration, or by its trust anchor.
    fn enclosing_zone(&self, question: &Question) -> Name {
        let cut = self.zone_cut(question).zone;
        match self.anchor_of(&question.answered_at()) {
            Some(anchor) if name::is_below(&anchor.zone, &cut) => anchor.zone.clone(),
            _ => cut,
        }
    }

    /// Whether a zone cut lies between `signer` and the name in question: then the signer has no
    /// say there. True if the zone below is unsigned, so that nobody has.
    pub(crate) async fn is_overruled(
        &self,
        signer: &Name,
        question: &Question,
        context: &Context,
    ) -> Result<bool, Unresolved> {
        let zone = self.enclosing_zone(question);
        if !name::is_below(&zone, signer) {
            return Ok(false);
        }
        match self.trust(&zone, context).await? {
            Trust::Unsigned => Ok(true),
            Trust::Signed(_) => Err(bogus(question, Reason::WrongSigner)),
        }
    }

    /// Whether the name in question lies in an unsigned zone, looked for from its zone cut down. If
    /// not, what is there must be signed.
    pub(crate) async fn lies_unsigned(
        &self,
        question: &Question,
        context: &Context,
    ) -> Result<bool, Unresolved> {
        let zone = self.enclosing_zone(question);
        if let Trust::Unsigned = self.trust(&zone, context).await? {
            return Ok(true);
        }
        let depth = name::depth(&question.name);
        // DS records stand above the cut.
        let last = if question.rtype == Rtype::DS { depth.saturating_sub(1) } else { depth };
        let first = name::depth(&zone) + 1;
        for labels in (first..=last).take(self.settings().limits.ds_labels) {
            let child = name::ancestor(&question.name, labels);
            match self.ds(&child, context).await {
                Ok(DsAnswer::Unsigned) => return Ok(true),
                Ok(DsAnswer::NoCut) => {}
                // Nobody proves that the name lies in an unsigned zone.
                Err(unresolved) if unresolved.ede.code.is_bogus() => return Ok(false),
                Err(unresolved) => return Err(unresolved),
                Ok(DsAnswer::Signed(_)) => {
                    if let Trust::Unsigned = self.trust(&child, context).await? {
                        return Ok(true);
                    }
                }
            }
        }
        if last.saturating_sub(first) >= self.settings().limits.ds_labels {
            self.count(Counter::LimitDsLabels);
        }
        Ok(false)
    }

    /// Whether what has no signature need have none: it lies in an unsigned zone, or in one that has
    /// lately stopped being signed.
    ///
    /// # Errors
    /// It must be signed, and `lacks` what makes it bogus.
    async fn need_not_be_signed(
        &self,
        question: &Question,
        lacks: Reason,
        context: &Context,
    ) -> Result<(), Unresolved> {
        if self.lies_unsigned(question, context).await? {
            return Ok(());
        }
        let zone = self.enclosing_zone(question);
        match self.renewed_trust(&zone, lacks, context).await {
            Some(Trust::Unsigned) => Ok(()),
            _ => Err(bogus(question, lacks)),
        }
    }

    /// Forgets what turned out to be bogus.
    pub(crate) fn forget(&self, question: &Question) {
        let cache = &self.shared().cache;
        cache.remove_rrset(&question.name, question.rtype);
        cache.remove_rrset(&question.name, Rtype::CNAME);
        cache.remove_denials(&question.name, question.rtype);
    }
}

/// The zone that signed an RRset: one that has a say in records of type `placed` at its owner.
fn signer_of(set: &RRset, placed: Rtype) -> Option<Name> {
    let signers = set.signatures.iter().filter_map(|rdata| Rrsig::read(&rdata));
    let mut signers = signers.map(|rrsig| rrsig.signer);
    signers.find(|signer| may_sign(signer, &set.owner, placed))
}

/// Whether a zone has a say in records of a type at `name`: for DS only one above the cut has, whether
/// it gives the records, denies them or has an alias there (RFC 4035 section 2.4).
fn may_sign(zone: &Name, name: &Name, rtype: Rtype) -> bool {
    name::is_within(name, zone) && (rtype != Rtype::DS || zone != name || name.is_root())
}

/// Whether records of a type are there wherever there are others in a signed zone (RFC 4035 sections
/// 2.2 and 2.3), or stand for all types.
fn lies_beside_others(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::RRSIG | Rtype::NSEC | Rtype::ANY)
}

fn of_denial(denied: Denied) -> Security {
    match denied {
        Denied::Proven | Denied::Name => Security::Secure,
        Denied::OptOut | Denied::TooManyIterations => Security::Insecure,
    }
}
