//! Replays the corpora of the fuzzers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must say so")]

#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/http3_streams.rs"]
mod http3_streams;

use std::path::Path;

use proptest::prelude::*;

#[test]
fn streams_of_http3() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/http3_streams");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 10, "the corpus is missing");
    for file in files {
        http3_streams::run(&std::fs::read(file.path()).unwrap());
    }
}

proptest! {
    #[test]
    fn any_streams_of_http3(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        http3_streams::run(&octets);
    }
}
