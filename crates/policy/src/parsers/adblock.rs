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
//! | `\|\|ads.*^`, `-ads.`, `\|\|ads.` | names matching the pattern, each compared |
//! | `/regex/` | names, and addresses of answers, matching the regular expression |
//! | `\|\|192.0.2.1^`, `\|\|192.0.2.` | answers with the address, or with an address that begins so |
//!
//! `@@` allows instead. Options follow `$`: see [`options`]. A rule with an option for browsers is skipped as a whole: without the
//! option, the rule would concern more than the author meant.

mod options;
mod regex;
mod subject;

use super::{Emit, LineParser, NameBuffer, SkipReason, hosts};
use crate::rule::{ListRule, RuleAction, RulePattern, RuleScope};
use options::AdblockOptions;
use subject::{Subject, subject};

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
        let text = text.split_once(" #").map_or(text, |(rule, _)| rule.trim_end());
        let (allows, rest) = text.strip_prefix("@@").map_or((false, text), |rest| (true, rest));
        let is_regex =
            rest.starts_with('/') && (rest.len() > 1 && rest.ends_with('/') || rest.contains("/$"));
        if !is_regex && CONTENT_MARKS.iter().any(|mark| rest.contains(mark)) {
            return Err(SkipReason::BrowserOnly);
        }
        let (pattern, written) = match is_regex {
            true => regex::split(rest),
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
            regex::check(pattern)?;
            put(RulePattern::Scan(pattern), &options);
            return Ok(());
        }
        match subject(pattern, &mut self.name)? {
            Subject::Name(scope, name) => put(RulePattern::Name { scope, name }, &options),
            Subject::Addresses(prefix) => put(RulePattern::Address(prefix), &options),
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
