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
    /// Whether no earlier plan has changed the thing.
    pub(super) is_first: bool,
}

/// The changes in the order of their first steps. `earlier` are steps of plans that stay.
pub(super) fn changes<'a>(earlier: &[BegunStep], steps: &'a [BegunStep]) -> Vec<PastChange<'a>> {
    let mut changes: Vec<PastChange<'a>> = Vec::new();
    for begun in steps {
        let Some(key) = begun.step.key() else { continue };
        match changes.iter_mut().find(|change| change.key == key) {
            Some(change) => change.steps.push(begun),
            None => {
                let is_first = earlier.iter().all(|begun| begun.step.key().as_ref() != Some(&key));
                let (former, steps) = (&begun.former, vec![begun]);
                changes.push(PastChange { key, former, steps, is_first });
            }
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
