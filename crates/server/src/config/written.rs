//! The settings that a file has, as a person has written them.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::renamed;
use super::source::ConfigSource;

/// The example configuration: every key with a default value, commented for people.
pub const EXAMPLE: &str = include_str!("../../../../zoners.example.toml");
/// Letters of a value that are shown.
const MAX_VALUE_LETTERS: usize = 160;
/// The place of a value that is not shown.
const HIDDEN: &str = "(not shown)";
/// Keys whose values are secrets.
const SECRET_KEYS: [&str; 2] = ["secret", "password"];

/// A setting of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenSetting {
    /// The key with its tables, such as `forward[0].zone`.
    pub(crate) key: String,
    /// The value as written, cut if long; a secret is hidden.
    pub(crate) value: String,
    /// The line of the file, from 1 on.
    pub(crate) line: usize,
}

impl ConfigSource {
    /// The settings of the file, in its order.
    pub(crate) fn written(&self) -> Vec<WrittenSetting> {
        let (root, _) = DeTable::parse_recoverable(self.text());
        let mut places = Vec::new();
        take_table("", root.get_ref(), &mut places);
        places.sort_by_key(|(_, span)| span.start);
        let setting = |(key, span): (String, Range<usize>)| {
            let (line, _) = self.line_and_column(span.start);
            let value = shown(&key, self.text().get(span).unwrap_or_default());
            WrittenSetting { key, value, line }
        };
        places.into_iter().map(setting).collect()
    }

    /// The settings that the file leaves at their default values.
    pub(crate) fn at_defaults(&self) -> Vec<WrittenSetting> {
        let written = self.written();
        let mut defaults = ConfigSource::new("", EXAMPLE).written();
        let is_written = |key: &str| written.iter().any(|own| own.key == key);
        defaults.retain(|default| {
            let old_name = renamed::old_path(&default.key);
            !is_written(&default.key) && !old_name.is_some_and(|old| is_written(&old))
        });
        defaults
    }
}

fn take_table(path: &str, table: &DeTable<'_>, places: &mut Vec<(String, Range<usize>)>) {
    for (key, value) in table {
        let key = key.get_ref();
        let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        take(&path, value, places);
    }
}

fn take(path: &str, value: &Spanned<DeValue<'_>>, places: &mut Vec<(String, Range<usize>)>) {
    match value.get_ref() {
        DeValue::Table(table) => take_table(path, table, places),
        DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
            for (place, item) in items.iter().enumerate() {
                take(&format!("{path}[{place}]"), item, places);
            }
        }
        _ => places.push((path.to_owned(), value.span())),
    }
}

/// A value in one line. An address may have a password before `@`.
fn shown(key: &str, text: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let has_user = text
        .split("://")
        .skip(1)
        .any(|rest| rest.split(['/', '"']).next().is_some_and(|authority| authority.contains('@')));
    if SECRET_KEYS.contains(&last) || has_user {
        return HIDDEN.to_owned();
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_VALUE_LETTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<String> {
        let settings = ConfigSource::new("zoners.toml", text).written();
        settings.iter().map(|own| format!("{}: {} = {}", own.line, own.key, own.value)).collect()
    }

    #[test]
    fn settings_are_told_with_key_and_line_in_the_order_of_the_file() {
        let text = "[server]\nthreads = 3\nallow = [\n  \"nearby\", # home\n]\n[[forward]]\nzone = \"b\"\n\
                    [[forward]]\nzone = \"a\"\n[cache]\nsize = \"1MiB\"\n";
        let told = [
            "2: server.threads = 3",
            "3: server.allow = [ \"nearby\", # home ]",
            "7: forward[0].zone = \"b\"",
            "9: forward[1].zone = \"a\"",
            "11: cache.size = \"1MiB\"",
        ];
        assert_eq!(written(text), told);
        assert_eq!(written(""), [""; 0]);
    }

    #[test]
    fn secrets_are_hidden_and_long_values_are_cut() {
        let text = "[[tsig-key]]\nsecret = \"c2VjcmV0\"\n[cache.redis]\nurl = \"redis://me:word@host/1\"\n\
                    [policy]\nlist = \"https://a.example/@x\"\n";
        let told = [
            "2: tsig-key[0].secret = (not shown)",
            "4: cache.redis.url = (not shown)",
            "6: policy.list = \"https://a.example/@x\"",
        ];
        assert_eq!(written(text), told);
        let long = written(&format!("a = \"{}\"", "x".repeat(500)));
        assert!(long[0].ends_with("x…") && long[0].chars().count() < 200, "{long:?}");
    }

    #[test]
    fn a_setting_is_written_or_at_its_default() {
        let text = "[server]\nthreads = 3\n[cache]\nttl-cap = 60\n";
        let source = ConfigSource::new("zoners.toml", text);
        let defaults = source.at_defaults();
        assert!(defaults.iter().all(|own| own.key != "server.threads"));
        assert!(defaults.iter().all(|own| own.key != "cache.max-ttl"), "under an old name");
        assert!(
            defaults.iter().any(|own| own.key == "server.refuse" && own.value == "\"refused\"")
        );
    }
}
