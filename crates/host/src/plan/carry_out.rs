//! A plan carried out, step by step, each after its entry in the journal.

mod services;
mod users;

use std::fs;
use std::io;
use std::path::Path;

use super::SystemPlan;
use super::aside;
use super::entry_state::EntryState;
use super::examine::examine;
use super::executor::PlanExecutor;
use super::journal::UndoJournal;
use super::journal_lines::{BegunStep, FormerState};
use super::octets::EntryOctets;
use super::put::{link_attributes, new_attributes, put, touched};
use super::service_dns;
use super::step::{Direction, FileSource, PlanStep, with_lines, without_lines};
use super::undo_plan::OnConflict;
use crate::system::attributes::immutable_flag;

/// Carries out the checks of a plan: steps without a change.
pub trait PlanChecks {
    /// Carries out the check of this name.
    ///
    /// # Errors
    /// The check fails, for this reason.
    fn check(&mut self, name: &str) -> Result<(), String>;
}

/// The end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepEnd {
    /// The step changed something, or the check succeeded.
    Done,
    /// Everything was so before.
    AlreadySo,
}

/// A plan that has failed.
#[derive(Debug)]
pub struct PlanFailure {
    /// The step, as shown; none if the journal cannot be opened.
    pub step: Option<String>,
    /// The reason.
    pub reason: String,
    /// Whether every step of this plan is undone, or the reason.
    pub undone: Result<(), String>,
}

impl PlanExecutor<'_> {
    /// Carries out a plan. `progress` is called after each step. If a step fails, the steps of this plan are undone;
    /// steps of earlier plans stay.
    ///
    /// # Errors
    /// A step failed, or the journal cannot be written.
    pub fn carry_out(
        &mut self,
        plan: &SystemPlan,
        checks: &mut dyn PlanChecks,
        progress: &mut dyn FnMut(&PlanStep, StepEnd),
    ) -> Result<(), Box<PlanFailure>> {
        let mut journal = match UndoJournal::open_or_create(self.root, &mut self.disk) {
            Ok(journal) => journal,
            Err(error) => return Err(Box::new(self.without_journal(&error))),
        };
        let mark = journal.mark();
        let mut changed = false;
        for step in &plan.steps {
            match self.step(step, checks, &mut journal, changed) {
                Ok(end) => {
                    changed |= end == StepEnd::Done && step.key().is_some();
                    progress(step, end);
                }
                Err(reason) => {
                    let undone = self.roll_back(journal, mark);
                    let step = Some(step.to_string());
                    return Err(Box::new(PlanFailure { step, reason, undone }));
                }
            }
        }
        Ok(())
    }

    /// Whether a step has nothing to do. Commands and checks always have.
    ///
    /// # Errors
    /// An entry cannot be read.
    pub fn is_already_so(&mut self, step: &PlanStep) -> io::Result<bool> {
        match step {
            PlanStep::CreateUser { name, directory, .. } => self.has_user(name, directory.as_ref()),
            PlanStep::StartService(service) => Ok(self.is_running(service)),
            PlanStep::StopService(service) => Ok(!self.is_running(service)),
            PlanStep::SetDnsServers { service, servers } => {
                let now = service_dns::read(self.commands, service)?;
                Ok(now.is_none_or(|now| now == *servers))
            }
            PlanStep::Run { .. } | PlanStep::Check { .. } => Ok(false),
            PlanStep::WriteFile { path, .. }
            | PlanStep::AddLines { path, .. }
            | PlanStep::RemoveFile { path }
            | PlanStep::MakeFolder { path, .. }
            | PlanStep::Link { path, .. } => {
                let current = EntryState::read(&self.root.locate(path)?)?;
                Ok(self.is_folder_already(step, path)? || wanted(step, &current)?.is_none())
            }
        }
    }

    /// Whether a step wants a folder where there is a folder, also behind a link: `/usr/local` is a link on some
    /// systems.
    fn is_folder_already(&self, step: &PlanStep, path: &Path) -> io::Result<bool> {
        Ok(matches!(step, PlanStep::MakeFolder { .. }) && self.root.follow(path)?.is_dir())
    }

    fn without_journal(&mut self, error: &io::Error) -> PlanFailure {
        let undone = match error.kind() {
            io::ErrorKind::ResourceBusy => Ok(()),
            _ => UndoJournal::remove_if_empty(self.root, &mut self.disk),
        };
        let undone = undone.map_err(|error| error.to_string());
        PlanFailure { step: None, reason: format!("journal: {error}"), undone }
    }

    fn step(
        &mut self,
        step: &PlanStep,
        checks: &mut dyn PlanChecks,
        journal: &mut UndoJournal,
        changed: bool,
    ) -> Result<StepEnd, String> {
        let explain = |error: io::Error| error.to_string();
        match step {
            PlanStep::CreateUser { name, add, directory, .. } => {
                self.create_user(step, name, add, directory.as_ref(), journal)
            }
            PlanStep::StartService(service) => self.start(step, service, journal, changed),
            PlanStep::StopService(service) => self.stop(step, service, journal),
            PlanStep::SetDnsServers { service, servers } => {
                self.set_dns_servers(step, service, servers, journal)
            }
            PlanStep::Run { command, direction: Direction::Forward } => {
                self.run(command).map(|()| StepEnd::Done)
            }
            PlanStep::Run { direction: Direction::Backward, .. } => {
                if journal.steps().iter().any(|begun| begun.step == *step) {
                    return Ok(StepEnd::AlreadySo);
                }
                let begun = journal.begin(&mut self.disk, step, FormerState::Nothing);
                begun.map(|()| StepEnd::AlreadySo).map_err(explain)
            }
            PlanStep::Check { name, .. } => checks.check(name).map(|()| StepEnd::Done),
            PlanStep::WriteFile { path, .. }
            | PlanStep::AddLines { path, .. }
            | PlanStep::RemoveFile { path }
            | PlanStep::MakeFolder { path, .. }
            | PlanStep::Link { path, .. } => self.change_path(step, path, journal).map_err(explain),
        }
    }

    fn change_path(
        &mut self,
        step: &PlanStep,
        path: &Path,
        journal: &mut UndoJournal,
    ) -> io::Result<StepEnd> {
        if self.is_folder_already(step, path)? {
            return Ok(StepEnd::AlreadySo);
        }
        let place = self.root.locate(path)?;
        let current = EntryState::read(&place)?;
        let Some(wanted) = wanted(step, &current)? else { return Ok(StepEnd::AlreadySo) };
        if current == EntryState::Folder {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        journal.begin(&mut self.disk, step, FormerState::Path { state: current.clone() })?;
        match step {
            PlanStep::MakeFolder { mode, .. } => {
                self.disk.make_folder(&place, *mode)?;
                self.disk.sync_folder_of(&place)?;
            }
            _ => {
                if let Some(former) = first_former(journal.steps(), step) {
                    aside::keep(&mut self.disk, &place, &current, former)?;
                }
                put(&mut self.disk, &place, &current, &wanted)?;
            }
        }
        journal.done(&mut self.disk)?;
        Ok(StepEnd::Done)
    }

    /// Undoes the steps since `mark`. What someone else has changed in this moment stays.
    fn roll_back(&mut self, mut journal: UndoJournal, mark: (usize, u64)) -> Result<(), String> {
        let steps = journal.steps().get(mark.0..).unwrap_or_default().to_vec();
        let explain = |error: io::Error| error.to_string();
        let earlier = journal.steps().get(..mark.0).unwrap_or_default();
        let plan = examine(self, earlier, &steps, OnConflict::Keep).map_err(explain)?;
        self.undo(&plan, false, &mut |_, _| {})?;
        match mark.0 {
            0 => journal.remove(self.root, &mut self.disk).map_err(explain),
            _ => journal.cut_to(&mut self.disk, mark).map_err(explain),
        }
    }
}

/// The entry before the first step at the path of this step.
fn first_former<'a>(steps: &'a [BegunStep], step: &PlanStep) -> Option<&'a EntryState> {
    let first = steps.iter().find(|begun| begun.step.key() == step.key())?;
    match &first.former {
        FormerState::Path { state } => Some(state),
        _ => None,
    }
}

/// The entry after a step; none if nothing needs to change.
fn wanted(step: &PlanStep, current: &EntryState) -> io::Result<Option<EntryState>> {
    let file = |content: Vec<u8>, attributes| EntryState::File {
        content: EntryOctets(content),
        attributes,
        in_place: false,
    };
    Ok(match step {
        PlanStep::WriteFile { content, mode, owner, immutable, .. } => {
            let content = match content {
                FileSource::Text(text) => text.clone().into_bytes(),
                FileSource::CopyOf(source) => fs::read(source)?,
            };
            let has_mode = current.attributes().is_some_and(|present| present.mode == *mode);
            if has_mode && current.content() == Some(&content) {
                return Ok(None);
            }
            let mut attributes = new_attributes(*mode, *owner, current);
            attributes.flags = if *immutable { immutable_flag() } else { 0 };
            Some(file(content, attributes))
        }
        PlanStep::AddLines { lines, position, .. } => {
            let content = current.content().unwrap_or_default();
            if without_lines(content, lines).is_some() {
                return Ok(None);
            }
            let attributes = match current {
                EntryState::File { attributes, .. } => touched(attributes),
                EntryState::Absent => new_attributes(0o644, None, current),
                _ => return Err(io::Error::other("lines can be added to a file alone")),
            };
            Some(file(with_lines(content, lines, *position), attributes))
        }
        PlanStep::RemoveFile { .. } => {
            (*current != EntryState::Absent).then_some(EntryState::Absent)
        }
        PlanStep::Link { target, .. } => {
            if step.has_made(current, current) {
                return Ok(None);
            }
            let target = EntryOctets(target.as_os_str().as_encoded_bytes().to_vec());
            Some(EntryState::Link { target, attributes: link_attributes(current) })
        }
        PlanStep::MakeFolder { .. } => match current {
            EntryState::Folder => None,
            EntryState::Absent => Some(EntryState::Folder),
            _ => return Err(io::ErrorKind::NotADirectory.into()),
        },
        _ => None,
    })
}
