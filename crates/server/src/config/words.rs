//! Messages of the parsers on a value or a line, in the words of a person.

use toml::de::DeValue;

use super::allowed::{is_list, keys, title};
use super::tree::TakenValue;

/// The longest value that is shown.
const SHOWN: usize = 40;
/// The least likeness of a suggested key.
const ALIKE: f64 = 0.7;

/// The tables in which a misplaced key may belong.
pub(super) const TABLES: &[&str] = &[
    "server",
    "resolver",
    "cache",
    "cache.redis",
    "limits",
    "timeouts",
    "dnssec",
    "dns64",
    "history",
    "network",
    "local",
    "local.special-use",
    "policy",
    "policy.list",
    "policy.group",
    "policy.group.schedule",
    "listen",
    "forward",
    "stub",
    "zone",
    "tsig-key",
    "dnstap",
    "query-log",
    "acme",
];

/// The message for a line without a better one.
pub(super) const UNREADABLE: &str = "this cannot be read: a line is `key = value`, `[table]`, `[[list of tables]]` \
                                     or a `# comment`";

/// The message for an unclosed bracket or quote.
pub(super) const OPEN: &str = "what begins here is not closed with a bracket or a quote";

/// The fault of a value: `message` is from serde, `variants` asks for the allowed words of the key.
pub(super) fn value(
    taken: &TakenValue<'_>,
    message: &str,
    variants: impl FnOnce() -> Option<String>,
) -> String {
    let key = taken.path.join(".");
    let written = written(&taken.value);
    let must = |allowed: &str| format!("{key}: must be {allowed}, not {written}");
    if is_unknown_key(taken, message) {
        return unknown_key(taken);
    }
    if message.starts_with("unknown variant ") {
        return must(&one_of(message));
    }
    if let Some(missing) = message.strip_prefix("missing field ") {
        return format!("{key}: {missing} is missing");
    }
    let classes = ["invalid type: ", "invalid value: ", "invalid length "];
    if classes.iter().any(|class| message.starts_with(class)) {
        let expected = message.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
        return match (expected, key.as_str()) {
            ("a sequence", "listen" | "forward" | "stub") => {
                must(&format!("tables, each under [[{key}]]"))
            }
            _ => must(&allowed(expected)),
        };
    }
    if let Some(message) = variants() {
        return must(&one_of(&message));
    }
    // The message for values that fit no place.
    match ["wanted ", "expected "].iter().any(|class| message.starts_with(class)) {
        true => format!("{key}: there can be no such value here"),
        false => format!("{key}: {message}"),
    }
}

/// Whether the key is unknown.
pub(super) fn is_unknown_key(taken: &TakenValue<'_>, message: &str) -> bool {
    message.starts_with("unknown field ") && taken.path.last().is_some_and(|key| !key.is_empty())
}

/// The value that serde expects, in words. Our own readers use plain words already.
pub(super) fn allowed(expected: &str) -> String {
    let text = match expected {
        "a boolean" => "true or false",
        "a string" | "string" => "a text in quotes",
        "path string" => "the path of a file or folder, in quotes",
        "a sequence" => "a list in brackets",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "i64" => "a whole number",
        "a map" => "a table",
        table if table.starts_with("struct ") => "a table",
        other => other,
    };
    text.to_owned()
}

/// The words in the message on an unknown word, as `"a", "b" or "c"`.
fn one_of(message: &str) -> String {
    let words: Vec<String> =
        message.split('`').skip(1).step_by(2).skip(1).map(|word| format!("\"{word}\"")).collect();
    in_a_row(&words, "or")
}

fn in_a_row(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., end] => format!("{} {last} {end}", before.join(", ")),
    }
}

/// The value in the file, if short; else its type.
fn written(value: &DeValue<'_>) -> String {
    let text = match value {
        DeValue::String(text) => format!("\"{}\"", text.escape_debug()),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(_) => return "a list".to_owned(),
        DeValue::Table(_) => return "a table".to_owned(),
    };
    if text.chars().count() <= SHOWN { text } else { "such a long one".to_owned() }
}

/// The message for an unknown key: the same key in another table, or the nearest key of the table. Of a table that may
/// stand several times, no key belongs elsewhere.
fn unknown_key(taken: &TakenValue<'_>) -> String {
    let Some((unknown, tables)) = taken.path.split_last() else { return String::new() };
    let of_table = keys(tables);
    let there = match tables {
        [] => "there is no such key or table".to_owned(),
        tables => format!("there is no such key in {}", title(tables)),
    };
    let elsewhere = if is_list(tables) { None } else { elsewhere(unknown) };
    let meant = elsewhere.or_else(|| nearest(unknown, &of_table));
    let hint = match meant {
        Some(key) => format!("\n  did you mean `{key}`?"),
        None => format!(": it takes {}", in_a_row(&of_table, "and")),
    };
    format!("{}: {there}{hint}", taken.path.join("."))
}

/// The key of this name in another table.
fn elsewhere(unknown: &str) -> Option<String> {
    let steps = |table: &&str| table.split('.').map(str::to_owned).collect::<Vec<String>>();
    let mut tables = TABLES.iter().map(steps);
    let table = tables.find(|table| keys(table).iter().any(|key| key == unknown))?;
    Some([table, vec![unknown.to_owned()]].concat().join("."))
}

fn nearest(unknown: &str, keys: &[String]) -> Option<String> {
    let alike = keys.iter().map(|key| (strsim::jaro_winkler(unknown, key), key));
    let (alike, key) = alike.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (alike > ALIKE).then(|| key.clone())
}

/// Whether a bracket or quote is open, so that the text behind has no certain meaning.
pub(super) fn is_open(message: &str) -> bool {
    let classes = ["unclosed ", "unexpected `=` in array", "invalid multi-line"];
    classes.iter().any(|class| message.starts_with(class))
}

/// The fault of a line that is no TOML; `part` is where the parser stopped.
pub(super) fn syntax(message: &str, part: &str) -> String {
    let is = |class: &str| message.starts_with(class);
    let is_string = is("invalid basic string") || is("invalid literal string");
    if is("duplicate key") {
        return format!("`{part}` stands here for the second time");
    }
    if is("cannot extend value of type ") {
        return format!("`{part}` has a value already, and cannot be a table too");
    }
    if part.chars().any(char::is_control) {
        return "there is a character that no text shows; in quotes it is written as \\u0007"
            .to_owned();
    }
    let is_value = ["invalid ", "string values must be quoted"].iter().any(|class| is(class));
    if is_value && !is_string && !part.is_empty() && !part.contains([':', '=']) {
        return format!("`{part}` is no number and not true or false: a text stands in quotes");
    }
    let numbers = [
        "unexpected leading zero",
        "redundant",
        "integers with",
        "radix",
        "`_` may",
        "unexpected sign",
    ];
    let what = match message {
        _ if is_string => "a quote is not closed on its line",
        _ if is("missing comma between array elements") => {
            "the items of a list have commas between them"
        }
        _ if is("missing comma between key-value pairs") || is("extra assignment between") => {
            "a table on one line is { key = value, key = value }"
        }
        _ if is("missing escaped value") || is("too few unicode value digits") => {
            "a backslash in \"\u{2026}\" must be followed by b, t, n, f, r, e, x, u, U, \" or \\; in '\u{2026}' it \
             stands for itself"
        }
        _ if is("missing value") => "there is no value after the =",
        _ if numbers.iter().any(|class| is(class)) => "a number is written as 8, 1000 or 1_000",
        _ => UNREADABLE,
    };
    what.to_owned()
}
