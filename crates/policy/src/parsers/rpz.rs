//! Response policy zones in zone-file format (draft-vixie-dnsop-dns-rpz).
//!
//! The owner is the trigger: a name (QNAME), `*.name`, or below `rpz-client-ip`, `rpz-ip`, `rpz-nsdname` and `rpz-nsip`.
//! The record is the action: CNAME to `.` (NXDOMAIN), `*.` (NODATA), `rpz-passthru.`, `rpz-drop.`, `rpz-tcp-only.`, or
//! a record for the answer. Plain CNAME lines, nearly the whole of a list, are parsed here; the remaining entries by
//! `domain`'s reader, entry by entry, so that a faulty entry does not end the list.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zoners_dns::{Name, Prefix, RRset, Rtype, name, zonefile};

use super::rpz_entry::EntryCutter;
use super::{Emit, LineParser, SkipReason};
use crate::options::{RewriteAnswer, RuleOptions};
use crate::rule::{ListRule, RuleAction, RulePattern, RuleScope};

pub(super) struct RpzParser {
    entry: EntryCutter,
    origin: Name,
    /// The name of the zone: the owner of the SOA record, which is the first record.
    apex: Option<Name>,
    owner: Vec<u8>,
}

impl Default for RpzParser {
    fn default() -> Self {
        let origin = name::parse("rpz").unwrap_or_else(|_| name::root());
        RpzParser { entry: EntryCutter::default(), origin, apex: None, owner: Vec::new() }
    }
}

impl LineParser for RpzParser {
    fn line(&mut self, line: &[u8], emit: &mut Emit<'_>) {
        let is_blank = line.is_empty() || line.trim_ascii_start().starts_with(b";");
        if is_blank && !self.entry.is_within() {
            return;
        }
        if self.entry.add(line) {
            self.end(emit);
        }
    }

    fn end(&mut self, emit: &mut Emit<'_>) {
        if !self.entry.is_within() {
            return;
        }
        let Some(entry) = self.entry.take() else { return emit(Err(SkipReason::TooLong)) };
        if let Err(reason) = self.read_entry(&entry, emit) {
            emit(Err(reason));
        }
    }

    fn is_indented(&self) -> bool {
        true
    }
}

impl RpzParser {
    fn read_entry(&mut self, entry: &[u8], emit: &mut Emit<'_>) -> Result<(), SkipReason> {
        let text = std::str::from_utf8(entry).map_err(|_| SkipReason::NotText)?;
        let mut words = text.split_ascii_whitespace();
        match words.next() {
            Some("$ORIGIN") => {
                let written = words.next().ok_or(SkipReason::BadRecord)?;
                self.origin = self.absolute(written).ok_or(SkipReason::BadRecord)?;
                return Ok(());
            }
            Some(word) if word.starts_with('$') => return Ok(()),
            Some(word) if !text.starts_with([' ', '\t']) => {
                self.owner.clear();
                self.owner.extend_from_slice(word.as_bytes());
            }
            Some(_) => {}
            None => return Ok(()),
        }
        let owner = std::str::from_utf8(&self.owner).map_err(|_| SkipReason::NotText)?;
        if let Some(target) = simple_cname(text) {
            let owner = self.absolute(owner).ok_or(SkipReason::BadRecord)?;
            let target = self.absolute(target).ok_or(SkipReason::BadRecord)?;
            let trigger = self.trigger(&owner)?;
            return emit_cname(&trigger, &target, emit);
        }
        let whole = match text.starts_with([' ', '\t']) {
            true => format!("{owner} {text}"),
            false => text.to_string(),
        };
        for set in zonefile::parse(&whole, &self.origin).map_err(|_| SkipReason::BadRecord)? {
            self.read_set(&set, emit)?;
        }
        Ok(())
    }

    fn read_set(&mut self, set: &RRset, emit: &mut Emit<'_>) -> Result<(), SkipReason> {
        if set.rtype == Rtype::SOA {
            self.apex.get_or_insert_with(|| set.owner.clone());
        }
        let apex = self.apex.as_ref().unwrap_or(&self.origin);
        if set.owner == *apex {
            return Err(SkipReason::ZoneRecord);
        }
        let trigger = self.trigger(&set.owner)?;
        if let Some(target) = set.target().filter(|_| set.rtype == Rtype::CNAME) {
            return emit_cname(&trigger, &target, emit);
        }
        for rdata in set.records.iter() {
            let address = match (set.rtype, &*rdata) {
                (Rtype::A, [a, b, c, d]) => Some(IpAddr::from([*a, *b, *c, *d])),
                (Rtype::AAAA, octets) => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
                _ => None,
            };
            let rewrite = match address {
                Some(address) => RewriteAnswer::Address(address),
                None => RewriteAnswer::Record(set.rtype, rdata.to_vec()),
            };
            let options = RuleOptions::rewriting(rewrite).to_string();
            emit(Ok(trigger.rule(RuleAction::Rewrite, &options)));
        }
        Ok(())
    }

    /// The absolute name of a word of a zone file without escapes.
    fn absolute(&self, word: &str) -> Option<Name> {
        if word == "@" {
            return Some(self.origin.clone());
        }
        match word.ends_with('.') {
            true => name::parse(word).ok(),
            false => name::parse(&format!("{word}.{}", self.origin)).ok(),
        }
    }

    /// The trigger of an owner name.
    fn trigger(&self, owner: &Name) -> Result<RpzTrigger, SkipReason> {
        let apex = self.apex.as_ref().unwrap_or(&self.origin);
        if !name::is_below(owner, apex) {
            return Err(SkipReason::OutsideZone);
        }
        let octets = &owner.as_slice()[..owner.len() - apex.len()];
        let mut labels: Vec<&[u8]> = Vec::new();
        let mut at = 0;
        while let Some(length) = octets.get(at) {
            labels.push(octets.get(at + 1..at + 1 + usize::from(*length)).unwrap_or_default());
            at += 1 + usize::from(*length);
        }
        let kind = labels.last().map(|label| label.to_ascii_lowercase()).unwrap_or_default();
        let within = &labels[..labels.len().saturating_sub(1)];
        let prefix = || address_prefix(within).ok_or(SkipReason::BadRecord);
        Ok(match &*kind {
            b"rpz-client-ip" => RpzTrigger::Client(prefix()?),
            b"rpz-ip" => RpzTrigger::Address(prefix()?),
            b"rpz-nsip" => RpzTrigger::NameserverAddress(prefix()?),
            b"rpz-nsdname" => {
                let (scope, name) = scoped_name(within);
                RpzTrigger::Nameserver(scope, name)
            }
            _ => {
                let (scope, name) = scoped_name(&labels);
                RpzTrigger::Name(scope, name)
            }
        })
    }
}

/// The trigger of an entry.
enum RpzTrigger {
    Name(RuleScope, Vec<u8>),
    Nameserver(RuleScope, Vec<u8>),
    Address(Prefix),
    NameserverAddress(Prefix),
    Client(Prefix),
}

impl RpzTrigger {
    fn rule<'a>(&'a self, action: RuleAction, options: &'a str) -> ListRule<'a> {
        let pattern = match self {
            RpzTrigger::Name(scope, name) => RulePattern::Name { scope: *scope, name },
            RpzTrigger::Nameserver(scope, name) => RulePattern::Nameserver { scope: *scope, name },
            RpzTrigger::Address(prefix) => RulePattern::Address(*prefix),
            RpzTrigger::NameserverAddress(prefix) => RulePattern::NameserverAddress(*prefix),
            RpzTrigger::Client(prefix) => RulePattern::Client(*prefix),
        };
        ListRule { pattern, action, important: false, disables: false, options }
    }
}

/// The target of a line `owner [TTL] [IN] CNAME target` without escapes, parentheses or comments.
fn simple_cname(text: &str) -> Option<&str> {
    if text.bytes().any(|octet| b"();\"\\".contains(&octet)) {
        return None;
    }
    let mut words = text.split_ascii_whitespace();
    if !text.starts_with([' ', '\t']) {
        words.next()?;
    }
    let is_ttl = |word: &str| word.bytes().all(|octet| octet.is_ascii_digit());
    let mut word = words.next()?;
    while is_ttl(word) || word.eq_ignore_ascii_case("in") {
        word = words.next()?;
    }
    let target = words.next().filter(|_| word.eq_ignore_ascii_case("cname"))?;
    words.next().is_none().then_some(target)
}

fn emit_cname(trigger: &RpzTrigger, target: &Name, emit: &mut Emit<'_>) -> Result<(), SkipReason> {
    let text = target.to_string().to_ascii_lowercase();
    let action = match text.trim_end_matches('.') {
        "" => RuleAction::Nxdomain,
        "*" => RuleAction::Nodata,
        "rpz-passthru" => RuleAction::Allow,
        "rpz-drop" => RuleAction::Drop,
        "rpz-tcp-only" => RuleAction::TcpOnly,
        // The target would have the name of the question in place of `*`.
        target if target.starts_with("*.") => return Err(SkipReason::UnsupportedValue),
        _ => RuleAction::Rewrite,
    };
    let options = match action {
        RuleAction::Rewrite => {
            RuleOptions::rewriting(RewriteAnswer::Alias(target.clone())).to_string()
        }
        _ => String::new(),
    };
    emit(Ok(trigger.rule(action, &options)));
    Ok(())
}

/// The name of labels in lower case; `*` in front makes a rule for names below.
fn scoped_name(labels: &[&[u8]]) -> (RuleScope, Vec<u8>) {
    let (scope, labels) = match labels {
        [b"*", rest @ ..] => (RuleScope::Below, rest),
        labels => (RuleScope::Exact, labels),
    };
    let mut name = Vec::new();
    for label in labels {
        name.push(label.len() as u8);
        name.extend(label.to_ascii_lowercase());
    }
    name.push(0);
    (scope, name)
}

/// The prefix of labels such as `24.0.2.0.192` or `48.zz.1.db8.2001`: the length, then the address from the right.
fn address_prefix(labels: &[&[u8]]) -> Option<Prefix> {
    let words = labels.iter().map(|label| std::str::from_utf8(label).ok());
    let words: Vec<&str> = words.collect::<Option<_>>()?;
    let (bits, address) = words.split_first()?;
    let bits: u8 = bits.parse().ok()?;
    if address.len() == 4 && !address.iter().any(|word| word.eq_ignore_ascii_case("zz")) {
        let mut octets = [0_u8; 4];
        for (octet, word) in octets.iter_mut().zip(address.iter().rev()) {
            *octet = word.parse().ok()?;
        }
        return (bits <= 32).then(|| Prefix::of(Ipv4Addr::from(octets).into(), bits));
    }
    let text: Vec<&str> = address.iter().rev().copied().collect();
    // `zz` stands for `::`.
    let text = text.join(":");
    let text = match text.to_ascii_lowercase().replacen("zz", "", 1) {
        text if text.is_empty() => "::".into(),
        text if text.starts_with(':') => format!(":{text}"),
        text if text.ends_with(':') => format!("{text}:"),
        text => text,
    };
    let address: Ipv6Addr = text.parse().ok()?;
    (bits <= 128).then(|| Prefix::of(address.into(), bits))
}
