//! The keys of a table and the words of a key, as serde lists them.

use super::Config;

/// The message with the words allowed for a key, if any: serde lists the words on an unknown word.
pub(super) fn words(path: &[String]) -> Option<String> {
    let (key, tables) = path.split_last()?;
    let text = format!("{}{key} = \"?\"\n", header(tables));
    let error = toml::from_str::<Config>(&text).err()?;
    error.message().starts_with("unknown variant").then(|| error.message().to_owned())
}

/// The keys of a table, such as `["cache", "redis"]`: serde lists the keys on an unknown key.
pub(super) fn keys(tables: &[String]) -> Vec<String> {
    let text = format!("{}no-such-key = 0\n", header(tables));
    let error = toml::from_str::<Config>(&text).err();
    let message = error.map(|error| error.message().to_owned()).unwrap_or_default();
    let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
    match quoted.next() {
        Some(unknown) if unknown == "no-such-key" => quoted.collect(),
        _ => Vec::new(),
    }
}

/// The first line of such a table.
pub(super) fn header(tables: &[String]) -> String {
    match tables.join(".").as_str() {
        "" => String::new(),
        "policy.group.schedule" => {
            "[[policy.group]]\nname = \"\"\n[[policy.group.schedule]]\n".to_owned()
        }
        _ => format!("{}\n", title(tables)),
    }
}

/// The title of a table, in its brackets.
pub(super) fn title(tables: &[String]) -> String {
    let table = tables.join(".");
    if is_list(tables) { format!("[[{table}]]") } else { format!("[{table}]") }
}

/// Whether there may be several such tables.
pub(super) fn is_list(tables: &[String]) -> bool {
    const LISTS: [&str; 8] = [
        "listen",
        "forward",
        "stub",
        "zone",
        "tsig-key",
        "policy.list",
        "policy.group",
        "policy.group.schedule",
    ];
    LISTS.contains(&tables.join(".").as_str())
}
