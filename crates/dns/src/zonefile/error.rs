//! Errors in zone files, in words that help to correct the file.

use std::fmt;

/// An error in a zone file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZonefileError {
    /// The line number, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl ZonefileError {
    /// Translates an error of the `domain` crate. `begins` is the line at which the record begins.
    pub(super) fn of_library(
        error: &domain::zonefile::inplace::Error,
        begins: Option<usize>,
    ) -> Self {
        // The error of `domain` has its line and column only in its text. The line may be the line
        // after the record, but never precedes the record.
        let text = error.to_string();
        let mut parts = text.splitn(3, ':');
        let line: usize = parts.next().and_then(|line| line.parse().ok()).unwrap_or(1);
        let line = begins.filter(|begins| *begins <= line).unwrap_or(line);
        let what = parts.nth(1).unwrap_or_default().trim();
        ZonefileError { line, what: translate(what).to_owned() }
    }
}

fn translate(what: &str) -> &str {
    match what {
        "missing last owner" => "the first record has no owner name",
        "expected rtype" => "expected a record type such as A or TYPE65280",
        "unexpected end of entry" | "short buffer" => "the record ends too early",
        "trailing tokens" | "trailing data" => "the record has trailing fields",
        "bad symbol" | "bad name" | "invalid domain name" | "non-ASCII characters" => {
            "a name or a text has a character that is not allowed"
        }
        "bad UTF-8" => "the text is not UTF-8",
        "expected IPv4 address" => "expected an IPv4 address such as 192.0.2.1",
        "expected IPv6 address" => "expected an IPv6 address such as 2001:db8::1",
        "expected decimal number" => "expected a number",
        "decimal number overflow" => "a number is too large",
        "unbalanced parens" => "a parenthesis is not closed, or was not opened",
        other if other.starts_with("unknown control") => {
            "only the directives $ORIGIN and $TTL are supported"
        }
        other if other.starts_with("different class") => "only class IN is supported",
        other => other,
    }
}

impl fmt::Display for ZonefileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "near line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for ZonefileError {}

impl From<ZonefileError> for String {
    fn from(error: ZonefileError) -> Self {
        error.to_string()
    }
}
