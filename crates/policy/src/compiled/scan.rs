//! Rules compared with every name: patterns without a fixed end, and regular expressions.

use std::io;

use regex_lite::{Regex, RegexBuilder};
use zoners_dns::NameSlice;

use super::literal::required_literal;
use super::manifest::StoredRule;
use crate::glob;
use crate::rule::show_name;

/// Octets of the largest compiled regular expression.
pub(crate) const MAX_REGEX_OCTETS: usize = 64 * 1024;
/// The most regular expressions, as each takes microseconds for each name.
pub(crate) const MAX_REGEXES: usize = 256;
/// The most patterns, as each is compared with each name.
pub(crate) const MAX_GLOBS: usize = 4096;

/// A pattern ready for use.
#[derive(Debug)]
pub(super) struct ScanRule {
    matcher: Matcher,
    pub(super) rule: StoredRule,
}

#[derive(Debug)]
enum Matcher {
    Glob(String),
    /// The expression, and a text that every match contains.
    Regex(Regex, String),
}

/// Whether a pattern is a regular expression.
pub(crate) fn is_regex(pattern: &str) -> bool {
    pattern.len() > 2 && pattern.starts_with('/') && pattern.ends_with('/')
}

impl ScanRule {
    pub(super) fn new(pattern: String, rule: StoredRule) -> io::Result<Self> {
        let matcher = match is_regex(&pattern) {
            false => Matcher::Glob(pattern),
            true => {
                let inner = &pattern[1..pattern.len() - 1];
                let built = RegexBuilder::new(inner).size_limit(MAX_REGEX_OCTETS).build();
                Matcher::Regex(built.map_err(io::Error::other)?, required_literal(inner))
            }
        };
        Ok(ScanRule { matcher, rule })
    }

    /// The pattern as in the list.
    pub(super) fn pattern(&self) -> String {
        match &self.matcher {
            Matcher::Glob(pattern) => pattern.clone(),
            Matcher::Regex(regex, _) => format!("/{regex}/"),
        }
    }

    /// Whether the rule may concern addresses: a regular expression without letters, as `/^192\.0\.2\./`.
    pub(super) fn may_match_addresses(&self) -> bool {
        match &self.matcher {
            Matcher::Glob(_) => false,
            Matcher::Regex(regex, _) => {
                let text = regex.as_str().replace("\\d", "");
                let text = ["https?", "tcp", "iquic"]
                    .iter()
                    .fold(text, |text, scheme| text.replace(scheme, ""));
                !text.bytes().any(|octet| octet.is_ascii_alphabetic())
            }
        }
    }

    /// Whether the rule concerns a host name in lower case, or an address.
    pub(super) fn matches(&self, host: &str) -> bool {
        match &self.matcher {
            Matcher::Glob(pattern) => glob::matches_text(pattern, host),
            Matcher::Regex(regex, literal) => host.contains(literal) && regex.is_match(host),
        }
    }
}

/// The text of a name for patterns.
pub(super) fn host_of(name: &NameSlice) -> String {
    show_name(name.as_slice()).to_ascii_lowercase()
}
