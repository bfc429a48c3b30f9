//! Whether a name lies in an unsigned zone, where records need no signatures.

use zoners_dns::{Counter, Name, Network, Rtype, name};
use zoners_dnssec::BogusReason;

use super::Validation;
use crate::iterate::zone_cut::zone_cut;
use crate::model::answer::Unresolved;
use crate::model::zone_trust::ZoneTrust;
use crate::validate::chain::{ChainOfTrust, DsAnswer};
use crate::validate::key_refresh::renewed_trust;

impl<N: Network> Validation<'_, N> {
    /// Whether a zone cut lies between `signer` and the name, so that the signer may not sign there.
    /// True if the zone below is unsigned, so that no zone may.
    pub(crate) async fn is_overruled(&self, signer: &Name) -> Result<bool, Unresolved> {
        let zone = self.enclosing_zone();
        if !name::is_below(&zone, signer) {
            return Ok(false);
        }
        match self.env.trust_of(&zone, self.step).await? {
            ZoneTrust::Unsigned => Ok(true),
            ZoneTrust::Signed(_) => Err(self.bogus(BogusReason::WrongSigner)),
        }
    }

    /// Whether records may lack a signature: the zone is unsigned, or has just stopped being
    /// signed.
    ///
    /// # Errors
    /// The records must be signed; `lacks` is the fault.
    pub(super) async fn need_not_be_signed(&self, lacks: BogusReason) -> Result<(), Unresolved> {
        if self.lies_unsigned().await? {
            return Ok(());
        }
        match renewed_trust(self.env, &self.enclosing_zone(), lacks, self.step).await {
            Some(ZoneTrust::Unsigned) => Ok(()),
            _ => Err(self.bogus(lacks)),
        }
    }

    /// Whether the name lies in an unsigned zone, searched from its zone cut down. If not, its records
    /// must be signed.
    pub(crate) async fn lies_unsigned(&self) -> Result<bool, Unresolved> {
        let Validation { env, question, step } = self;
        let zone = self.enclosing_zone();
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

    /// The deepest known zone around the name: by a delegation, by the configuration, or by its trust
    /// anchor.
    fn enclosing_zone(&self) -> Name {
        let cut = zone_cut(self.env, &self.question).zone;
        match self.env.anchor_of(&self.question.answered_at()) {
            Some(anchor) if name::is_below(&anchor.zone, &cut) => anchor.zone.clone(),
            _ => cut,
        }
    }
}
