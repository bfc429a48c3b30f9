//! The names or addresses that a pattern of an adblock rule concerns.

use std::net::{IpAddr, Ipv4Addr};

use zoners_dns::Prefix;

use crate::glob::SCHEMES;
use crate::parsers::{NameBuffer, SkipReason};
use crate::rule::RuleScope;

/// Characters of addresses of pages that no host name has. `^` within a pattern stands for the end of the host name.
const OF_PAGES: [char; 16] =
    ['/', ':', '?', '=', '&', '%', ',', ' ', '^', '~', '+', ';', '!', '\'', '(', ')'];

pub(super) enum Subject<'a> {
    Name(RuleScope, &'a [u8]),
    Addresses(Prefix),
    /// A pattern, and the name at its end under which the rule can be looked up.
    Glob(Option<&'a [u8]>, &'a str),
}

/// A pattern, taken apart.
struct PatternParts<'a> {
    /// `|` in front: 2 for the beginning of a label, 1 for the beginning of the name.
    anchors: usize,
    /// Whether the pattern begins with the name.
    has_start: bool,
    /// The pattern without anchors.
    text: &'a str,
    /// Whether the pattern ends with the name.
    has_end: bool,
}

/// What a pattern concerns.
pub(super) fn subject<'a>(
    pattern: &'a str,
    buffer: &'a mut NameBuffer,
) -> Result<Subject<'a>, SkipReason> {
    let parts = PatternParts::of(pattern);
    let text = parts.text;
    if let Some(prefix) = parts.addresses() {
        return Ok(Subject::Addresses(prefix));
    }
    if text.contains(OF_PAGES) || parts.anchors > 2 {
        return Err(SkipReason::BrowserOnly);
    }
    if let Some(scope) = parts.scope() {
        return buffer.parse(text.as_bytes()).map(|name| Subject::Name(scope, name));
    }
    let below =
        text.strip_prefix("*.").filter(|below| !below.contains('*') && !below.ends_with('.'));
    if let Some(below) = below.filter(|_| parts.anchors > 0 || parts.has_end) {
        return buffer.parse(below.as_bytes()).map(|name| Subject::Name(RuleScope::Below, name));
    }
    // A pattern of dots and stars alone would match every name.
    let is_letter = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    if !text.bytes().any(is_letter)
        || !text.bytes().all(|octet| is_letter(octet) || b".*".contains(&octet))
    {
        return Err(SkipReason::NotAName);
    }
    match fixed_end(text).filter(|_| parts.has_end) {
        Some(tail) => buffer.parse(tail.as_bytes()).map(|name| Subject::Glob(Some(name), pattern)),
        None => Ok(Subject::Glob(None, pattern)),
    }
}

impl<'a> PatternParts<'a> {
    fn of(pattern: &'a str) -> Self {
        let bare = pattern.trim_start_matches('|');
        let host = SCHEMES.iter().find_map(|scheme| bare.strip_prefix(scheme)).unwrap_or(bare);
        let text = host.trim_end_matches(['^', '|']);
        let anchors = pattern.len() - bare.len();
        PatternParts {
            anchors,
            has_start: anchors > 0 || host.len() < bare.len(),
            text,
            has_end: text.len() < host.len(),
        }
    }

    /// The scope of a pattern that is a name. Without an end, a pattern such as `||ads.` or `|ads-` is the beginning of
    /// names.
    fn scope(&self) -> Option<RuleScope> {
        let text = self.text;
        let is_whole = self.has_end || text.contains('.') && !text.ends_with(['.', '-']);
        match self.anchors {
            _ if text.contains('*') || text.ends_with('.') || !is_whole => None,
            2 => Some(RuleScope::Subtree),
            1 => Some(RuleScope::Exact),
            _ if text.starts_with('.') || self.has_end && !self.has_start => None,
            _ => Some(RuleScope::Exact),
        }
    }

    /// An address, or the addresses that begin with `192.0.2.`.
    fn addresses(&self) -> Option<Prefix> {
        let text = self
            .text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
            .unwrap_or(self.text);
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Prefix::from(address));
        }
        let octets = text.strip_suffix('.').filter(|_| self.has_start && !self.has_end)?;
        let mut address = [0; 4];
        let mut count = 0;
        for octet in octets.split('.') {
            *address.get_mut(count).filter(|_| count < 3)? = octet.parse().ok()?;
            count += 1;
        }
        Some(Prefix::of(Ipv4Addr::from(address).into(), 8 * count as u8))
    }
}

/// The whole labels at the end of a pattern, at least two.
fn fixed_end(pattern: &str) -> Option<&str> {
    let fixed = pattern.rsplit('*').next()?;
    let (_, labels) = fixed.split_once('.')?;
    labels.contains('.').then_some(labels)
}
