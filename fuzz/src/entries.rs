//! Entries that come back into a cache, out of a file or from another node.

use zoners_cache::{Cache, ExportCursor, TtlLimits};
use zoners_dns::{Moment, Question, Rtype, name};

/// Whatever comes in can be read, and goes out again as something that may come in.
pub fn run(octets: &[u8]) {
    let now = Moment::from_millis(1_000_000);
    let cache = || Cache::new(1 << 20, TtlLimits::default(), [1, 2]);
    let question = Question::new(name::parse("www.test").expect("a name"), Rtype::A);
    for trusted in [true, false] {
        let (all, one) = (cache(), cache());
        let _ = all.import(octets, 0, trusted, now);
        let _ = one.import_answer(&question, octets, 0, trusted, now);
        for cache in [&all, &one] {
            let (mut progress, mut out) = (ExportCursor::default(), Vec::new());
            while cache.export(&mut progress, now, &mut out) {}
            assert!(self::again(&out, now), "what went out came from here");
            let _ = cache.inspect(&question.name, now);
        }
    }
}

fn again(entries: &[u8], now: Moment) -> bool {
    Cache::new(1 << 20, TtlLimits::default(), [1, 2]).import(entries, 0, true, now).is_ok()
}
