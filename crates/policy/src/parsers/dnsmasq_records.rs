//! Records of dnsmasq for single names.
//!
//! | line | action |
//! |---|---|
//! | `cname=name,target` | an alias of the target; several names may stand before the target, and a TTL behind |
//! | `host-record=name,192.0.2.1` | this address; several names and addresses, and a TTL behind |

use std::net::IpAddr;

use zoners_dns::name;

use super::{Emit, NameBuffer, SkipReason};
use crate::options::{RewriteAnswer, RuleOptions};
use crate::rule::{ListRule, RuleAction, RulePattern, RuleScope};

/// Emits the rules of a line; false if the key is no record.
pub(super) fn line(key: &[u8], value: &[u8], buffer: &mut NameBuffer, emit: &mut Emit<'_>) -> bool {
    let is_alias = key == b"cname";
    if !is_alias && key != b"host-record" {
        return false;
    }
    let Ok(value) = std::str::from_utf8(value) else {
        emit(Err(SkipReason::NotText));
        return true;
    };
    let mut words: Vec<&str> = value.split(',').map(str::trim).collect();
    let is_ttl = |word: &&str| !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_digit());
    if words.len() > 2 && words.last().is_some_and(is_ttl) {
        words.pop();
    }
    let (names, answers) = match is_alias {
        true => split_alias(&words),
        false => split_addresses(&words),
    };
    if names.is_empty() || answers.is_empty() {
        emit(Err(SkipReason::UnsupportedValue));
        return true;
    }
    for answer in answers {
        let options = RuleOptions::rewriting(answer).to_string();
        names.iter().for_each(|word| add(word, &options, buffer, emit));
    }
    true
}

fn add(word: &str, options: &str, buffer: &mut NameBuffer, emit: &mut Emit<'_>) {
    let (scope, word) = match word.strip_prefix("*.") {
        Some(word) => (RuleScope::Below, word),
        None => (RuleScope::Exact, word),
    };
    emit(buffer.parse(word.as_bytes()).map(|name| ListRule {
        pattern: RulePattern::Name { scope, name },
        action: RuleAction::Rewrite,
        important: false,
        disables: false,
        options,
    }));
}

/// The names before the target, and the target.
fn split_alias<'a>(words: &[&'a str]) -> (Vec<&'a str>, Vec<RewriteAnswer>) {
    let Some((target, names)) = words.split_last() else { return Default::default() };
    let target = name::parse(target).ok().filter(|target| !target.is_root());
    (names.to_vec(), target.map(RewriteAnswer::Alias).into_iter().collect())
}

/// The names before the addresses, and the addresses.
fn split_addresses<'a>(words: &[&'a str]) -> (Vec<&'a str>, Vec<RewriteAnswer>) {
    let is_name = |word: &&&str| word.parse::<IpAddr>().is_err();
    let names: Vec<&str> = words.iter().take_while(is_name).copied().collect();
    let addresses = words.iter().skip(names.len()).filter(|word| !word.is_empty());
    let addresses = addresses.map(|word| word.parse().map(RewriteAnswer::Address));
    (names, addresses.collect::<Result<_, _>>().unwrap_or_default())
}
