//! States of keys during a rollover (RFC 5011).

use super::signer::{KSK, REVOKED, SignatureTerms, Signer, dnskey_rrset};
use crate::dnskey::Dnskey;
use crate::rollover::{KeyState, MAX_TRACKED_KEYS, TrackedKey, observe};
use crate::verify::ValidationTime;

const DAY: u64 = 24 * 3600;
/// Signatures of the tests are valid for a year.
const YEAR: (u32, u32) = (0, 365 * 24 * 3600);

/// A zone whose first key is the configured trust anchor.
struct Rollover {
    old: Signer,
    new: Signer,
    tracked: Vec<TrackedKey>,
}

impl Rollover {
    fn new() -> Self {
        let (old, new) = (Signer::new("example", 15, 1), Signer::new("example", 15, 2));
        Rollover { old, new, tracked: Vec::new() }
    }

    /// Observes keys on a day, in a DNSKEY RRset with a signature of `signer` by `signing_key`.
    fn observe(&mut self, day: u64, keys: &[&Dnskey], signature: Option<(&Signer, &Dnskey)>) {
        let mut set = dnskey_rrset("example", keys);
        if let Some((signer, key)) = signature {
            set = signer.sign_as(
                key,
                &set,
                SignatureTerms { validity: YEAR, ..SignatureTerms::default() },
            );
        }
        let (time, anchor) = (ValidationTime { now: day * DAY, skew: 0 }, self.old.key.key.clone());
        observe(&mut self.tracked, &set, time, |key| key.key == anchor);
    }

    fn state(&self, signer: &Signer) -> Option<(KeyState, u64)> {
        let tracked = self.tracked.iter().find(|tracked| tracked.key.key == signer.key.key)?;
        Some((tracked.state, tracked.since / DAY))
    }

    /// Observes which of the two keys is present on each day; the states after the last day.
    fn after(days: &[(u64, bool, bool)]) -> [Option<(KeyState, u64)>; 2] {
        let mut rollover = Rollover::new();
        let (old, new) = (rollover.old.key.clone(), rollover.new.key.clone());
        for (day, has_old, has_new) in days {
            let present = [(has_old, &old), (has_new, &new)];
            let keys: Vec<&Dnskey> =
                present.into_iter().filter(|(has, _)| **has).map(|(_, key)| key).collect();
            rollover.observe(*day, &keys, None);
        }
        [rollover.state(&rollover.old), rollover.state(&rollover.new)]
    }
}

#[test]
fn a_new_key_is_trusted_after_thirty_days_without_a_gap() {
    use KeyState::{Missing, Pending, Valid};
    for (days, expected) in [
        (&[(0, true, false)][..], [Some((Valid, 0)), None]),
        (&[(0, true, true)], [Some((Valid, 0)), Some((Pending, 0))]),
        (&[(0, true, true), (29, true, true)], [Some((Valid, 0)), Some((Pending, 0))]),
        (&[(0, true, true), (30, true, true)], [Some((Valid, 0)), Some((Valid, 30))]),
        // A gap starts the hold-down time anew.
        (&[(0, true, true), (10, true, false)], [Some((Valid, 0)), None]),
        (
            &[(0, true, true), (10, true, false), (11, true, true), (35, true, true)],
            [Some((Valid, 0)), Some((Pending, 11))],
        ),
        // A trusted key that is absent stays trusted, and becomes valid again.
        (
            &[(0, true, true), (30, true, true), (31, false, true)],
            [Some((Missing, 31)), Some((Valid, 30))],
        ),
        (
            &[(0, true, true), (30, true, true), (31, false, true), (40, true, true)],
            [Some((Valid, 40)), Some((Valid, 30))],
        ),
    ] {
        assert_eq!(Rollover::after(days), expected, "{days:?}");
    }
}

#[test]
fn only_valid_and_missing_keys_are_trusted() {
    let key = Signer::new("example", 15, 1).key;
    for (state, trusted) in [
        (KeyState::Pending, false),
        (KeyState::Valid, true),
        (KeyState::Missing, true),
        (KeyState::Revoked, false),
    ] {
        let tracked = TrackedKey { key: key.clone(), state, since: 0 };
        assert_eq!(tracked.is_trusted(), trusted, "{state:?}");
    }
}

#[test]
fn a_key_revokes_itself_and_no_other_key_does() {
    for (by_itself, expected) in [(true, (KeyState::Revoked, 5)), (false, (KeyState::Valid, 0))] {
        let mut rollover = Rollover::new();
        let (old, new) = (Signer::new("example", 15, 1), Signer::new("example", 15, 2));
        let revoked = old.with_flags(KSK | REVOKED);
        rollover.observe(0, &[&old.key], None);
        let signature = if by_itself { (&old, &revoked) } else { (&new, &new.key) };
        rollover.observe(5, &[&revoked, &new.key], Some(signature));
        assert_eq!(rollover.state(&old), Some(expected), "signed by itself: {by_itself}");
    }
}

#[test]
fn a_revoked_key_is_never_trusted_again_and_forgotten_after_thirty_days() {
    let mut rollover = Rollover::new();
    let (old, new) = (Signer::new("example", 15, 1), Signer::new("example", 15, 2));
    let revoked = old.with_flags(KSK | REVOKED);
    rollover.observe(0, &[&old.key, &new.key], None);
    rollover.observe(1, &[&revoked, &new.key], Some((&old, &revoked)));
    rollover.observe(10, &[&old.key, &new.key], None);
    assert_eq!(rollover.state(&old), Some((KeyState::Revoked, 1)));
    rollover.observe(30, &[&new.key], None);
    assert_eq!(rollover.state(&old), Some((KeyState::Revoked, 1)));
    rollover.observe(31, &[&new.key], None);
    assert_eq!(rollover.state(&old), None);
}

#[test]
fn only_entry_points_are_tracked_up_to_a_limit() {
    let mut rollover = Rollover::new();
    let signers: Vec<Signer> = (10..40).map(|seed| Signer::new("example", 15, seed)).collect();
    let zone_keys: Vec<Dnskey> = signers.iter().map(|signer| signer.with_flags(0x0100)).collect();
    rollover.observe(0, &zone_keys.iter().collect::<Vec<_>>(), None);
    assert_eq!(rollover.tracked.len(), 0);
    rollover.observe(0, &signers.iter().map(|signer| &signer.key).collect::<Vec<_>>(), None);
    assert_eq!(rollover.tracked.len(), MAX_TRACKED_KEYS);
}
