//! The chain of trust, as those parts of a proof see it that a link of the chain is made of.
//!
//! A zone's keys are proven by DS records, these by the parent's keys, and so on up to a trust anchor; a proof may
//! need each of them. [`crate::validate::trust`] implements the trait.

use zoners_dns::{Ede, Name, Network, RRset};

use crate::env::environment::Env;
use crate::env::lookups::Boxed;
use crate::model::answer::Unresolved;
use crate::model::context::Context;
use crate::model::trace::Hop;
use crate::model::zone_trust::ZoneTrust;

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

/// The links of the chain of trust.
pub(crate) trait ChainOfTrust {
    /// What the records of `zone`, the apex of a zone, are held against.
    ///
    /// # Errors
    /// The chain of trust is broken, or cannot be followed now.
    fn trust_of(
        &self,
        zone: &Name,
        context: &Context,
    ) -> Boxed<'static, Result<ZoneTrust, Unresolved>>;

    /// What the parent of `child` proves of its DS records.
    ///
    /// # Errors
    /// The parent proves nothing, or cannot be asked now.
    fn ds_of(
        &self,
        child: &Name,
        context: &Context,
    ) -> Boxed<'static, Result<DsAnswer, Unresolved>>;
}

/// Notes that `zone` is as good as unsigned.
pub(crate) fn keep_unsigned<N: Network>(
    env: &Env<N>,
    zone: &Name,
    ede: Option<&Ede>,
    ttl: u32,
    context: &Context,
) {
    let shared = env.shared();
    shared.cache.insert_insecure_zone(zone, ede, ttl, shared.now());
    context.trace(|| {
        let why = ede.map_or_else(String::new, |ede| format!(" ({ede})"));
        Hop::Note(format!("trust: {} is unsigned{why}", zone.fmt_with_dot()))
    });
}
