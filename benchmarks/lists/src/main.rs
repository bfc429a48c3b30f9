//! Lists of the world, in a folder with a folder for each form (`hosts`, `domains`, `wildcards`, `adblock`, `dnsmasq`,
//! `rpz`):
//!
//! ```text
//! cargo run --release --manifest-path benchmarks/lists/Cargo.toml -- understood FOLDER [EXAMPLES]
//! cargo run --release --manifest-path benchmarks/lists/Cargo.toml -- compare FOLDER NAMES
//! ```
//!
//! `understood` prints how many lines of each list are understood, and the reasons of the remaining lines with
//! examples. `compare` judges each name of a file by each list, compiled, by a slow reference and, for adblock lists, by
//! Brave's `adblock` crate.

mod brave;
mod compare;
mod reference;
mod shape;
mod understood;

use std::fs;
use std::path::{Path, PathBuf};

use zoners_policy::ListForm;

/// A list of the folder.
struct ListFile {
    /// The form by the name of the folder.
    form: ListForm,
    name: String,
    path: PathBuf,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["understood", folder] => understood::print(&lists(folder), 0),
        ["understood", folder, examples] => {
            understood::print(&lists(folder), examples.parse().expect("a number of examples"));
        }
        ["compare", folder, names] => compare::print(&lists(folder), Path::new(names)),
        _ => eprintln!("understood FOLDER [EXAMPLES] | compare FOLDER NAMES"),
    }
}

/// The lists of a folder, by form and name.
fn lists(folder: &str) -> Vec<ListFile> {
    let mut found = Vec::new();
    for form in ListForm::ALL {
        let Ok(files) = fs::read_dir(Path::new(folder).join(form.name())) else { continue };
        for file in files {
            let file = file.expect("a folder that can be read");
            let name = file.file_name().to_string_lossy().into_owned();
            found.push(ListFile { form, name, path: file.path() });
        }
    }
    found.sort_by(|one, other| (one.form as u8, &one.name).cmp(&(other.form as u8, &other.name)));
    found
}
