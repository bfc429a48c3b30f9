//! Key refresh: keys that have changed before their TTL ended.
//!
//! A zone that replaces its keys at once, or stops being signed, is bogus while the old DNSKEY and
//! DS records are cached. So if a signature does not match the known keys, the keys are fetched
//! anew before the result is bogus: once in a while for each zone, since otherwise a permanently
//! bogus zone, or a forger, would multiply the queries.

use zoners_cache::CachedRRset;
use zoners_dns::{Counter, DsStatus, Name, Network, Rtype};
use zoners_dnssec::BogusReason;
use zoners_dnssec::dnskey::Dnskey;

use crate::cached::store::keep_rrset;
use crate::env::environment::Env;
use crate::env::key_refreshes::RefreshTurn;
use crate::model::step::Step;
use crate::model::zone_trust::ZoneTrust;
use crate::validate::chain::ChainOfTrust;

/// The refreshed keys of `zone`, after records failed with the known keys for this `reason`; `None`
/// if old keys cannot be the cause, or a refresh is not due.
pub(crate) async fn renewed_trust<N: Network>(
    env: &Env<N>,
    zone: &Name,
    reason: BogusReason,
    step: &Step,
) -> Option<ZoneTrust> {
    let shared = env.shared();
    // If nothing can be proven here, a failure does not indicate old keys.
    let forged = shared.interception.is_forged();
    if forged || !may_be_of_old_keys(reason) || env.anchor_of(zone).is_none() {
        return None;
    }
    match shared.key_refreshes.turn(zone, shared.now()) {
        RefreshTurn::Fetch => renew_trust(env, zone, step).await,
        RefreshTurn::Look => env.trust_of(zone, step).await.ok(),
        RefreshTurn::Leave => {
            env.count(Counter::DnssecKeyRefreshesLimited);
            None
        }
    }
}

/// The refreshed keys, if they differ from the known `keys`.
pub(crate) async fn changed_keys<N: Network>(
    env: &Env<N>,
    zone: &Name,
    keys: &[Dnskey],
    reason: BogusReason,
    step: &Step,
) -> Option<ZoneTrust> {
    let renewed = Box::pin(renewed_trust(env, zone, reason, step)).await;
    renewed.filter(|trust| !matches!(trust, ZoneTrust::Signed(renewed) if **renewed == *keys))
}

/// Whether the keys of a zone are to be fetched anew; then the cached DNSKEY and DS RRsets are
/// forgotten.
pub(crate) fn forget_keys_if_due<N: Network>(env: &Env<N>, zone: &Name) -> bool {
    let shared = env.shared();
    let fetch = !shared.interception.is_forged()
        && shared.key_refreshes.turn(zone, shared.now()) == RefreshTurn::Fetch;
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

/// Fetches the DNSKEY RRset of a zone anew, and the DS RRset from the parent. Without new keys, the
/// known keys stay.
async fn renew_trust<N: Network>(env: &Env<N>, zone: &Name, step: &Step) -> Option<ZoneTrust> {
    let keys = env.shared().cache.rrset(zone, Rtype::DNSKEY, env.shared().now());
    let mut known = KeptKeys { env, keys };
    forget_keys(env, zone);
    let renewed = env.trust_of(zone, step).await.ok()?;
    known.keys = None;
    Some(renewed)
}

/// The known keys, restored unless new keys arrive, even if the client goes away meanwhile.
struct KeptKeys<'a, N: Network> {
    env: &'a Env<N>,
    keys: Option<CachedRRset>,
}

impl<N: Network> Drop for KeptKeys<'_, N> {
    fn drop(&mut self) {
        if let Some(CachedRRset { set, proof, security, .. }) = self.keys.take() {
            keep_rrset(self.env, &set, &proof, security);
        }
    }
}

/// Whether records failing for this reason may match other keys, or need no signature any more.
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
