//! The chain of trust, as seen by a proof that needs further links.
//!
//! The keys of a zone are proven by DS records, these by the parent's keys, and so on up to a trust
//! anchor; a proof may need each link. [`crate::validate::trust`] implements the trait.

use zoners_dns::{Ede, Name, Network, RRset};

use crate::env::environment::Env;
use crate::env::lookups::Boxed;
use crate::model::answer::Unresolved;
use crate::model::step::Step;
use crate::model::trace::Hop;
use crate::model::zone_trust::ZoneTrust;

/// The proven DS records of a name.
#[derive(Clone, Debug)]
pub(crate) enum DsAnswer {
    /// DS records exist: a signed zone begins at the name.
    Signed(RRset),
    /// An unsigned zone begins at the name, or contains it.
    Unsigned,
    /// No zone begins there.
    NoCut,
}

/// The links of the chain of trust.
pub(crate) trait ChainOfTrust {
    /// The keys against which the records of `zone` are verified.
    ///
    /// # Errors
    /// The chain of trust is broken, or cannot be followed now.
    fn trust_of(&self, zone: &Name, step: &Step) -> Boxed<'static, Result<ZoneTrust, Unresolved>>;

    /// The proven DS records of `child`, from its parent.
    ///
    /// # Errors
    /// The parent proves nothing, or cannot be asked now.
    fn ds_of(&self, child: &Name, step: &Step) -> Boxed<'static, Result<DsAnswer, Unresolved>>;
}

/// Records that `zone` counts as unsigned.
pub(crate) fn keep_unsigned<N: Network>(
    env: &Env<N>,
    zone: &Name,
    ede: Option<&Ede>,
    ttl: u32,
    step: &Step,
) {
    let shared = env.shared();
    shared.cache.insert_insecure_zone(zone, ede, ttl, shared.now());
    step.trace(|| {
        let why = ede.map_or_else(String::new, |ede| format!(" ({ede})"));
        Hop::Note(format!("trust: {} is unsigned{why}", zone.fmt_with_dot()))
    });
}
