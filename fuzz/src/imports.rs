//! Files of other servers: whatever they say, what is written is TOML with the keys of the settings alone and without
//! control characters, and every setting has its place.
//!
//! The first octet says the kind of the file.

use std::collections::BTreeSet;

use toml::{Table, Value};
use zoners_import::{Kind, import_text};

/// Names by which the readers of one kind tell its files apart.
const NAMES: [&str; 8] = [
    "unbound.conf",
    "pihole.toml",
    "setupVars.conf",
    "adlist.json",
    "adlists.list",
    "AdGuardHome.yaml",
    "dnsmasq.conf",
    "dnscrypt-proxy.toml",
];

/// Reads the octets behind the first as a file.
pub fn run(octets: &[u8]) {
    let Some((head, text)) = octets.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let name = NAMES[usize::from(*head) % NAMES.len()];
    let kind = match name {
        "unbound.conf" => Kind::Unbound,
        "AdGuardHome.yaml" => Kind::AdguardHome,
        "dnsmasq.conf" => Kind::Dnsmasq,
        "dnscrypt-proxy.toml" => Kind::DnscryptProxy,
        _ => Kind::PiHole,
    };
    let Ok(imported) = import_text(&text, name, Some(kind)) else { return };
    let written = zoners_import::toml(&imported);
    assert!(written.chars().all(|letter| letter == '\n' || !letter.is_control()), "{written:?}");
    // A text that ends its place would be a setting of its own, such as who may ask.
    let table = written.parse::<Table>();
    assert!(table.is_ok(), "{table:?}: {written:?}");
    let wanted: BTreeSet<String> = imported.settings.iter().flat_map(|one| one.keys()).collect();
    let mut found = BTreeSet::new();
    keys("", &table.unwrap_or_default(), &mut found);
    assert!(found.is_subset(&wanted), "{found:?} of {wanted:?}: {written:?}");
    let lines = text.lines().count().max(1);
    let remarks = imported.remarks.iter().map(|one| &one.place);
    for place in imported.settings.iter().map(|one| &one.place).chain(remarks) {
        // The end of a text may be the place of an empty value.
        assert!(place.file == name && (1..=lines + 1).contains(&place.line), "{place}");
    }
}

/// The keys of a table, each with the tables around it; an array of tables counts as one.
fn keys(before: &str, table: &Table, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        let key = format!("{before}{key}");
        let tables: Vec<&Table> = match value {
            Value::Table(inner) => vec![inner],
            Value::Array(items) => items.iter().filter_map(Value::as_table).collect(),
            _ => Vec::new(),
        };
        if tables.is_empty() {
            found.insert(key.clone());
        }
        for inner in tables {
            keys(&format!("{key}."), inner, found);
        }
    }
}
