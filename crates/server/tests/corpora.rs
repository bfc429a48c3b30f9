//! Replays what the fuzzers found worth keeping.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/canonical.rs"]
mod canonical;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/denial.rs"]
mod denial;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/entries.rs"]
mod entries;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/packet_path.rs"]
mod packet_path;
#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/reply_path.rs"]
mod reply_path;

use std::path::Path;

fn replay(target: &str, run: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    assert!(files.len() > 10, "the corpus is missing");
    for file in files {
        run(&std::fs::read(file.path()).unwrap());
    }
}

#[test]
fn packets_of_clients() {
    replay("packet_path", packet_path::run);
}

#[test]
fn canonical_rdata() {
    replay("canonical", canonical::run);
}

#[test]
fn denial_proofs() {
    replay("denial", denial::run);
}

#[test]
fn entries_of_caches() {
    replay("entries", entries::run);
}

#[test]
fn replies_of_servers() {
    replay("reply_path", reply_path::run);
}
