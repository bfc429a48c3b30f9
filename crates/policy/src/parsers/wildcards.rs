//! Lists of wildcards: each line, with or without `*.`, blocks a name and the names below.

use super::domains::add_word;
use super::{Emit, LineParser, NameBuffer};
use crate::rule::RuleScope;

#[derive(Default)]
pub(super) struct WildcardsParser {
    name: NameBuffer,
}

impl LineParser for WildcardsParser {
    fn line(&mut self, line: &[u8], emit: &mut Emit<'_>) {
        add_word(line, RuleScope::Subtree, &mut self.name, emit);
    }
}
