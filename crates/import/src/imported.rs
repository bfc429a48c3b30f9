//! What was found in the files of another server.

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

/// How a setting is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A key with a value of TOML; the last one counts.
    Value { table: &'static str, key: &'static str, value: String },
    /// A further text in the list of a key.
    Item { table: &'static str, key: &'static str, text: String },
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

/// Text for a comment: no control characters, as one of them would end the comment.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(char::is_control, "?")
}
