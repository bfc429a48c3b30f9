//! Replays the corpus of the fuzzer of lists.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads files"
)]

#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/policy_lists.rs"]
mod policy_lists;

use std::path::Path;

#[test]
fn no_input_of_the_corpus_breaks_a_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/policy_lists");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 10, "the corpus is missing");
    for file in files {
        policy_lists::run(&std::fs::read(file.path()).unwrap());
    }
}
