//! A value: the entries of an answer, when they were told, for how long, and by whom.
//!
//! | octets | what |
//! |---|---|
//! | 1 | version |
//! | 8 | wall clock when it was told, seconds since 1970 |
//! | 8 | the moment that the entries count by |
//! | 8 | milliseconds that it is kept |
//! | 16 | the seal over the key, how it was proven, all this and the entries; zeros without a secret |
//! | | the entries |
//!
//! How old a value is tells the server by what is left of its time, so that the clocks of nodes need
//! not agree; that nobody gave it more time tells the wall clock, roughly.

use std::time::Duration;

use bytes::{Buf, BufMut};
use zoners_dns::second_level::SecondLevelEntries;
use zoners_dns::{ClockReading, Moment};

use super::VERSION;
use crate::seal::{self, Seal};

/// Octets before the seal.
const HEAD: usize = 1 + 8 + 8 + 8;
/// Octets of the longest value: more than any answer has.
pub(super) const LONGEST: usize = 256 * 1024;
/// Seconds by which the wall clocks of nodes may differ.
const SKEW: u64 = 300;

/// The node that puts a value into its envelope, or takes one out.
#[derive(Debug)]
pub struct Side<'a> {
    /// The secret that the node shares with others, if there is one.
    pub seal: Option<&'a Seal>,
    /// How the node proves answers.
    pub proofs: [u8; 32],
    /// The node's clocks.
    pub now: ClockReading,
}

impl Side<'_> {
    /// Puts entries that are to be kept for `ttl` into a value for `key`.
    #[must_use]
    pub fn seal(&self, key: &str, entries: &[u8], ttl: Duration) -> Vec<u8> {
        let now = self.now;
        let mut out = Vec::with_capacity(HEAD + seal::LENGTH + entries.len());
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

    /// Takes the entries out of the value under `key`, of which so much time is `left`; nothing if it
    /// is none, or cannot be that old.
    #[must_use]
    pub fn open(&self, key: &str, value: &[u8], left: Duration) -> Option<SecondLevelEntries> {
        let (head, rest) = value.split_at_checked(HEAD)?;
        let (over, entries) = rest.split_at_checked(seal::LENGTH)?;
        let mut read = head;
        if read.get_u8() != VERSION || value.len() > LONGEST {
            return None;
        }
        let (told, moment) = (read.get_u64(), Moment::from_millis(read.get_u64()));
        let kept = Duration::from_millis(read.get_u64());
        let age = kept.checked_sub(left)?;
        let now = self.now;
        // Somebody gave it more time, or put an old one back.
        if now.wall_seconds > told.saturating_add(kept.as_secs()).saturating_add(SKEW) {
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

    const WALL: u64 = 1_800_000_000;
    const TTL: Duration = Duration::from_secs(60);

    #[test]
    fn the_server_tells_how_old_a_value_is() {
        let value = node(At(1_000, WALL), Some("s")).side().seal("k", b"entries", TTL);
        let other = node(At(500_000, WALL + 20), Some("s"));
        let left = Duration::from_millis(45_000);
        let found = other.side().open("k", &value, left).unwrap();
        assert_eq!((found.entries.as_slice(), found.trusted), (&b"entries"[..], true));
        // What would expire a minute after 1,000 does so 45 s after 500,000.
        assert_eq!(found.shift, 500_000 - (1_000 + 15_000));
        assert_eq!(other.side().open("k", &value, TTL + TTL), None, "more than it had");
        let late = node(At(500_000, WALL + 361), Some("s"));
        assert_eq!(late.side().open("k", &value, TTL), None, "it was put back");
    }

    #[test]
    fn only_who_has_the_secret_and_proves_alike_is_believed() {
        let at = || At(1_000, WALL);
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
        fn no_octets_whatever_do_harm(value: Vec<u8>, millis: u32) {
            let node = node(At(1_000, WALL), Some("s"));
            let left = Duration::from_millis(millis.into());
            if let Some(found) = node.side().open("k", &value, left) {
                prop_assert!(!found.trusted);
            }
        }
    }
}
