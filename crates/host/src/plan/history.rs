//! The steps of a journal, gathered by the changed thing.

use super::journal_lines::{BegunStep, FormerState};
use super::step::StepKey;

/// A thing changed by one or more steps, of one install or of several.
#[derive(Debug)]
pub(super) struct PastChange<'a> {
    /// The thing.
    pub(super) key: StepKey,
    /// What was before the first of the steps: a later install never counts as the former state.
    pub(super) former: &'a FormerState,
    /// The steps, first to last.
    pub(super) steps: Vec<&'a BegunStep>,
}

/// The changes in the order of their first steps.
pub(super) fn changes(steps: &[BegunStep]) -> Vec<PastChange<'_>> {
    let mut changes: Vec<PastChange<'_>> = Vec::new();
    for begun in steps {
        let Some(key) = begun.step.key() else { continue };
        match changes.iter_mut().find(|change| change.key == key) {
            Some(change) => change.steps.push(begun),
            None => changes.push(PastChange { key, former: &begun.former, steps: vec![begun] }),
        }
    }
    changes
}

impl PastChange<'_> {
    /// The last of the steps.
    pub(super) fn last(&self) -> Option<&BegunStep> {
        self.steps.last().copied()
    }
}
