//! Following the rollover of a zone's keys without anybody's hand (RFC 5011).
//!
//! A new key is trusted once the keys that we trust have vouched for it for thirty days without a
//! break; one that revokes itself never again.

use zoners_dns::{RRset, name};

use crate::dnskey::Dnskey;
use crate::verify::{Candidate, Time};

/// Seconds for which a new key must be seen before it is trusted, and for which a revoked one is
/// remembered (RFC 5011 section 2.4.1).
pub const HOLD_DOWN: u64 = 30 * 24 * 3600;
/// Keys that are followed: a zone with more is up to something.
pub const MOST: usize = 16;

/// How a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Seen since a moment, not yet trusted.
    Pending,
    /// Trusted.
    Valid,
    /// Trusted, but not seen lately.
    Missing,
    /// Not trusted any more, by its own word.
    Revoked,
}

/// A key that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// The key.
    pub key: Dnskey,
    /// How it stands …
    pub standing: Standing,
    /// … since when, in seconds since 1970.
    pub since: u64,
}

impl Tracked {
    /// Whether it may vouch for the zone's keys.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        matches!(self.standing, Standing::Valid | Standing::Missing)
    }

    fn turn(&mut self, standing: Standing, now: u64) {
        if self.standing != standing {
            (self.standing, self.since) = (standing, now);
        }
    }
}

/// Takes note of the keys in `set`, the zone's proven DNSKEY RRset, at `time`. `anchored` says
/// which keys the configuration vouches for: these are trusted at first sight.
pub fn observe(
    tracked: &mut Vec<Tracked>,
    set: &RRset,
    time: Time,
    anchored: impl Fn(&Dnskey) -> bool,
) {
    let now = time.now;
    let keys = crate::chain::keys(set);
    let same = |a: &Dnskey, b: &Dnskey| a.algorithm == b.algorithm && a.key == b.key;
    for old in tracked.iter_mut() {
        let seen = keys.iter().find(|key| same(key, &old.key));
        match (old.standing, seen) {
            (Standing::Revoked, _) => {}
            (_, Some(key)) if key.is_revoked() => {
                if revokes_itself(set, key, time) {
                    old.turn(Standing::Revoked, now);
                }
            }
            (Standing::Pending, Some(_)) if now.saturating_sub(old.since) < HOLD_DOWN => {}
            (_, Some(_)) => old.turn(Standing::Valid, now),
            // A pending key must be seen without a break.
            (Standing::Pending, None) => old.since = u64::MAX,
            (_, None) => old.turn(Standing::Missing, now),
        }
    }
    tracked.retain(|old| {
        let broken = old.standing == Standing::Pending && old.since == u64::MAX;
        let forgotten =
            old.standing == Standing::Revoked && now.saturating_sub(old.since) >= HOLD_DOWN;
        !broken && !forgotten
    });
    for key in keys.iter().filter(|key| key.is_entry_point() && !key.is_revoked()) {
        if tracked.len() < MOST && !tracked.iter().any(|old| same(&old.key, key)) {
            let standing = if anchored(key) { Standing::Valid } else { Standing::Pending };
            tracked.push(Tracked { key: key.clone(), standing, since: now });
        }
    }
}

/// Whether a revoked key signed the RRset that revokes it: nobody else may say so.
fn revokes_itself(set: &RRset, key: &Dnskey, time: Time) -> bool {
    let zone = name::lowercase(&set.owner);
    Candidate::of_revoked(set, &zone, key, time).iter().any(|candidate| candidate.verify().is_ok())
}
