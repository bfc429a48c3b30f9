//! Patterns of adblock rules against host names.
//!
//! `||` anchors at the beginning of a label, `|` at the beginning or the end of the name, `^` stands for the end of the
//! name (a host name has no further separator), `*` for any text. Without an anchor, the pattern matches anywhere.

use zoners_dns::NameSlice;

use crate::rule::show_name;

/// Schemes in front of a name, with which a pattern begins where the name begins.
pub(crate) const SCHEMES: [&str; 3] = ["https://", "http://", "://"];

/// Whether a pattern matches a name. Linear in name and pattern for each start of a label.
#[must_use]
pub(crate) fn matches(pattern: &str, name: &NameSlice) -> bool {
    matches_text(pattern, show_name(name.as_slice()).to_ascii_lowercase().as_str())
}

/// Whether a pattern matches a host name in lower case without a final dot.
pub(crate) fn matches_text(pattern: &str, host: &str) -> bool {
    let (pattern, ends) = match pattern.strip_suffix(['|', '^']) {
        Some(pattern) => (pattern.trim_end_matches('^'), true),
        None => (pattern, false),
    };
    if let Some(pattern) = pattern.strip_prefix("||") {
        let mut from = Some(host);
        while let Some(rest) = from {
            if matches_here(pattern, rest, ends) {
                return true;
            }
            from = rest.split_once('.').map(|(_, rest)| rest);
        }
        return false;
    }
    let anchored = pattern.strip_prefix('|');
    let pattern = anchored.unwrap_or(pattern);
    let without_scheme = SCHEMES.iter().find_map(|scheme| pattern.strip_prefix(scheme));
    if anchored.is_some() || without_scheme.is_some() {
        return matches_here(without_scheme.unwrap_or(pattern), host, ends);
    }
    // The first part may begin anywhere.
    let (first, rest) = pattern.split_once('*').map_or((pattern, None), |(f, r)| (f, Some(r)));
    match rest {
        None if ends => host.ends_with(first),
        None => host.contains(first),
        Some(rest) => host
            .find(first)
            .is_some_and(|at| matches_after_star(rest, &host[at + first.len()..], ends)),
    }
}

/// Whether the pattern matches from the beginning of `host`, up to the end if `ends`.
fn matches_here(pattern: &str, host: &str, ends: bool) -> bool {
    let (first, rest) = pattern.split_once('*').map_or((pattern, None), |(f, r)| (f, Some(r)));
    match (host.strip_prefix(first), rest) {
        (None, _) => false,
        (Some(left), None) => !ends || left.is_empty(),
        (Some(left), Some(rest)) => matches_after_star(rest, left, ends),
    }
}

/// Whether the pattern behind a star matches anywhere in `host`, up to the end if `ends`: each part between stars at the
/// first place possible, the last part at the end.
fn matches_after_star(pattern: &str, host: &str, ends: bool) -> bool {
    let mut rest = host;
    let mut parts = pattern.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() && ends {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_adblock_lists() {
        for (pattern, host, expected) in [
            ("||example.com^", "example.com", true),
            ("||example.com^", "www.example.com", true),
            ("||example.com^", "badexample.com", false),
            ("||example.com^", "example.com.au", false),
            ("||example.com", "example.com.au", true),
            ("|example.com^", "www.example.com", false),
            ("||ad*.example.com^", "x.ads7.example.com", true),
            ("||ad*.example.com^", "bad.example.com", false),
            ("||ads.*^", "ads.example.org", true),
            ("||a*b*c^", "a.b.b.c", true),
            ("||a*b*c^", "a.c.b", false),
            ("-ads.", "my-ads.example", true),
            ("-ads.", "myads.example", false),
            ("ads.example|", "bads.example", true),
            ("ads.example|", "ads.example.org", false),
            ("://ads.", "ads.example", true),
            ("://ads.", "x.ads.example", false),
            ("|https://ads.*^", "ads.example", true),
            ("http://ads.", "x.ads.example", false),
            ("ad*.example^", "bad7.example", true),
            ("ad*.example^", "ad7.example.org", false),
            ("a*b*c", "xaxbxcx", true),
            ("*", "anything", true),
        ] {
            assert_eq!(matches_text(pattern, host), expected, "{pattern} {host}");
        }
    }
}
