//! Changes of the system as a plan: data to be shown, carried out, and undone.
//!
//! A [`SystemPlan`] is a list of [`PlanStep`]s. No step is code: a step is shown as a person would type, lies in the
//! journal as JSON, and can be undone by a later program. A [`PlanExecutor`] carries out a plan:
//!
//! 1. Before each step the [`UndoJournal`] has the step and the former state (content, mode, owner, times, extended
//!    attributes, flags, link targets, running services), on the disk.
//! 2. The step: files are written beside and renamed, unless something is mounted over the file. The former entry keeps
//!    a second name in the same folder.
//! 3. If a step fails, the steps of this plan are undone.
//!
//! The undo ([`PlanExecutor::undo_all`]) goes from the last step to the first, and renames former entries back. An entry in the former state is passed
//! over, an entry in the state of the plan is put back, and an entry changed by someone else meanwhile is a conflict,
//! which stops the undo before the first step. So an undo repairs a plan or an undo killed at any moment. A second plan
//! over the same paths adds to the journal; the former state is the state before the first plan.
//!
//! Paths are absolute paths below a [`SystemRoot`], so that a test or the builder of an image works in a folder.

mod accounts;
mod aside;
mod carry_out;
mod command;
mod difference;
mod disk;
pub(crate) mod dns_journal;
mod entry_state;
mod examine;
mod executor;
mod extra_names;
mod history;
mod journal;
mod journal_lines;
mod octets;
mod put;
mod root;
pub(crate) mod service_dns;
mod step;
#[cfg(test)]
pub(crate) mod tests;
mod undo;
mod undo_plan;

pub use carry_out::{PlanChecks, PlanFailure, StepEnd};
pub use command::{
    CommandEnd, CommandRunner, LimitedCommands, NoCommands, RealCommands, SystemCommand,
};
pub use disk::{Disk, DiskChange};
pub use entry_state::{EntryState, FileAttributes};
pub use executor::PlanExecutor;
pub use journal::UndoJournal;
pub use journal_lines::{BegunStep, FormerState};
pub use octets::EntryOctets;
pub use root::{JournalName, SystemRoot};
pub use step::{
    AccountDirectory, Direction, FileSource, IfChanged, LinePosition, PlanStep, SystemService,
};
pub use undo_plan::{OnConflict, UndoPlan, UndoStep};

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A list of steps, first to last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemPlan {
    /// The steps.
    pub steps: Vec<PlanStep>,
}

impl SystemPlan {
    /// The same plan, in which each step finds the folders above its path: the steps that make them come just before.
    #[must_use]
    pub fn with_folders(self) -> Self {
        let mut steps: Vec<PlanStep> = Vec::new();
        for step in self.steps {
            let folders: Vec<_> =
                step.path().into_iter().flat_map(Path::ancestors).skip(1).collect();
            for folder in folders.into_iter().rev().filter(|folder| folder.parent().is_some()) {
                if steps.iter().all(|known| known.path() != Some(folder)) {
                    steps.push(PlanStep::folder(&folder.display().to_string()));
                }
            }
            steps.push(step);
        }
        SystemPlan { steps }
    }
}
