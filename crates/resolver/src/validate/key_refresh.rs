//! Keys that have changed before their TTL was over.
//!
//! A zone that changes all its keys at once, or stops being signed, is bogus for as long as the old
//! DNSKEY and DS records are in caches. So where something does not fit the keys that are known, these
//! are fetched anew before it is called bogus: once for a zone in a while, since a zone that is bogus
//! for good, or a forger, would otherwise make each query cost several.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use zoners_cache::CachedRRset;
use zoners_dns::{Counter, DsStatus, Moment, Name, Network, Rtype};
use zoners_dnssec::BogusReason;
use zoners_dnssec::dnskey::Dnskey;

use crate::env::worker::Worker;
use crate::model::context::Context;
use crate::validate::trust::Trust;

/// A zone's keys are fetched anew no sooner than so long after the last time.
const EVERY: Duration = Duration::from_secs(30);
/// So long after it was begun, a renewal may still be under way, or have just ended.
const RECENT: Duration = Duration::from_secs(5);
/// Zones whose last renewal is remembered; for more, none is begun.
pub(crate) const MOST: usize = 512;

/// When the keys of zones were last fetched anew.
#[derive(Debug, Default)]
pub(crate) struct Renewals(Mutex<HashMap<Name, Moment>>);

/// What is to be done about a zone's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Fetch them anew.
    Fetch,
    /// They were fetched a moment ago, or are being fetched: look at them again.
    Look,
    /// Keep the known keys: the last renewal was not long ago.
    Leave,
}

impl Renewals {
    fn turn(&self, zone: &Name, now: Moment) -> Turn {
        let mut zones = self.0.lock();
        if let Some(last) = zones.get(zone) {
            match now.since(*last) {
                since if since < RECENT => return Turn::Look,
                since if since < EVERY => return Turn::Leave,
                _ => {}
            }
        }
        if zones.len() >= MOST {
            zones.retain(|_, last| now.since(*last) < EVERY);
        }
        if zones.len() >= MOST {
            return Turn::Leave;
        }
        zones.insert(zone.clone(), now);
        Turn::Fetch
    }
}

impl<N: Network> Worker<N> {
    /// What the records of `zone` are held against by now, where they did not fit the keys that were
    /// known for this `reason`; nothing if that can be no matter of old keys, or is not to be tried.
    pub(crate) async fn renewed_trust(
        &self,
        zone: &Name,
        reason: BogusReason,
        context: &Context,
    ) -> Option<Trust> {
        let shared = self.shared();
        // Where nothing can be proven, nothing says that the keys are old.
        let forged = shared.passage.is_forged();
        if forged || !may_be_of_old_keys(reason) || self.anchor_of(zone).is_none() {
            return None;
        }
        match shared.renewals.turn(zone, shared.now()) {
            Turn::Fetch => self.renew_trust(zone, context).await,
            Turn::Look => self.trust(zone, context).await.ok(),
            Turn::Leave => {
                self.count(Counter::DnssecKeyRefreshesLimited);
                None
            }
        }
    }

    /// The same, where it differs from the `keys` that were known.
    pub(crate) async fn other_keys(
        &self,
        zone: &Name,
        keys: &[Dnskey],
        reason: BogusReason,
        context: &Context,
    ) -> Option<Trust> {
        let renewed = Box::pin(self.renewed_trust(zone, reason, context)).await;
        renewed.filter(|trust| !matches!(trust, Trust::Signed(renewed) if **renewed == *keys))
    }

    /// Whether the keys of a zone are to be fetched anew; then the cached DNSKEY and DS RRsets are
    /// forgotten.
    pub(crate) fn forgets_keys(&self, zone: &Name) -> bool {
        let shared = self.shared();
        let fetch =
            !shared.passage.is_forged() && shared.renewals.turn(zone, shared.now()) == Turn::Fetch;
        if fetch {
            self.forget_keys(zone);
        }
        fetch
    }

    fn forget_keys(&self, zone: &Name) {
        self.count(Counter::DnssecKeyRefreshes);
        let (cache, now) = (&self.shared().cache, self.shared().now());
        cache.remove_rrset(zone, Rtype::DNSKEY);
        cache.remove_rrset(zone, Rtype::DS);
        if let Some(mut delegation) = cache.delegation(zone, now) {
            delegation.signing = DsStatus::Unknown;
            cache.insert_delegation(&delegation, now);
        }
    }

    /// Fetches the DNSKEY RRset of a zone anew, and the DS RRset from the parent. The known keys
    /// stay if the servers give no new ones.
    async fn renew_trust(&self, zone: &Name, context: &Context) -> Option<Trust> {
        let keys = self.shared().cache.rrset(zone, Rtype::DNSKEY, self.shared().now());
        let mut known = Known { worker: self, keys };
        self.forget_keys(zone);
        let renewed = self.trust(zone, context).await.ok()?;
        known.keys = None;
        Some(renewed)
    }
}

/// Keys that are kept again unless others have come, also where the asker goes away meanwhile.
struct Known<'a, N: Network> {
    worker: &'a Worker<N>,
    keys: Option<CachedRRset>,
}

impl<N: Network> Drop for Known<'_, N> {
    fn drop(&mut self) {
        if let Some(CachedRRset { set, proof, security, .. }) = self.keys.take() {
            self.worker.keep(&set, &proof, security);
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

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;

    #[test]
    fn a_zone_is_renewed_once_in_a_while() {
        let (renewals, zone) = (Renewals::default(), name::parse("a.test").unwrap());
        let at = |seconds: u64| renewals.turn(&zone, Moment::from_millis(1000 * seconds));
        assert_eq!((at(100), at(104), at(105)), (Turn::Fetch, Turn::Look, Turn::Leave));
        assert_eq!((at(129), at(130), at(131)), (Turn::Leave, Turn::Fetch, Turn::Look));
    }

    #[test]
    fn no_more_zones_are_remembered_than_there_is_room_for() {
        let renewals = Renewals::default();
        let turn = |number: usize, at| {
            renewals
                .turn(&name::parse(&format!("z{number}.test")).unwrap(), Moment::from_millis(at))
        };
        assert!((0..MOST).all(|number| turn(number, 1000) == Turn::Fetch));
        assert_eq!(turn(MOST, 1000), Turn::Leave);
        assert_eq!(turn(MOST, 31_000), Turn::Fetch, "the others are over");
    }
}
