//! Settings of dnsmasq that block or rewrite: `address=`, `server=`, `local=` and `bogus-nxdomain=`, and the records of
//! [`dnsmasq_records`].
//!
//! | line | action |
//! |---|---|
//! | `address=/name/` | NXDOMAIN |
//! | `address=/name/#` | the unspecified address |
//! | `address=/name/192.0.2.1` | this address; the unspecified address counts as `#` |
//! | `server=/name/`, `local=/name/` | NXDOMAIN, as the zone is local |
//! | `server=/name/#` | allowed |
//! | `server=/name/127.0.0.1` | NXDOMAIN: lists forward to this machine where no server listens |
//! | `server=/name/192.0.2.1` | none: the zone is forwarded |
//! | `bogus-nxdomain=192.0.2.0/24` | NXDOMAIN in place of an answer with such an address |
//!
//! Names between slashes are meant with names below; `*.name` means the names below alone.

use std::net::IpAddr;

use zoners_dns::Prefix;

use super::hosts::without_comment;
use super::{Emit, LineParser, NameBuffer, SkipReason, dnsmasq_records};
use crate::options::{RewriteAnswer, RuleOptions};
use crate::rule::{ListRule, RuleAction, RulePattern, RuleScope};

#[derive(Default)]
pub(super) struct DnsmasqParser {
    name: NameBuffer,
}

impl LineParser for DnsmasqParser {
    fn line(&mut self, line: &[u8], emit: &mut Emit<'_>) {
        let is_comment = line.first().is_none_or(|first| *first == b'#');
        if is_comment {
            return;
        }
        let Some((key, value)) = split(line, b'=') else {
            return emit(Err(SkipReason::OtherSetting));
        };
        // `#` is a value too, so a comment needs a blank before.
        let value = match value.windows(2).position(|pair| pair == b" #") {
            Some(end) => value[..end].trim_ascii(),
            None => value.trim_ascii(),
        };
        let key = without_comment(key.trim_ascii());
        if key == b"bogus-nxdomain" {
            return emit(bogus_address(value));
        }
        if dnsmasq_records::line(key, value, &mut self.name, emit) {
            return;
        }
        let is_address = key == b"address";
        if !is_address && key != b"server" && key != b"local" {
            return emit(Err(SkipReason::OtherSetting));
        }
        let Some((names, target)) = value.strip_prefix(b"/").and_then(split_target) else {
            return emit(Err(SkipReason::OtherSetting));
        };
        let (action, options) = match action(is_address, target) {
            Ok(decided) => decided,
            Err(reason) => return emit(Err(reason)),
        };
        for word in names.split(|octet| *octet == b'/').filter(|word| !word.is_empty()) {
            let (scope, word) = match word.strip_prefix(b"*.") {
                Some(word) => (RuleScope::Below, word),
                None => (RuleScope::Subtree, word.strip_prefix(b".").unwrap_or(word)),
            };
            emit(self.name.parse(word).map(|name| ListRule {
                pattern: RulePattern::Name { scope, name },
                action,
                important: false,
                disables: false,
                options: &options,
            }));
        }
    }
}

fn split(line: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|octet| *octet == at)?;
    Some((&line[..at], &line[at + 1..]))
}

/// The names between slashes, and the target behind the last slash.
fn split_target(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = value.iter().rposition(|octet| *octet == b'/')?;
    Some((&value[..at], &value[at + 1..]))
}

fn action(is_address: bool, target: &[u8]) -> Result<(RuleAction, String), SkipReason> {
    match (is_address, target) {
        (_, b"") => Ok((RuleAction::Nxdomain, String::new())),
        (true, b"#") => Ok((RuleAction::NullAddress, String::new())),
        (false, b"#") => Ok((RuleAction::Allow, String::new())),
        (false, b"127.0.0.1" | b"::1" | b"0.0.0.0" | b"::") => {
            Ok((RuleAction::Nxdomain, String::new()))
        }
        (false, _) => Err(SkipReason::Forwarding),
        (true, target) => {
            let address: IpAddr = parse(target).ok_or(SkipReason::UnsupportedValue)?;
            if address.is_unspecified() {
                return Ok((RuleAction::NullAddress, String::new()));
            }
            let options = RuleOptions::rewriting(RewriteAnswer::Address(address));
            Ok((RuleAction::Rewrite, options.to_string()))
        }
    }
}

/// The rule of `bogus-nxdomain`.
fn bogus_address(value: &[u8]) -> Result<ListRule<'static>, SkipReason> {
    let prefix: Prefix = parse(value).ok_or(SkipReason::UnsupportedValue)?;
    Ok(ListRule {
        pattern: RulePattern::Address(prefix),
        action: RuleAction::Nxdomain,
        important: false,
        disables: false,
        options: "",
    })
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
