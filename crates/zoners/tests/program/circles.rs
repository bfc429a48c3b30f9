//! The files of a crate import each other one way, and so do the rooms of the resolver.
//!
//! A file may use items of the parents, as a child knows the parents; the remaining imports, and imports of a child
//! by a parent, make a graph without circles. Tests are left out: they may look at everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files of a crate by module path (`["ask", "race"]`; nothing for the root), without comments and tests.
type Files = BTreeMap<Vec<String>, String>;
type Imports = BTreeMap<Vec<String>, BTreeSet<Vec<String>>>;

/// The rooms of the resolver, from the lowest to the highest.
const ROOMS: [&str; 9] =
    ["model", "infra", "env", "cached", "selection", "ask", "iterate", "validate", "resolve"];

fn crates() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).to_owned()
}

fn read(folder: &Path, path: &[String], files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() && name != "bin" {
            read(&entry.path(), &[path, &[name]].concat(), files);
        } else if let Some(name) = name.strip_suffix(".rs").filter(|name| *name != "tests") {
            let is_root = matches!(name, "lib" | "main") && path.is_empty();
            let own = if is_root { vec![] } else { [path, &[name.to_owned()]].concat() };
            let text = fs::read_to_string(entry.path()).unwrap();
            let shipped = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let code = shipped.lines().map(|line| line.split("//").next().unwrap_or_default());
            *files.entry(own).or_default() += &code.collect::<Vec<_>>().join("\n");
        }
    }
}

/// The files of a crate, by the name of the folder.
fn files(name: &str) -> Files {
    let mut files = Files::new();
    read(&crates().join(name).join("src"), &[], &mut files);
    files
}

/// The paths that a `use` tree stands for: `a::{b, c::d}` for `a::b` and `a::c::d`.
fn flatten(tree: &str, before: &str, paths: &mut Vec<String>) {
    let Some((stem, rest)) = tree.split_once('{') else {
        paths.push(format!("{before}{}", tree.trim().split(" as ").next().unwrap_or_default()));
        return;
    };
    let rest = rest.trim_end();
    let (inside, before) =
        (rest.strip_suffix('}').unwrap_or(rest), format!("{before}{}", stem.trim()));
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in inside.char_indices().chain([(inside.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inside[start..at].trim();
                if !part.is_empty() {
                    flatten(part, &before, paths);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// All paths of `use` items; with `public`, of those alone that export again.
fn used(code: &str, public: bool) -> Vec<String> {
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let line = rest[..at].rsplit('\n').next().unwrap_or_default().trim();
        let tree = rest[at + 4..].split(';').next().unwrap_or_default();
        if line.is_empty() && !public || line.starts_with("pub") {
            flatten(&tree.replace('\n', " "), "", &mut paths);
        }
        rest = &rest[at + 4..];
    }
    paths
}

/// All paths in the code beginning at the crate, at a parent or at a child.
fn named(code: &str, children: &[String]) -> Vec<String> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let words = code.split(|letter| !is_part(letter)).filter(|word| word.contains("::"));
    let begins = |word: &&str| {
        let first = word.split("::").next().unwrap_or_default();
        matches!(first, "crate" | "super") || children.iter().any(|child| child == first)
    };
    words.filter(begins).map(str::to_owned).collect()
}

/// The file at the end of a path, seen from `from`; through what is exported again.
fn resolve(files: &Files, from: &[String], path: &str, depth: usize) -> Vec<String> {
    let mut at = from.to_vec();
    let segments: Vec<&str> = path.split("::").map(str::trim).collect();
    for (number, segment) in segments.iter().enumerate() {
        match *segment {
            "crate" => at.clear(),
            "self" => {}
            "super" => _ = at.pop(),
            segment => {
                let child = [&at[..], &[segment.to_owned()]].concat();
                if files.contains_key(&child) {
                    at = child;
                    continue;
                }
                let again = files.get(&at).map(|code| used(code, true)).unwrap_or_default();
                let again = again.iter().find(|path| path.rsplit("::").next() == Some(segment));
                match again.filter(|again| depth < 5 && leads_inside(files, &at, again)) {
                    Some(again) => return resolve(files, &at, again, depth + 1),
                    None => return at,
                }
            }
        }
        if number + 1 == segments.len() {
            break;
        }
    }
    at
}

/// Whether a path begins at the crate, at a parent or at a child, and not at another crate.
fn leads_inside(files: &Files, from: &[String], path: &str) -> bool {
    let first = path.split("::").next().unwrap_or_default().trim();
    matches!(first, "crate" | "self" | "super")
        || files.contains_key(&[from, &[first.to_owned()]].concat())
}

fn imports(files: &Files) -> Imports {
    let mut imports = Imports::new();
    for (from, code) in files {
        let children: Vec<String> = files
            .keys()
            .filter(|path| path.len() == from.len() + 1 && path.starts_with(from))
            .filter_map(|path| path.last().cloned())
            .collect();
        let paths = used(code, false).into_iter().chain(named(code, &children));
        let to = paths
            .filter(|path| leads_inside(files, from, path))
            .map(|path| resolve(files, from, &path, 0))
            .filter(|to| !from.starts_with(to))
            .collect();
        imports.insert(from.clone(), to);
    }
    imports
}

/// The sets of files leading to each other.
fn circles(mut imports: Imports) -> Vec<BTreeSet<Vec<String>>> {
    let reach = |start: &Vec<String>, imports: &Imports| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start.clone()]);
        while let Some(at) = next.pop() {
            for to in imports.get(&at).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    next.push(to.clone());
                }
            }
        }
        seen
    };
    let mut circles = Vec::new();
    while let Some(start) = imports.keys().next().cloned() {
        let back = |other: &Vec<String>| reach(other, &imports).contains(&start);
        let circle: BTreeSet<_> = reach(&start, &imports).into_iter().filter(back).collect();
        circle.iter().for_each(|file| _ = imports.remove(file));
        imports.remove(&start);
        if circle.len() > 1 {
            circles.push(circle);
        }
    }
    circles
}

#[test]
fn no_file_imports_one_that_imports_it() {
    for entry in fs::read_dir(crates()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !entry.path().join("src").is_dir() {
            continue;
        }
        let files = files(&name);
        assert!(!files.is_empty(), "{name} has files");
        let circles = circles(imports(&files));
        assert!(circles.is_empty(), "circles in {name}: {circles:#?}");
    }
}

#[test]
fn rooms_of_the_resolver_import_downwards() {
    let files = files("resolver");
    let place = |path: &[String]| {
        let room = path.first()?;
        Some(ROOMS.iter().position(|known| known == room).expect("each file lies in a room"))
    };
    let mut across = 0;
    for (from, to) in imports(&files) {
        for to in to {
            if let (Some(above), Some(below)) = (place(&from), place(&to)) {
                assert!(above >= below, "{} imports {}", from.join("::"), to.join("::"));
                across += usize::from(above > below);
            }
        }
    }
    assert!(across > 100, "imports between rooms were found: {across}");
}

#[test]
fn circles_and_imports_are_found() {
    let files: Files = [
        (vec![], "mod a; mod b; pub use b::Thing;"),
        (vec!["a"], "mod child;\nuse crate::{Thing, other::{Way, Other}};\nfn f() { child::g() }"),
        (vec!["a", "child"], "use super::f;\nuse crate::b;"),
        (vec!["b"], "fn h() { crate::a::f() }"),
    ]
    .into_iter()
    .map(|(path, code)| (path.into_iter().map(str::to_owned).collect(), code.to_owned()))
    .collect();
    let found = circles(imports(&files));
    let names: Vec<Vec<String>> =
        found.iter().map(|circle| circle.iter().map(|path| path.join("::")).collect()).collect();
    assert_eq!(names, [["a", "a::child", "b"]]);
}
