//! The file of the root's keys: what is read is written as the same, and a key gains trust by time
//! or by an anchor alone.

use bytes::Bytes;
use zoners_dns::{RRset, Records, Rtype, name};
use zoners_dnssec::rollover::{HOLD_DOWN_SECONDS, KeyState, MAX_TRACKED_KEYS, observe};
use zoners_dnssec::verify::ValidationTime;
use zoners_server::root_keys::{format, parse};

const NOW: u64 = 1_800_000_000;

/// Reads `octets` as the file, then sees the keys in it at the root.
pub fn run(octets: &[u8]) {
    let Ok(keys) = parse(octets) else { return };
    assert!(keys.len() <= MAX_TRACKED_KEYS);
    assert_eq!(parse(format(&keys).as_bytes()).as_ref(), Ok(&keys));
    let rdata: Records = keys.iter().map(|tracked| tracked.key.rdata.clone()).collect();
    let set = RRset::new(name::root(), Rtype::DNSKEY, 3600, rdata);
    let mut seen = keys.clone();
    observe(&mut seen, &set, ValidationTime { now: NOW, skew: 0 }, |_| false);
    assert!(seen.len() <= MAX_TRACKED_KEYS);
    for key in seen.iter().filter(|key| key.is_trusted()) {
        let same: Vec<_> = keys.iter().filter(|old| old.key == key.key).collect();
        let held = |since: u64| NOW.saturating_sub(since) >= HOLD_DOWN_SECONDS;
        let earned = |old: &KeyState, since| match old {
            KeyState::Valid | KeyState::Missing => true,
            KeyState::Pending => held(since),
            KeyState::Revoked => false,
        };
        assert!(same.iter().any(|old| earned(&old.state, old.since)), "{key:?}");
    }
    let nothing = RRset::new(name::root(), Rtype::DNSKEY, 3600, Records::from_iter([Bytes::new()]));
    observe(&mut seen, &nothing, ValidationTime { now: NOW, skew: 0 }, |_| false);
    assert!(seen.iter().all(|key| key.state != KeyState::Pending && key.state != KeyState::Valid));
}
