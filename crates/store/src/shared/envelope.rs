//! A stored value: the entries of an answer, when and for how long they were written, and a seal.
//!
//! | octets | content |
//! |---|---|
//! | 1 | version |
//! | 8 | wall clock of the writer, seconds since 1970 |
//! | 8 | `Moment` of the writer, to which the TTLs of the entries refer |
//! | 8 | lifetime of the value in milliseconds |
//! | 16 | seal over the key, the validation fingerprint, this head and the entries; zeros without a secret |
//! | | the entries |
//!
//! The age of a value follows from the remaining lifetime that Redis reports, so the clocks of nodes
//! need not agree. The wall clock shows, roughly, if the lifetime was extended by a third party.

use std::time::Duration;

use bytes::{Buf, BufMut};
use zoners_dns::second_level::SecondLevelEntries;
use zoners_dns::{ClockReading, Moment};

use super::VERSION;
use crate::seal::{self, Seal};

/// Octets before the seal.
const HEAD_OCTETS: usize = 1 + 8 + 8 + 8;
/// Octets of the longest value; no answer has more.
pub(super) const MAX_VALUE_OCTETS: usize = 256 * 1024;
/// Seconds by which the wall clocks of nodes may differ.
const MAX_SKEW: u64 = 300;

/// The view of one node: seals values that are written and opens values that are read.
#[derive(Debug)]
pub struct Side<'a> {
    /// The secret that the nodes share, if any.
    pub seal: Option<&'a Seal>,
    /// Fingerprint of how the node validates answers.
    pub proofs: [u8; 32],
    /// The node's clocks.
    pub now: ClockReading,
}

impl Side<'_> {
    /// The value of `key`: `entries`, to be kept for `ttl`.
    #[must_use]
    pub fn seal(&self, key: &str, entries: &[u8], ttl: Duration) -> Vec<u8> {
        let now = self.now;
        let mut out = Vec::with_capacity(HEAD_OCTETS + seal::LENGTH + entries.len());
        out.put_u8(VERSION);
        out.put_u64(now.wall_seconds);
        out.put_u64(now.now.as_millis());
        out.put_u64(ttl.as_millis() as u64);
        let over = self.seal.map_or([0; seal::LENGTH], |seal| {
            seal.over(&[key.as_bytes(), &self.proofs, &out, entries])
        });
        out.put_slice(&over);
        out.put_slice(entries);
        out
    }

    /// The entries in the value of `key`, whose remaining lifetime is `left`; `None` if the value is
    /// malformed or older than its lifetime allows.
    #[must_use]
    pub fn open(&self, key: &str, value: &[u8], left: Duration) -> Option<SecondLevelEntries> {
        let (head, rest) = value.split_at_checked(HEAD_OCTETS)?;
        let (over, entries) = rest.split_at_checked(seal::LENGTH)?;
        let mut read = head;
        if read.get_u8() != VERSION || value.len() > MAX_VALUE_OCTETS {
            return None;
        }
        let (told, moment) = (read.get_u64(), Moment::from_millis(read.get_u64()));
        let kept = Duration::from_millis(read.get_u64());
        let age = kept.checked_sub(left)?;
        let now = self.now;
        // The lifetime was extended, or an old value was restored.
        if now.wall_seconds > told.saturating_add(kept.as_secs()).saturating_add(MAX_SKEW) {
            return None;
        }
        let trusted = self
            .seal
            .is_some_and(|seal| seal.fits(&[key.as_bytes(), &self.proofs, head, entries], over));
        let then = moment.after(age).as_millis();
        let shift = (now.now.as_millis() as i64).checked_sub_unsigned(then)?;
        Some(SecondLevelEntries { entries: entries.to_vec(), shift, trusted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::Common;
    use crate::shared::tests::{At, node};
    use proptest::prelude::*;

    const WALL_SECONDS: u64 = 1_800_000_000;
    const TTL: Duration = Duration::from_secs(60);

    #[test]
    fn the_remaining_lifetime_gives_the_age() {
        let value = node(At(1_000, WALL_SECONDS), Some("s")).side().seal("k", b"entries", TTL);
        let other = node(At(500_000, WALL_SECONDS + 20), Some("s"));
        let left = Duration::from_millis(45_000);
        let found = other.side().open("k", &value, left).unwrap();
        assert_eq!((found.entries.as_slice(), found.trusted), (&b"entries"[..], true));
        // An entry that expires a minute after 1,000 expires 45 s after 500,000 here.
        assert_eq!(found.shift, 500_000 - (1_000 + 15_000));
        assert_eq!(other.side().open("k", &value, TTL + TTL), None, "longer than its lifetime");
        let late = node(At(500_000, WALL_SECONDS + 361), Some("s"));
        assert_eq!(late.side().open("k", &value, TTL), None, "an old value was restored");
    }

    #[test]
    fn only_nodes_with_the_secret_and_the_same_validation_are_trusted() {
        let at = || At(1_000, WALL_SECONDS);
        let value = node(at(), Some("s")).side().seal("k", b"entries", TTL);
        let trusts = |node: &Common, key: &str, value: &[u8]| {
            node.side().open(key, value, TTL).unwrap().trusted
        };
        assert!(trusts(&node(at(), Some("s")), "k", &value));
        assert!(!trusts(&node(at(), Some("s")), "l", &value), "of another question");
        assert!(!trusts(&node(at(), Some("t")), "k", &value));
        assert!(!trusts(&node(at(), None), "k", &value));
        let lax = node(at(), Some("s"));
        *lax.proofs.lock() = [6; 32];
        assert!(!trusts(&lax, "k", &value));
        let open = node(at(), None).side().seal("k", b"entries", TTL);
        assert!(!trusts(&node(at(), Some("s")), "k", &open));
        let mut changed = value.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(!trusts(&node(at(), Some("s")), "k", &changed));
    }

    proptest! {
        #[test]
        fn arbitrary_octets_are_never_trusted(value: Vec<u8>, millis: u32) {
            let node = node(At(1_000, WALL_SECONDS), Some("s"));
            let left = Duration::from_millis(millis.into());
            if let Some(found) = node.side().open("k", &value, left) {
                prop_assert!(!found.trusted);
            }
        }
    }
}
