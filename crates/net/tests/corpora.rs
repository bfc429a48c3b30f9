//! Replays the corpora of the fuzzers.

#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/quic_stream.rs"]
mod quic_stream;

use std::path::Path;

#[test]
fn streams_of_quic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/quic_stream");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 10, "the corpus is missing");
    for file in files {
        quic_stream::run(&std::fs::read(file.path()).unwrap());
    }
}
