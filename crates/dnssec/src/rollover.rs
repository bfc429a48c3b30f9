//! Automatic rollover of trust anchors (RFC 5011).
//!
//! A new key is trusted after trusted keys have signed for it during 30 days without a gap. A key
//! that revokes itself is never trusted again.

use zoners_dns::{RRset, name};

use crate::dnskey::Dnskey;
use crate::verify::{SignatureCheck, ValidationTime};

/// Seconds for which a new key must be seen before it is trusted, and for which a revoked key is
/// remembered (RFC 5011 section 2.4.1).
pub const HOLD_DOWN_SECONDS: u64 = 30 * 24 * 3600;
/// The most keys tracked of a zone.
pub const MAX_TRACKED_KEYS: usize = 16;

/// The state of a tracked key (RFC 5011 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Seen, but for less than the hold-down time: not yet trusted.
    Pending,
    /// Trusted.
    Valid,
    /// Trusted, but absent from the last DNSKEY RRset.
    Missing,
    /// Revoked by its own signature, and not trusted any more.
    Revoked,
}

/// A key whose state is tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedKey {
    /// The key.
    pub key: Dnskey,
    /// The state of the key.
    pub state: KeyState,
    /// When the state began, in seconds since 1970.
    pub since: u64,
}

impl TrackedKey {
    /// Whether the key may vouch for the keys of the zone.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        matches!(self.state, KeyState::Valid | KeyState::Missing)
    }

    fn enter(&mut self, state: KeyState, now: u64) {
        if self.state != state {
            (self.state, self.since) = (state, now);
        }
    }
}

/// Updates the states by `set`, the proven DNSKEY RRset of the zone, at `time`. Keys for which the
/// configuration vouches (`anchored`) are trusted at first sight.
pub fn observe(
    tracked: &mut Vec<TrackedKey>,
    set: &RRset,
    time: ValidationTime,
    anchored: impl Fn(&Dnskey) -> bool,
) {
    let now = time.now;
    let keys = crate::chain::keys(set);
    let same = |a: &Dnskey, b: &Dnskey| a.algorithm == b.algorithm && a.key == b.key;
    for old in tracked.iter_mut() {
        let seen = keys.iter().find(|key| same(key, &old.key));
        match (old.state, seen) {
            (KeyState::Revoked, _) => {}
            (_, Some(key)) if key.is_revoked() => {
                if revokes_itself(set, key, time) {
                    old.enter(KeyState::Revoked, now);
                }
            }
            (KeyState::Pending, Some(_)) if now.saturating_sub(old.since) < HOLD_DOWN_SECONDS => {}
            (_, Some(_)) => old.enter(KeyState::Valid, now),
            // A pending key must be seen without a gap.
            (KeyState::Pending, None) => old.since = u64::MAX,
            (_, None) => old.enter(KeyState::Missing, now),
        }
    }
    tracked.retain(|old| {
        let broken = old.state == KeyState::Pending && old.since == u64::MAX;
        let forgotten =
            old.state == KeyState::Revoked && now.saturating_sub(old.since) >= HOLD_DOWN_SECONDS;
        !broken && !forgotten
    });
    for key in keys.iter().filter(|key| key.is_entry_point() && !key.is_revoked()) {
        if tracked.len() < MAX_TRACKED_KEYS && !tracked.iter().any(|old| same(&old.key, key)) {
            let state = if anchored(key) { KeyState::Valid } else { KeyState::Pending };
            tracked.push(TrackedKey { key: key.clone(), state, since: now });
        }
    }
}

/// Whether a revoked key signed the RRset that revokes the key; no other key may revoke it.
fn revokes_itself(set: &RRset, key: &Dnskey, time: ValidationTime) -> bool {
    let zone = name::lowercase(&set.owner);
    SignatureCheck::of_revoked(set, &zone, key, time)
        .iter()
        .any(|candidate| candidate.verify().is_ok())
}
