//! `memory NAMES MEBIBYTES [signed]`: offers so many names to a cache of so many mebibytes, and says
//! how much memory the process took for how many of them.

#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic, reason = "a bench")]

use zoners_cache::{Cache, Rank, TtlLimits};
use zoners_dns::{Moment, RRset, Records, Rtype, Security, name};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Octets of an RRSIG record of algorithm 13 by `bulk.com`.
const SIGNATURE: usize = 18 + 10 + 64;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [names, mebibytes, rest @ ..] = arguments.as_slice() else {
        panic!("memory NAMES MEBIBYTES [signed]")
    };
    let names: u64 = names.parse().expect("a count");
    let limit = mebibytes.parse::<usize>().expect("mebibytes") << 20;
    let signatures = match rest {
        [] => Records::NONE,
        _ => Records::from_iter([[7; SIGNATURE]]),
    };
    let before = resident();
    let cache = Cache::new(limit, TtlLimits::default(), [1, 2]);
    let now = Moment::from_millis(1);
    for number in 0..names {
        let text = format!("h{number}-{:x}.bulk.com", number * 2_654_435_761 % 4_294_967_296);
        let owner = name::parse(&text).expect("a name");
        let records = Records::from_iter([(number as u32).to_be_bytes()]);
        let mut set = RRset::new(owner, Rtype::A, 300, records);
        set.signatures = signatures.clone();
        cache.insert_rrset(&set, &[], Rank::AuthoritativeAnswer, Security::Insecure, now);
    }
    let (stats, grown) = (cache.stats(), resident() - before);
    println!(
        "offered {names}, kept {}, charged {} MiB, resident {} MiB of {mebibytes} MiB ({:.1} %), {} octets an answer",
        stats.entries,
        stats.bytes >> 20,
        grown >> 20,
        grown as f64 / limit as f64 * 100.0,
        grown / stats.entries.max(1),
    );
}

/// Octets of memory that the process has.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    let kibibytes = line.split_whitespace().nth(1).expect("a figure");
    kibibytes.parse::<usize>().expect("a number") * 1024
}
