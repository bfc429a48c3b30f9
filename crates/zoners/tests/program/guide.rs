//! Holds docs/book to the program and to the keys of zoners.example.toml.

use std::collections::BTreeSet;
use std::process::Command;

use zoners_server::config::EXAMPLE;

const GUIDE: &str = include_str!("../../../../docs/book/src/coming-from.md");

/// Tables as `[server]`, keys as `server.listen` and as `listen`.
fn known() -> BTreeSet<String> {
    let (mut known, mut table) = (BTreeSet::new(), "");
    for line in EXAMPLE.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        let head = line.trim_start_matches('[').trim_end_matches(']');
        if line.starts_with('[') && line.ends_with(']') && is_key(head) {
            table = head;
            known.insert(format!("[{table}]"));
        } else if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| is_key(key)) {
            known.extend([key.to_owned(), format!("{table}.{key}")]);
        }
    }
    known
}

fn is_key(text: &str) -> bool {
    let is_of_key =
        |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"-.".contains(&octet);
    !text.is_empty() && text.bytes().all(is_of_key)
}

/// The keys in backquotes of a cell: neither commands nor values.
fn keys(cell: &str) -> impl Iterator<Item = String> {
    let quoted = cell.split('`').skip(1).step_by(2);
    let keys = quoted.map(|text| text.split_once(" = ").map_or(text, |(key, _)| key));
    let is_no_value = |key: &&str| !key.starts_with("zoners ") && !key.contains(['"', '/']);
    keys.filter(is_no_value).map(|key| key.replace("[[", "[").replace("]]", "]"))
}

#[test]
fn every_key_of_the_guide_is_in_the_example() {
    let known = known();
    let heads = ["zoners.toml", "here"];
    let right = GUIDE.lines().filter_map(|line| line.strip_suffix('|')?.rsplit('|').next());
    let told: BTreeSet<String> =
        right.filter(|cell| !heads.contains(&cell.trim())).flat_map(keys).collect();
    let unknown: Vec<&String> = told.difference(&known).collect();
    assert!(unknown.is_empty(), "not in zoners.example.toml: {unknown:?}");
    assert!(told.len() > 40, "{told:?}");
}

/// Commands, options, settings, counters, errors and lines of the log that pages name, and links. `scripts/book run`,
/// which takes namespaces, runs the commands.
#[test]
fn the_book_says_what_the_program_knows() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/book");
    let mut command = Command::new("python3");
    command.args([script, "check", "--program", env!("CARGO_BIN_EXE_zoners")]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
