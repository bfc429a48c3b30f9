//! Replays the corpora of the fuzzers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must say so")]

#[allow(unreachable_pub, reason = "a library of its own over there")]
#[path = "../../../fuzz/src/imports.rs"]
mod imports;

use std::path::Path;

use proptest::prelude::*;

/// Pieces of all kinds of files.
const PIECES: &str = r#"([a-z_-]{1,9}[:=] ?|dns:\n|  upstream_dns:\n|    - |\[dns\]\n|\[/a/\]|server=/|address=/a/|PIHOLE_DNS_1=|\[|\]|\{|\}|["'#@&*:,|>\r\n\t \\\u{1}é]|[0-9a-f./]{1,9}){0,60}"#;

#[test]
fn files_of_other_servers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/imports");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 8, "the corpus is missing");
    for file in files {
        imports::run(&std::fs::read(file.path()).unwrap());
    }
}

proptest! {
    #[test]
    fn any_files_of_other_servers(kind in 0_u8..8, text in PIECES) {
        imports::run(&[&[kind], text.as_bytes()].concat());
    }
}
