//! A value that other nodes share: without the seal nothing in it is authentic, and however old it is
//! said to be, nothing in it lives longer than it may.

use std::time::Duration;

use zoners_cache::{Cache, TtlLimits};
use zoners_dns::{ClockReading, Moment, Question, Rtype, Security, name};
use zoners_store::Seal;
use zoners_store::shared::envelope::Side;

const KEY: &str = "zoners:2:q:www.test.:A";
/// Seconds for which anything is kept.
const CAP: i64 = 86_400;

/// The first octets are how the value is made, what is left of its time in milliseconds, and what the
/// clocks of its maker and of its reader show.
pub fn run(octets: &[u8]) {
    let Some((head, rest)) = octets.split_first_chunk::<37>() else { return };
    let number = |at: usize| {
        let octets = head.get(at..).and_then(|octets| octets.first_chunk::<8>().copied());
        u64::from_be_bytes(octets.unwrap_or_default())
    };
    let left =
        Duration::from_millis(u64::from(u32::from_be_bytes([head[1], head[2], head[3], head[4]])));
    let (maker, reader) = (reading(number(5), number(13)), reading(number(21), number(29)));
    let (own, other) = (Seal::new(b"own"), Seal::new(b"other"));
    let side = |seal, now| Side { seal, proofs: [u8::from(head[0] & 0x10 != 0); 32], now };
    let (by, ttl) = (side(Some(&own), maker), Duration::from_secs(60));
    let value = match head[0] % 3 {
        0 => rest.to_vec(),
        1 => by.seal(KEY, rest, ttl),
        _ => side(Some(&other), maker).seal(KEY, rest, ttl),
    };
    let genuine = head[0] % 3 == 1;
    let Some(found) = side(Some(&own), reader).open(KEY, &value, left) else { return };
    assert_eq!(found.trusted, genuine);
    assert!(found.entries.len() <= value.len());
    if genuine {
        assert_eq!(found.entries, rest);
        assert!(left <= ttl, "nobody gives it more time");
        // What its maker's clock showed, and what has passed since, is now.
        let made = maker.now.after(ttl - left);
        assert_eq!(made.shifted(found.shift), reader.now);
    }
    let unproven = Side { proofs: [9; 32], ..side(Some(&own), reader) };
    assert!(!unproven.open(KEY, &value, left).is_some_and(|found| found.trusted));
    take(&found.entries, found.shift, found.trusted, reader.now);
}

fn take(entries: &[u8], shift: i64, trusted: bool, now: Moment) {
    let cache = Cache::new(1 << 20, TtlLimits::default(), [1, 2]);
    let question = Question::new(name::parse("www.test").expect("a name"), Rtype::A);
    let _ = cache.import_answer(&question, entries, shift, trusted, now);
    for entry in cache.inspect(&question.name, now).0 {
        assert!(entry.left <= CAP, "{entry:?}");
        assert!(trusted || entry.security == Security::Unchecked, "{entry:?}");
    }
}

/// What a clock shows; one that runs for more than some 30,000 years is none.
fn reading(millis: u64, wall_seconds: u64) -> ClockReading {
    ClockReading { now: Moment::from_millis(millis >> 14), wall_seconds }
}
