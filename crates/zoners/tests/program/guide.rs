//! Holds docs/book to the program.

use std::process::Command;

/// Commands, options, settings and their defaults, counters, errors and lines of the log that pages name, and links.
/// `scripts/book run`, which takes namespaces, runs the commands.
#[test]
fn the_book_says_what_the_program_knows() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/book");
    let mut command = Command::new("python3");
    command.args([script, "check", "--program", env!("CARGO_BIN_EXE_zoners")]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
