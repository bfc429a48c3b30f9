//! Users made by a plan.

use std::io;

use super::StepEnd;
use crate::plan::accounts;
use crate::plan::command::SystemCommand;
use crate::plan::executor::PlanExecutor;
use crate::plan::journal::UndoJournal;
use crate::plan::journal_lines::FormerState;
use crate::plan::step::{AccountDirectory, PlanStep};

impl PlanExecutor<'_> {
    pub(super) fn has_user(
        &mut self,
        name: &str,
        directory: Option<&AccountDirectory>,
    ) -> io::Result<bool> {
        match directory {
            Some(directory) => Ok(self.succeeds(&directory.has_user)),
            None => accounts::has_user(self.root, name),
        }
    }

    pub(super) fn create_user(
        &mut self,
        step: &PlanStep,
        name: &str,
        add: &[SystemCommand],
        directory: Option<&AccountDirectory>,
        journal: &mut UndoJournal,
    ) -> Result<StepEnd, String> {
        let explain = |error: io::Error| error.to_string();
        if self.has_user(name, directory).map_err(explain)? {
            return Ok(StepEnd::AlreadySo);
        }
        let accounts = match directory {
            Some(_) => Vec::new(),
            None => accounts::read_all(self.root).map_err(explain)?,
        };
        let former = FormerState::User { existed: false, accounts };
        journal.begin(&mut self.disk, step, former).map_err(explain)?;
        add.iter().try_for_each(|command| self.run(command))?;
        journal.done(&mut self.disk).map_err(explain)?;
        Ok(StepEnd::Done)
    }
}
