//! Regular expressions of adblock rules.

use regex_lite::RegexBuilder;

use crate::compiled::scan::MAX_REGEX_OCTETS;
use crate::parsers::SkipReason;

/// `/regex/` and the options behind.
pub(super) fn split(text: &str) -> (&str, &str) {
    match text.rfind("/$").filter(|at| *at > 0 && !text.ends_with('/')) {
        Some(at) => (&text[..=at], &text[at + 2..]),
        None => (text, ""),
    }
}

/// Whether a rule `/regex/` can be carried out.
pub(super) fn check(pattern: &str) -> Result<(), SkipReason> {
    let inner = pattern.trim_matches('/');
    if needs_scheme(inner) {
        return Err(SkipReason::BrowserOnly);
    }
    let built = RegexBuilder::new(inner).size_limit(MAX_REGEX_OCTETS).build();
    built.map(drop).map_err(|_| SkipReason::UnsupportedRegex)
}

/// Whether the regular expression begins with the scheme of an address of a page, as `^https?:\/\/`: no host name matches.
fn needs_scheme(regex: &str) -> bool {
    let Some((scheme, rest)) = regex.split_once("://").or_else(|| regex.split_once(":\\/\\/"))
    else {
        return false;
    };
    let is_optional = [")?", "|", ")*"].iter().any(|mark| rest.starts_with(mark));
    !is_optional
        && scheme.bytes().all(|octet| octet.is_ascii_lowercase() || b"^(|)?".contains(&octet))
}
