//! Keys that have changed before their TTL was over.
//!
//! A zone that changes all its keys at once, or stops being signed, is bogus for as long as the old
//! DNSKEY and DS records are in caches. So where something does not fit the keys that are known, these
//! are fetched anew before it is called bogus: once for a zone in a while, since a zone that is bogus
//! for good, or a forger, would otherwise make each query cost several.

use zoners_cache::CachedRRset;
use zoners_dns::{Counter, DsStatus, Name, Network, Rtype};
use zoners_dnssec::BogusReason;
use zoners_dnssec::dnskey::Dnskey;

use crate::cached::store::keep_rrset;
use crate::env::environment::Env;
use crate::env::key_refreshes::RefreshTurn;
use crate::model::context::Context;
use crate::model::zone_trust::ZoneTrust;
use crate::validate::chain::ChainOfTrust;

/// What the records of `zone` are held against by now, where they did not fit the keys that were
/// known for this `reason`; nothing if that can be no matter of old keys, or is not to be tried.
pub(crate) async fn renewed_trust<N: Network>(
    env: &Env<N>,
    zone: &Name,
    reason: BogusReason,
    context: &Context,
) -> Option<ZoneTrust> {
    let shared = env.shared();
    // Where nothing can be proven, nothing says that the keys are old.
    let forged = shared.passage.is_forged();
    if forged || !may_be_of_old_keys(reason) || env.anchor_of(zone).is_none() {
        return None;
    }
    match shared.renewals.turn(zone, shared.now()) {
        RefreshTurn::Fetch => renew_trust(env, zone, context).await,
        RefreshTurn::Look => env.trust_of(zone, context).await.ok(),
        RefreshTurn::Leave => {
            env.count(Counter::DnssecKeyRefreshesLimited);
            None
        }
    }
}

/// The same, where it differs from the `keys` that were known.
pub(crate) async fn changed_keys<N: Network>(
    env: &Env<N>,
    zone: &Name,
    keys: &[Dnskey],
    reason: BogusReason,
    context: &Context,
) -> Option<ZoneTrust> {
    let renewed = Box::pin(renewed_trust(env, zone, reason, context)).await;
    renewed.filter(|trust| !matches!(trust, ZoneTrust::Signed(renewed) if **renewed == *keys))
}

/// Whether the keys of a zone are to be fetched anew; then the cached DNSKEY and DS RRsets are
/// forgotten.
pub(crate) fn forget_keys_if_due<N: Network>(env: &Env<N>, zone: &Name) -> bool {
    let shared = env.shared();
    let fetch = !shared.passage.is_forged()
        && shared.renewals.turn(zone, shared.now()) == RefreshTurn::Fetch;
    if fetch {
        forget_keys(env, zone);
    }
    fetch
}

fn forget_keys<N: Network>(env: &Env<N>, zone: &Name) {
    env.count(Counter::DnssecKeyRefreshes);
    let (cache, now) = (&env.shared().cache, env.shared().now());
    cache.remove_rrset(zone, Rtype::DNSKEY);
    cache.remove_rrset(zone, Rtype::DS);
    if let Some(mut delegation) = cache.delegation(zone, now) {
        delegation.signing = DsStatus::Unknown;
        cache.insert_delegation(&delegation, now);
    }
}

/// Fetches the DNSKEY RRset of a zone anew, and the DS RRset from the parent. The known keys
/// stay if the servers give no new ones.
async fn renew_trust<N: Network>(
    env: &Env<N>,
    zone: &Name,
    context: &Context,
) -> Option<ZoneTrust> {
    let keys = env.shared().cache.rrset(zone, Rtype::DNSKEY, env.shared().now());
    let mut known = Known { env, keys };
    forget_keys(env, zone);
    let renewed = env.trust_of(zone, context).await.ok()?;
    known.keys = None;
    Some(renewed)
}

/// Keys that are kept again unless others have come, also where the asker goes away meanwhile.
struct Known<'a, N: Network> {
    env: &'a Env<N>,
    keys: Option<CachedRRset>,
}

impl<N: Network> Drop for Known<'_, N> {
    fn drop(&mut self) {
        if let Some(CachedRRset { set, proof, security, .. }) = self.keys.take() {
            keep_rrset(self.env, &set, &proof, security);
        }
    }
}

/// Whether records that fail for this reason may fit other keys, or need no signature any more.
fn may_be_of_old_keys(reason: BogusReason) -> bool {
    matches!(
        reason,
        BogusReason::NoSignature
            | BogusReason::NoKey
            | BogusReason::UnusableKey
            | BogusReason::BadSignature
            | BogusReason::NoMatchingDs
            | BogusReason::NoProof
    )
}
