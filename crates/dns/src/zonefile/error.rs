//! What is wrong with a zone file, told so that a person can mend it.

use std::fmt;

/// What is wrong, and the line where reading stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZonefileError {
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl ZonefileError {
    /// What the library says, in our words; `begins` is the line where the next record does.
    pub(super) fn of_library(
        error: &domain::zonefile::inplace::Error,
        begins: Option<usize>,
    ) -> Self {
        // It has the line and the column before what it says, and gives neither alone. The line may be the
        // one after; what it cannot be is one of the records before.
        let text = error.to_string();
        let mut parts = text.splitn(3, ':');
        let line: usize = parts.next().and_then(|line| line.parse().ok()).unwrap_or(1);
        let line = begins.filter(|begins| *begins <= line).unwrap_or(line);
        let what = parts.nth(1).unwrap_or_default().trim();
        ZonefileError { line, what: in_our_words(what).to_owned() }
    }
}

fn in_our_words(what: &str) -> &str {
    match what {
        "missing last owner" => "the first record has no owner name",
        "expected rtype" => "no record type stands where one must, such as A or TYPE65280",
        "unexpected end of entry" | "short buffer" => "the record ends too early",
        "trailing tokens" | "trailing data" => "there is more than the record can have",
        "bad symbol" | "bad name" | "invalid domain name" | "non-ASCII characters" => {
            "a name or a text has a character that may not stand there"
        }
        "bad UTF-8" => "there are octets that are no text",
        "expected IPv4 address" => "no IPv4 address stands where one must, such as 192.0.2.1",
        "expected IPv6 address" => "no IPv6 address stands where one must, such as 2001:db8::1",
        "expected decimal number" => "no number stands where one must",
        "decimal number overflow" => "a number is too large",
        "unbalanced parens" => "a parenthesis is not closed, or was not opened",
        other if other.starts_with("unknown control") => "only $ORIGIN and $TTL are known here",
        other if other.starts_with("different class") => "only class IN is known here",
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
