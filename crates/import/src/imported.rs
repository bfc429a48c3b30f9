//! The settings found in the files of another server.

use std::fmt;

/// Where a setting stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as the user or an include names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// A setting of the other server that Zoners does not take over, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The place in the file of the other server.
    pub place: Place,
    /// The setting, without values that may be secret.
    pub setting: String,
    /// "no need: …", "no counterpart: …", "default already: …", or what remains to be done.
    pub reason: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}: {}: {}", self.place, self.setting, self.reason);
        formatter.write_str(&one_line(&text))
    }
}

/// A setting of Zoners, and the place that asks for the setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The place in the file of the other server.
    pub place: Place,
    /// The setting in the words of the other server.
    pub origin: String,
    pub(crate) form: Form,
}

impl Setting {
    /// The keys of the configuration that the setting writes, each with its table: `server.listen`, `policy.list.path`.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let (table, keys) = match &self.form {
            Form::Value { table, key, .. } | Form::Item { table, key, .. } => (table, vec![*key]),
            Form::Entry { table, pairs } => (table, pairs.iter().map(|(key, _)| *key).collect()),
            Form::Route { table, .. } => (table, vec!["zone", "servers", "transport", "validate"]),
        };
        keys.into_iter().map(|key| format!("{table}.{key}")).collect()
    }
}

/// How a setting is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A key with a value of TOML; the last one counts.
    Value { table: &'static str, key: &'static str, value: String },
    /// A further text in the list of a key.
    Item { table: &'static str, key: &'static str, text: String },
    /// A `[[TABLE]]` of pairs, each a key and a value of TOML.
    Entry { table: &'static str, pairs: Vec<(&'static str, String)> },
    /// A `[[forward]]` or a `[[stub]]`.
    Route { table: &'static str, zone: String, servers: Vec<String>, tcp: bool, validate: bool },
}

/// The settings of another server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// What Zoners takes over.
    pub settings: Vec<Setting>,
    /// What Zoners does not take over.
    pub remarks: Vec<Remark>,
}

/// What a setting comes from: its place, and its words without values that may be secret.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) place: Place,
    pub(crate) words: String,
}

impl Origin {
    pub(crate) fn new(file: &str, line: usize, words: impl Into<String>) -> Self {
        Origin { place: Place { file: file.to_owned(), line }, words: words.into() }
    }
}

impl Imported {
    /// Takes a setting over.
    pub(crate) fn take(&mut self, from: &Origin, form: Form) {
        let (place, origin) = (from.place.clone(), from.words.clone());
        self.settings.push(Setting { place, origin, form });
    }

    /// Sets a key to a value of TOML, which is written as it is: a literal, or text that is `quoted`.
    pub(crate) fn value(
        &mut self,
        from: &Origin,
        table: &'static str,
        key: &'static str,
        value: impl Into<String>,
    ) {
        self.take(from, Form::Value { table, key, value: value.into() });
    }

    /// Sets a key to a whole number. A different text would be a piece of TOML and could add settings.
    pub(crate) fn number(
        &mut self,
        from: &Origin,
        table: &'static str,
        key: &'static str,
        text: &str,
    ) {
        match text.parse::<u64>() {
            Ok(number) => self.value(from, table, key, number.to_string()),
            Err(_) => self.leave(from, "not a whole number"),
        }
    }

    /// Adds a text to the list of a key.
    pub(crate) fn item(
        &mut self,
        from: &Origin,
        table: &'static str,
        key: &'static str,
        text: impl Into<String>,
    ) {
        self.take(from, Form::Item { table, key, text: text.into() });
    }

    /// Adds a record of local data; `name` and a target end at the root.
    pub(crate) fn record(&mut self, from: &Origin, name: &str, rest: &str) {
        self.item(from, "local", "records", format!("{}. {rest}", name.trim_end_matches('.')));
    }

    /// Tells why a setting is not taken over.
    pub(crate) fn leave(&mut self, from: &Origin, reason: impl Into<String>) {
        let (place, setting) = (from.place.clone(), from.words.clone());
        self.remarks.push(Remark { place, setting, reason: reason.into() });
    }
}

/// Text for a comment: no control characters, as one of them would end the comment.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(char::is_control, "?")
}
