//! Settings as TOML, with comments that tell the origin.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::imported::{Form, Imported, one_line};

/// The configuration as text: the remarks as comments, then tables, then entries, then routes.
#[must_use]
pub fn toml(imported: &Imported) -> String {
    let mut text = String::from("# Written by `zoners import`. `zoners check` checks this file.\n");
    if !imported.remarks.is_empty() {
        text += "#\n# Not taken over:\n";
        for remark in &imported.remarks {
            let _ = writeln!(text, "#   {remark}");
        }
    }
    let tables: BTreeSet<&str> =
        imported.settings.iter().filter_map(|one| plain(&one.form)).collect();
    for table in tables {
        let _ = write!(text, "\n[{table}]\n{}", body(imported, table));
    }
    for setting in &imported.settings {
        let Form::Entry { table, pairs } = &setting.form else { continue };
        let _ = write!(text, "\n# {}\n[[{table}]]\n", one_line(&setting.place.to_string()));
        for (key, value) in pairs {
            let _ = writeln!(text, "{key} = {value}");
        }
    }
    for setting in &imported.settings {
        let Form::Route { table, zone, servers, tcp, validate } = &setting.form else { continue };
        let servers: Vec<String> = servers.iter().map(|server| quoted(server)).collect();
        let from = one_line(&setting.place.to_string());
        let _ = write!(text, "\n# {from}\n[[{table}]]\nzone = {}\n", quoted(zone));
        let _ = writeln!(text, "servers = [{}]", servers.join(", "));
        if *tcp {
            text += "transport = \"tcp\"\n";
        }
        if *validate {
            text += "validate = true\n";
        }
    }
    text
}

/// The table of a setting that is neither an entry nor a route.
fn plain(form: &Form) -> Option<&'static str> {
    match form {
        Form::Value { table, .. } | Form::Item { table, .. } => Some(table),
        Form::Entry { .. } | Form::Route { .. } => None,
    }
}

/// The keys of a table, in the order of the alphabet.
fn body(imported: &Imported, wanted: &str) -> String {
    let mut keys: BTreeMap<&str, String> = BTreeMap::new();
    let mut lists: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for setting in &imported.settings {
        let from = one_line(&setting.place.to_string());
        match &setting.form {
            Form::Value { table, key, value } if *table == wanted => {
                keys.insert(key, format!("{value} # {from}\n"));
            }
            Form::Item { table, key, text } if *table == wanted => {
                let list = keys.entry(key).or_insert_with(|| "[\n".into());
                if lists.entry(key).or_default().insert(text) {
                    let _ = writeln!(list, "    {}, # {from}", quoted(text));
                }
            }
            _ => {}
        }
    }
    let mut text = String::new();
    for (key, value) in keys {
        let end = if lists.contains_key(key) { "]\n" } else { "" };
        let _ = write!(text, "{key} = {value}{end}");
    }
    text
}

/// A basic string of TOML.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted + "\""
}
