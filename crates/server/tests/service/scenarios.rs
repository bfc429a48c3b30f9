//! Plays scenarios: our own always, third-party scenarios from the folder named by
//! `ZONERS_SCENARIOS` (see `crates/sim/src/scenario.rs` for the dialect).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::player::{ScenarioOutcome, play};
use zoners_sim::scenario::Dialect;

fn files(folder: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "rpl"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned())
        })
        .collect()
}

#[test]
fn our_own_scenarios_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let own = files(&folder);
    assert!(!own.is_empty());
    for (name, text) in own {
        match play(&text, Dialect::Unbound) {
            ScenarioOutcome::Passed => {}
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// Which resolvers pass which of Deckard's files; see the table's head.
fn passed_by(folder: &Path) -> BTreeMap<String, usize> {
    let table = fs::read_to_string(folder.join("passed-by.tsv")).unwrap_or_default();
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let passes = columns[1..5].iter().filter(|column| **column == "pass").count();
        (columns[0].to_owned(), passes)
    };
    table.lines().skip(1).map(row).collect()
}

/// Files that two resolvers pass and Zoners must not pass.
///
/// `val_anchor_nx_nosig`: the parent of a trust anchor's zone denies the zone without a proof. If
/// such a denial were accepted, any forger could switch the anchor off.
const NOT_HELD: [&str; 1] = ["val_anchor_nx_nosig.rpl"];

#[test]
fn third_party_scenarios_pass_that_two_resolvers_pass() {
    let Some(folder) = std::env::var_os("ZONERS_SCENARIOS") else {
        println!("ZONERS_SCENARIOS is not set: no third-party scenarios are played");
        return;
    };
    let folder = Path::new(&folder);
    let passes = passed_by(folder);
    let (mut wrong, mut played) = (Vec::new(), 0);
    for (dialect, subfolder) in [(Dialect::Deckard, "deckard"), (Dialect::Unbound, "unbound")] {
        let mut sums = [0, 0, 0];
        let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
        for (name, text) in files(&folder.join(subfolder)) {
            let must = dialect == Dialect::Deckard
                && passes.get(&name).is_some_and(|passes| *passes >= 2)
                && !NOT_HELD.contains(&&*name);
            match play(&text, dialect) {
                ScenarioOutcome::Passed => sums[0] += 1,
                ScenarioOutcome::Skipped(reason) => {
                    sums[1] += 1;
                    println!("skipped {subfolder}/{name}: {reason}");
                    *reasons.entry(reason).or_default() += 1;
                    if must {
                        wrong.push(name);
                    }
                }
                ScenarioOutcome::Failed(reason) => {
                    sums[2] += 1;
                    println!("failed {subfolder}/{name}: {reason}");
                    if must {
                        wrong.push(name);
                    }
                }
            }
        }
        let [passed, skipped, failed] = sums;
        println!("{subfolder}: {passed} passed, {skipped} skipped, {failed} failed");
        for (reason, count) in reasons {
            println!("  {count} skipped: {reason}");
        }
        played += passed + failed;
    }
    assert!(played > 0, "{} has no scenario that can be played", folder.display());
    assert!(wrong.is_empty(), "two established resolvers pass these: {wrong:#?}");
}
