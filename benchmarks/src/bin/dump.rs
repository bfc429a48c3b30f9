//! `dump ENTRIES FILE`: writes so many answers as `zoners cache dump` would, for `zoners cache load`.

#![allow(clippy::expect_used, clippy::panic, reason = "a bench")]

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use zoners_cache::{Cache, Rank, TtlLimits};
use zoners_dns::{ClockReading, Moment, RRset, Random, Records, Rtype, Security, name};
use zoners_store::snapshot::{Boot, Fingerprints, SnapshotOptions, Times, write};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [entries, file] = arguments.as_slice() else { panic!("dump ENTRIES FILE") };
    let entries: u32 = entries.parse().expect("a count");
    let cache = Cache::new(4 << 30, TtlLimits::default(), [1, 2]);
    let now = Moment::from_millis(1);
    for number in 0..entries {
        let owner = name::parse(&format!("h{number}.bulk.example")).expect("a name");
        let set = RRset::new(owner, Rtype::A, 86_400, Records::from_iter([number.to_be_bytes()]));
        cache.insert_rrset(&set, &[], Rank::AuthoritativeAnswer, Security::Insecure, now);
    }
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set");
    let times =
        Times { reading: ClockReading { now, wall_seconds: wall.as_secs() }, boot: Boot(None) };
    let terms = SnapshotOptions { seal: None, fingerprints: Fingerprints::of("", "") };
    write(Path::new(file), &cache, &terms, times, &Random::seeded(1), u64::MAX).expect("a file");
}
