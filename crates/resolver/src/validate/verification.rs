//! The work of proving: signatures verified and hashes made, each paid for out of the budget.

use zoners_dns::{Counter, Name, Network, RRset};
use zoners_dnssec::Reason;
use zoners_dnssec::dnskey::Dnskey;
use zoners_dnssec::rrsig::{Period, Rrsig};
use zoners_dnssec::verify::{Time, Verified, candidates};

use crate::env::worker::Worker;
use crate::model::context::Context;

impl<N: Network> Worker<N> {
    /// The records of a proof that `zone` signed, none of them made from a wildcard.
    pub(crate) async fn proven(
        &self,
        proof: &[RRset],
        zone: &Name,
        keys: &[Dnskey],
        context: &Context,
    ) -> Result<Vec<RRset>, Reason> {
        let (mut proven, mut reason) = (Vec::new(), Reason::NoProof);
        for set in proof {
            match self.verify(set, zone, keys, context).await {
                Ok(verified) if verified.expanded_from.is_none() => proven.push(set.clone()),
                Ok(_) => {}
                Err(Reason::TooMuchWork) => return Err(Reason::TooMuchWork),
                Err(other) => reason = reason.max(other),
            }
        }
        if proven.is_empty() { Err(reason) } else { Ok(proven) }
    }

    /// Verifies one of an RRset's signatures.
    ///
    /// # Errors
    /// None of them fits, for the most telling of the reasons met.
    pub(crate) async fn verify(
        &self,
        set: &RRset,
        zone: &Name,
        keys: &[Dnskey],
        context: &Context,
    ) -> Result<Verified, Reason> {
        let now = self.shared().clock.wall_seconds();
        let settings = self.settings();
        let time = Time { now: settings.validation_date.unwrap_or(now), skew: settings.skew };
        let mut reason = Reason::NoSignature;
        let candidates = candidates(set, zone, keys, time).inspect_err(|reason| {
            if matches!(reason, Reason::Expired | Reason::NotYetValid) {
                self.doubt_clock(set, zone, time);
            }
        })?;
        for candidate in candidates {
            context.charge_verification().map_err(|exhausted| {
                self.count(exhausted.0);
                Reason::TooMuchWork
            })?;
            self.count(Counter::DnssecVerifications);
            let verified = candidate.verify();
            // A public-key operation is long; others wait for their turn.
            tokio::task::yield_now().await;
            match verified {
                Ok(verified) => {
                    self.shared().clock_doubt.in_date();
                    return Ok(verified);
                }
                Err(other) => {
                    self.count(Counter::DnssecVerificationsFailed);
                    context.budget.charge_failed_verification();
                    reason = reason.max(other);
                }
            }
        }
        Err(reason)
    }

    /// Notes by how much the signatures of an RRset are out of date.
    fn doubt_clock(&self, set: &RRset, zone: &Name, time: Time) {
        let signatures = set.signatures.iter().filter_map(|rdata| Rrsig::read(&rdata));
        let by = signatures.filter_map(|rrsig| match rrsig.period(time.now, time.skew) {
            Period::Over(seconds) => Some(i64::from(seconds)),
            Period::Ahead(seconds) => Some(-i64::from(seconds)),
            Period::Valid(_) => None,
        });
        if let Some(by) = by.min_by_key(|by| by.unsigned_abs()) {
            let shared = self.shared();
            shared.clock_doubt.out_of_date(zone, by, shared.now());
        }
    }

    /// Proves something with what is left of the blocks to hash.
    pub(crate) fn hashing<T>(
        &self,
        context: &Context,
        prove: impl FnOnce(&mut u32) -> Result<T, Reason>,
    ) -> Result<T, Reason> {
        let proven = context.budget.hashing(prove);
        if matches!(proven, Err(Reason::TooMuchWork)) {
            self.count(Counter::BudgetNsec3Hashes);
        }
        proven
    }
}
