//! Lists of domains: a name on each line, which blocks the name alone; `*.name` and `.name` block names below too.

use super::hosts::without_comment;
use super::{Emit, LineParser, NameBuffer};
use crate::rule::{ListRule, RuleAction, RulePattern, RuleScope};

#[derive(Default)]
pub(super) struct DomainsParser {
    name: NameBuffer,
}

impl LineParser for DomainsParser {
    fn line(&mut self, line: &[u8], emit: &mut Emit<'_>) {
        add_word(line, RuleScope::Exact, &mut self.name, emit);
    }
}

/// Emits the rule of a line with one name. A name without `*.` has this `scope`.
pub(super) fn add_word(
    line: &[u8],
    scope: RuleScope,
    buffer: &mut NameBuffer,
    emit: &mut Emit<'_>,
) {
    let line = without_comment(line);
    if line.is_empty() {
        return;
    }
    let (scope, word) = match line.strip_prefix(b"*").unwrap_or(line).strip_prefix(b".") {
        Some(word) => (RuleScope::Subtree, word),
        None => (scope, line),
    };
    emit(buffer.parse(word).map(|name| block(scope, name)));
}

/// The rule that blocks a name in the style of the group.
pub(super) fn block(scope: RuleScope, name: &[u8]) -> ListRule<'_> {
    ListRule {
        pattern: RulePattern::Name { scope, name },
        action: RuleAction::Block,
        important: false,
        disables: false,
        options: "",
    }
}
