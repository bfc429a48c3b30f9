//! Adblock-style rules, as far as DNS can carry them out.
//!
//! | line | concerns |
//! |---|---|
//! | `\|\|name^` (also without `^`) | the name and all names below |
//! | `\|name^`, `\|name\|` | the name alone |
//! | `name` | the name alone, as in a list of domains |
//! | `0.0.0.0 name` | as in a hosts file |
//! | `\|\|*.name^` | all names below |
//! | `\|\|ad*.name^`, `.name^` | names matching the pattern, looked up by the fixed end |
//! | `\|\|ads.*^`, `-ads.` | names matching the pattern, each compared |
//! | `/regex/` | names matching the regular expression |
//! | `\|\|192.0.2.1^` | answers with the address |
//!
//! `@@` allows instead. Options follow `$`: see [`options`]. A rule with an option for browsers is skipped as a whole: without the
//! option, the rule would concern more than the author meant.

mod options;

use std::net::Ipv4Addr;

use zoners_dns::Prefix;

use super::{Emit, LineParser, NameBuffer, SkipReason, hosts};
use crate::rule::{ListRule, RuleAction, RulePattern, RuleScope};
use options::AdblockOptions;

/// Separators of rules for the content of pages: cosmetic rules, scriptlets, replacements.
const CONTENT_MARKS: [&str; 6] = ["##", "#@#", "#?#", "#$#", "#%#", "$$"];

#[derive(Default)]
pub(super) struct AdblockParser {
    name: NameBuffer,
}

impl LineParser for AdblockParser {
    fn line(&mut self, line: &[u8], emit: &mut Emit<'_>) {
        if matches!(line.first(), None | Some(b'!'))
            || line.starts_with(b"[") && line.ends_with(b"]")
        {
            return;
        }
        if line.starts_with(b"#") && !line.starts_with(b"##") && !line.starts_with(b"#@#") {
            return;
        }
        if let Some((address, names)) = hosts::split_address(line) {
            return hosts::add_names(address, hosts::without_comment(names), &mut self.name, emit);
        }
        let Ok(text) = std::str::from_utf8(line) else { return emit(Err(SkipReason::NotText)) };
        if let Err(reason) = self.rule(text, emit) {
            emit(Err(reason));
        }
    }
}

impl AdblockParser {
    fn rule(&mut self, text: &str, emit: &mut Emit<'_>) -> Result<(), SkipReason> {
        let (allows, rest) = text.strip_prefix("@@").map_or((false, text), |rest| (true, rest));
        let is_regex =
            rest.starts_with('/') && (rest.len() > 1 && rest.ends_with('/') || rest.contains("/$"));
        if !is_regex && CONTENT_MARKS.iter().any(|mark| rest.contains(mark)) {
            return Err(SkipReason::BrowserOnly);
        }
        let (pattern, written) = match is_regex {
            true => split_regex(rest),
            false => rest.split_once('$').unwrap_or((rest, "")),
        };
        let AdblockOptions { mut own, important, disables, action } =
            AdblockOptions::parse(written)?;
        if allows && (own.rewrite.is_some() || action.is_some()) {
            return Err(SkipReason::UnsupportedValue);
        }
        let action = match action {
            _ if allows => RuleAction::Allow,
            Some(action) => action,
            None => RuleAction::Block,
        };
        let mut put = |pattern: RulePattern<'_>, options: &str| {
            emit(Ok(ListRule { pattern, action, important, disables, options }));
        };
        let is_plain = written.is_empty() || own == crate::RuleOptions::default();
        let options = if is_plain { String::new() } else { own.to_string() };
        if is_regex {
            regex_lite::RegexBuilder::new(pattern.trim_matches('/'))
                .size_limit(crate::compiled::scan::MAX_REGEX_OCTETS)
                .build()
                .map_err(|_| SkipReason::UnsupportedRegex)?;
            put(RulePattern::Scan(pattern), &options);
            return Ok(());
        }
        match subject(pattern, &mut self.name)? {
            Subject::Name(scope, name) => put(RulePattern::Name { scope, name }, &options),
            Subject::Address(address) => {
                put(RulePattern::Address(Prefix::from(std::net::IpAddr::from(address))), &options)
            }
            Subject::Glob(Some(name), glob) => {
                own.glob = Some(glob.to_ascii_lowercase());
                put(RulePattern::Name { scope: RuleScope::Subtree, name }, &own.to_string());
            }
            Subject::Glob(None, glob) => {
                put(RulePattern::Scan(&glob.to_ascii_lowercase()), &options)
            }
        }
        Ok(())
    }
}

/// `/regex/` and the options behind.
fn split_regex(text: &str) -> (&str, &str) {
    match text.rfind("/$").filter(|at| *at > 0 && !text.ends_with('/')) {
        Some(at) => (&text[..=at], &text[at + 2..]),
        None => (text, ""),
    }
}

enum Subject<'a> {
    Name(RuleScope, &'a [u8]),
    Address(Ipv4Addr),
    /// A pattern, and the name at its end under which the rule can be looked up.
    Glob(Option<&'a [u8]>, &'a str),
}

/// What a pattern concerns.
fn subject<'a>(pattern: &'a str, buffer: &'a mut NameBuffer) -> Result<Subject<'a>, SkipReason> {
    let bare = pattern.trim_start_matches('|');
    // A pattern with scheme, path or port concerns addresses of pages.
    let host = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://"));
    let anchors = pattern.len() - bare.len();
    let host = host.or_else(|| bare.strip_prefix("://")).unwrap_or(bare);
    if host.contains(['/', ':', '?', '=', '&', '%', ',', ' ']) || anchors > 2 {
        return Err(SkipReason::BrowserOnly);
    }
    let end = host.trim_end_matches(['^', '|']);
    if end.is_empty() {
        return Err(SkipReason::NotAName);
    }
    let has_end = end.len() < host.len();
    let has_start = anchors > 0 || host.len() < bare.len();
    if let Ok(address) = end.parse::<Ipv4Addr>() {
        return Ok(Subject::Address(address));
    }
    let scope = match (anchors, has_end) {
        (2, _) => Some(RuleScope::Subtree),
        (1, _) => Some(RuleScope::Exact),
        _ if has_start && has_end => Some(RuleScope::Exact),
        (_, false) if end.contains('.') && !end.starts_with('.') && !end.ends_with('.') => {
            Some(RuleScope::Exact)
        }
        _ => None,
    };
    let below = end.strip_prefix("*.");
    if !end.contains('*')
        && let Some(scope) = scope
    {
        return buffer.parse(end.as_bytes()).map(|name| Subject::Name(scope, name));
    }
    if let Some(below) = below.filter(|below| !below.contains('*') && (anchors > 0 || has_end)) {
        return buffer.parse(below.as_bytes()).map(|name| Subject::Name(RuleScope::Below, name));
    }
    if end.bytes().any(|octet| !(octet.is_ascii_alphanumeric() || b"-_.*".contains(&octet))) {
        return Err(SkipReason::NotAName);
    }
    if end.bytes().all(|octet| b".*".contains(&octet)) {
        // The pattern would match every name.
        return Err(SkipReason::NotAName);
    }
    let tail = fixed_end(end).filter(|_| has_end);
    match tail {
        Some(tail) => buffer.parse(tail.as_bytes()).map(|name| Subject::Glob(Some(name), pattern)),
        None => Ok(Subject::Glob(None, pattern)),
    }
}

/// The whole labels at the end of a pattern, at least two.
fn fixed_end(pattern: &str) -> Option<&str> {
    let fixed = pattern.rsplit('*').next()?;
    let (_, labels) = fixed.split_once('.')?;
    labels.contains('.').then_some(labels)
}
