//! Holds the crates to the import table of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

type Edges = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The table whose rows are `` | `crate` | `imports`, … | … | ``.
fn written() -> Edges {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let quoted = |cell: &str| -> BTreeSet<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (quoted(cells[1]).pop_first().unwrap(), quoted(cells[2]))
    })
    .collect()
}

fn built() -> Edges {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let short = |name: &serde_json::Value| {
        let name = name.as_str().unwrap();
        name.strip_prefix("zoners-").unwrap_or(name).to_owned()
    };
    let packages = metadata["packages"].as_array().unwrap();
    let is_ours =
        |name: &serde_json::Value| packages.iter().any(|package| package["name"] == *name);
    packages
        .iter()
        .map(|package| {
            let imports = package["dependencies"].as_array().unwrap().iter();
            // Dev-dependencies are not restricted.
            let shipped = imports.filter(|dependency| dependency["kind"].is_null());
            let own = shipped.filter(|dependency| is_ours(&dependency["name"]));
            (short(&package["name"]), own.map(|dependency| short(&dependency["name"])).collect())
        })
        .collect()
}

#[test]
fn crates_import_what_architecture_says_and_nothing_else() {
    assert_eq!(built(), written(), "left: the crates; right: ARCHITECTURE.md");
}

#[test]
fn imports_go_one_way() {
    let mut edges = built();
    while !edges.is_empty() {
        let free: Vec<String> =
            edges.iter().filter(|(_, to)| to.is_empty()).map(|(from, _)| from.clone()).collect();
        assert!(!free.is_empty(), "a circle among {edges:?}");
        for from in free {
            edges.remove(&from);
            edges.values_mut().for_each(|to| to.retain(|import| *import != from));
        }
    }
}
