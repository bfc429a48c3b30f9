//! What is wrong with a configuration, told so that a person can mend it.

use std::fmt;

/// An error in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    message: String,
}

impl ConfigError {
    /// An error that has no place in the file.
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        ConfigError { message: message.into() }
    }

    /// An error at a place in the file: `file:line:column`, the line itself, a mark under the
    /// place, and for a misspelt key the nearest known one.
    pub(crate) fn from_toml(error: &toml::de::Error, text: &str, file: &str) -> Self {
        let what = error.message().trim_end();
        let Some(span) = error.span() else { return ConfigError::plain(format!("{file}: {what}")) };
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        let source = text.lines().nth(line - 1).unwrap_or_default();
        let length =
            text.get(span).map_or(1, |part| part.lines().next().unwrap_or("").chars().count());
        let mark = "^".repeat(length.max(1));
        let hint =
            nearest(what).map(|key| format!("\n  did you mean `{key}`?")).unwrap_or_default();
        let indent = " ".repeat(column - 1);
        ConfigError::plain(format!(
            "{file}:{line}:{column}: {what}{hint}\n  {source}\n  {indent}{mark}"
        ))
    }
}

/// The known key that looks most like the unknown one. serde names both, in backquotes, the
/// unknown one first.
fn nearest(message: &str) -> Option<&str> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let alike = |key: &&str| (strsim::jaro_winkler(unknown, key) * 1000.0) as u32;
    quoted.max_by_key(alike).filter(|key| alike(key) > 700)
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}
