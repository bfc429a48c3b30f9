//! Hosts files: an address and its names on each line.
//!
//! The unspecified and the loopback address block the names; a different address is the answer.

use std::net::IpAddr;

use super::{Emit, LineParser, NameBuffer, SkipReason};
use crate::options::{RewriteAnswer, RuleOptions};
use crate::rule::{ListRule, RuleAction, RulePattern, RuleScope};

/// Names of each machine itself, which public lists carry along.
const OWN_NAMES: [&[u8]; 13] = [
    b"localhost",
    b"localhost.localdomain",
    b"localhost4",
    b"localhost6",
    b"local",
    b"broadcasthost",
    b"ip6-localhost",
    b"ip6-loopback",
    b"ip6-localnet",
    b"ip6-mcastprefix",
    b"ip6-allnodes",
    b"ip6-allrouters",
    b"ip6-allhosts",
];

#[derive(Default)]
pub(super) struct HostsParser {
    name: NameBuffer,
}

impl LineParser for HostsParser {
    fn line(&mut self, line: &[u8], emit: &mut Emit<'_>) {
        let line = without_comment(line);
        if line.is_empty() {
            return;
        }
        match split_address(line) {
            Some((address, names)) => add_names(address, names, &mut self.name, emit),
            None => emit(Err(SkipReason::NotAName)),
        }
    }
}

/// The line up to `#`; nothing of a comment or a title in the way of further forms.
pub(super) fn without_comment(line: &[u8]) -> &[u8] {
    if let Some(b'!' | b';' | b'[') = line.first() {
        return b"";
    }
    line.split(|octet| *octet == b'#').next().unwrap_or_default().trim_ascii_end()
}

/// The address at the beginning of a line, and the names behind.
pub(super) fn split_address(line: &[u8]) -> Option<(IpAddr, &[u8])> {
    let end = line.iter().position(u8::is_ascii_whitespace)?;
    let (written, names) = line.split_at(end);
    // An address may have a zone index, which DNS records lack.
    let bare = written.split(|octet| *octet == b'%').next()?;
    match bare {
        b"0.0.0.0" => Some((IpAddr::from([0; 4]), names)),
        bare => Some((std::str::from_utf8(bare).ok()?.parse().ok()?, names)),
    }
}

/// Emits a rule for each name of a line.
pub(super) fn add_names(
    address: IpAddr,
    names: &[u8],
    buffer: &mut NameBuffer,
    emit: &mut Emit<'_>,
) {
    let blocks = address.is_unspecified() || address.is_loopback();
    let options = match blocks {
        true => String::new(),
        false => RuleOptions::rewriting(RewriteAnswer::Address(address)).to_string(),
    };
    let action = if blocks { RuleAction::Block } else { RuleAction::Rewrite };
    let words = names.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    for word in words {
        if OWN_NAMES.iter().any(|own| own.eq_ignore_ascii_case(word)) {
            emit(Err(SkipReason::OwnName));
            continue;
        }
        emit(buffer.parse(word).map(|name| ListRule {
            pattern: RulePattern::Name { scope: RuleScope::Exact, name },
            action,
            important: false,
            disables: false,
            options: &options,
        }));
    }
}
