//! The undo: looked at as a whole first, then carried out from the last step to the first.
//!
//! The undo writes no journal, so that a full disk stops no undo: each step looks at the present state, and a
//! second undo after a killed undo finds the former state and goes on.

use std::io;
use std::path::{Path, PathBuf};

use super::accounts;
use super::aside;
use super::command::SystemCommand;
use super::entry_state::EntryState;
use super::examine::examine;
use super::executor::PlanExecutor;
use super::journal::UndoJournal;
use super::octets::EntryOctets;
use super::put::{put, put_attributes, put_back, sweep, touched};
use super::service_dns;
use super::step::{AccountDirectory, SystemService, without_lines};
use super::undo_plan::{OnConflict, UndoPlan, UndoStep};

impl PlanExecutor<'_> {
    /// The undo of every plan of the journal; none without a journal.
    ///
    /// # Errors
    /// The journal or an entry cannot be read.
    pub fn examine_undo(&mut self, on_conflict: OnConflict) -> io::Result<Option<UndoPlan>> {
        let Some(journal) = UndoJournal::open(self.root, &mut self.disk)? else { return Ok(None) };
        examine(self, &[], journal.steps(), on_conflict).map(Some)
    }

    /// Undoes every plan of the journal, and removes the journal. `progress` is called after each step, with a remark
    /// where something stays. With `force`, changed entries are put back too, and a failed command stops nothing.
    ///
    /// # Errors
    /// An entry has changed since, or the system refuses: the reason. The journal stays, for a second undo.
    pub fn undo_all(
        &mut self,
        force: bool,
        progress: &mut dyn FnMut(&UndoStep, Option<&str>),
    ) -> Result<(), String> {
        let on_conflict = if force { OnConflict::Restore } else { OnConflict::Refuse };
        self.undo_journal(on_conflict, force, progress)
    }

    /// As [`PlanExecutor::undo_all`], where no person is there to decide: entries changed by someone else stay, and a
    /// command that fails stops nothing.
    ///
    /// # Errors
    /// The system refuses. The journal stays, for another undo.
    pub fn undo_own(
        &mut self,
        progress: &mut dyn FnMut(&UndoStep, Option<&str>),
    ) -> Result<(), String> {
        self.undo_journal(OnConflict::Keep, true, progress)
    }

    fn undo_journal(
        &mut self,
        on_conflict: OnConflict,
        force: bool,
        progress: &mut dyn FnMut(&UndoStep, Option<&str>),
    ) -> Result<(), String> {
        let explain = |error: io::Error| error.to_string();
        let journal = UndoJournal::open(self.root, &mut self.disk).map_err(explain)?;
        let Some(journal) = journal else {
            return UndoJournal::remove_leftovers(self.root, &mut self.disk).map_err(explain);
        };
        let plan = examine(self, &[], journal.steps(), on_conflict).map_err(explain)?;
        self.undo(&plan, force, progress)?;
        journal.remove(self.root, &mut self.disk).map_err(explain)
    }

    pub(super) fn undo(
        &mut self,
        plan: &UndoPlan,
        force: bool,
        progress: &mut dyn FnMut(&UndoStep, Option<&str>),
    ) -> Result<(), String> {
        let conflicts: Vec<String> = plan.conflicts().map(UndoStep::to_string).collect();
        if !conflicts.is_empty() {
            return Err(conflicts.join("; "));
        }
        for step in &plan.steps {
            let remark = self.undo_step(step, force)?;
            progress(step, remark.as_deref());
        }
        Ok(())
    }

    /// Carries out a step, and returns a remark where something stays.
    fn undo_step(&mut self, step: &UndoStep, force: bool) -> Result<Option<String>, String> {
        let shown = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
        match step {
            UndoStep::PutBack { path, place, current, former, second_name } => {
                let second_name = second_name.as_deref();
                let ended = self.put_back(place, current, former, second_name);
                ended.map_err(|error| shown(path, error))?;
            }
            UndoStep::RemoveLines { path, place, current, lines, second_name } => {
                let ended = self.remove_lines(place, current, lines);
                let ended = ended.and_then(|()| self.clear(place, second_name.as_deref()));
                ended.map_err(|error| shown(path, error))?;
            }
            UndoStep::RemoveFolder { path, place, with_content } => {
                let removed = self.remove_folder(place, *with_content);
                return removed.map_err(|error| shown(path, error));
            }
            UndoStep::RemoveUser { name, remove, directory: Some(directory), .. } => {
                return self.remove_user_of_directory(name, remove, directory, force);
            }
            UndoStep::RemoveUser { name, remove, accounts, directory: None } => {
                return self.remove_user(name, remove, accounts, force);
            }
            UndoStep::Stop(SystemService { stop: command, .. })
            | UndoStep::Start(SystemService { start: command, .. })
            | UndoStep::Run(command) => match command.run_by(self.commands) {
                Err(reason) if force => return Ok(Some(reason)),
                ended => ended.map_err(|reason| format!("{command}: {reason}"))?,
            },
            // Even a forced undo goes on to know the former servers: without servers there is no DNS.
            UndoStep::SetDnsServers { service, servers } => {
                self.run(&service_dns::set(service, servers))?;
            }
            UndoStep::Keep { path, place, second_name } => {
                let ended = self.clear(place, second_name.as_deref());
                ended.map_err(|error| shown(path, error))?;
                return Ok(Some("has changed and stays".to_owned()));
            }
            UndoStep::Conflict { .. } => {}
        }
        Ok(None)
    }

    fn put_back(
        &mut self,
        place: &Path,
        current: &EntryState,
        former: &EntryState,
        second_name: Option<&Path>,
    ) -> io::Result<()> {
        let now = EntryState::read(place)?;
        if !now.is_same(current) {
            return Err(io::Error::other("changed at this very moment: try again"));
        }
        sweep(&mut self.disk, place)?;
        let is_back = match second_name {
            Some(second) => aside::put_back(&mut self.disk, place, second, &now, former)?,
            None => false,
        };
        match is_back || now.has_content_of(former) {
            true => {
                let now = EntryState::read(place)?;
                put_attributes(&mut self.disk, place, &now, former)?;
            }
            false => put_back(&mut self.disk, place, &now, former)?,
        }
        self.clear(place, second_name)
    }

    /// Removes the names that a plan gives for a time.
    fn clear(&mut self, place: &Path, second_name: Option<&Path>) -> io::Result<()> {
        sweep(&mut self.disk, place)?;
        second_name.map_or(Ok(()), |second| aside::remove(&mut self.disk, second))
    }

    fn remove_lines(&mut self, place: &Path, current: &EntryState, lines: &str) -> io::Result<()> {
        let content = current.content().and_then(|content| without_lines(content, lines));
        let (Some(content), Some(attributes)) = (content, current.attributes()) else {
            return Ok(());
        };
        let attributes = touched(attributes);
        let wanted =
            EntryState::File { content: EntryOctets(content), attributes, in_place: false };
        put(&mut self.disk, place, current, &wanted)
    }

    fn remove_folder(&mut self, place: &Path, with_content: bool) -> io::Result<Option<String>> {
        let removed = match with_content {
            true => self.disk.remove_tree(place),
            false => self.disk.remove_folder(place),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                return Ok(Some("has other content and stays".to_owned()));
            }
            removed => removed?,
        }
        self.disk.sync_folder_of(place)?;
        Ok(None)
    }

    fn remove_user_of_directory(
        &mut self,
        name: &str,
        remove: &[SystemCommand],
        directory: &AccountDirectory,
        force: bool,
    ) -> Result<Option<String>, String> {
        // Of a half-made user a part is missing, and its command fails.
        let failed = remove.iter().filter_map(|command| self.run(command).err()).last();
        match self.succeeds(&directory.has_part) {
            true if force => Ok(failed),
            true => Err(failed.unwrap_or_else(|| format!("the user {name} is still there"))),
            false => Ok(None),
        }
    }

    fn remove_user(
        &mut self,
        name: &str,
        remove: &[SystemCommand],
        accounts: &[(PathBuf, EntryState)],
        force: bool,
    ) -> Result<Option<String>, String> {
        let explain = |error: io::Error| error.to_string();
        let mut failed = None;
        for command in remove {
            if accounts::has_user_or_group(self.root, name).map_err(explain)? {
                failed = self.run(command).err().or(failed);
            }
        }
        accounts::put_back_all(self.root, &mut self.disk, name, accounts).map_err(explain)?;
        match accounts::has_user_or_group(self.root, name).map_err(explain)? {
            true if force => Ok(failed),
            true => Err(failed.unwrap_or_else(|| format!("the user {name} is still there"))),
            false => Ok(None),
        }
    }
}
