//! The DNS settings taken and released, with a journal of their own.

use std::io;

use super::facts::{DnsFacts, running_programs};
use super::failed_commands::FailedCommand;
use crate::plan::{
    CommandRunner, Disk, JournalName, PlanChecks, PlanExecutor, SystemPlan, SystemRoot,
    UndoJournal, UndoStep,
};

/// The steps after which this machine asks our server.
///
/// # Errors
/// A file cannot be read, or the settings cannot be taken here ([`DnsFacts::obstacle`]).
pub fn plan(root: &SystemRoot) -> io::Result<SystemPlan> {
    let facts = DnsFacts::read(root, running_programs(root))?;
    match facts.obstacle() {
        None => Ok(SystemPlan { steps: facts.plan() }.with_folders()),
        Some(obstacle) => Err(io::Error::new(io::ErrorKind::Unsupported, obstacle)),
    }
}

/// Makes this machine ask our server. A second call changes nothing, and the journal keeps the former settings.
///
/// # Errors
/// A step failed, for this reason; the settings are as before.
pub fn take(
    root: &SystemRoot,
    disk: Disk,
    commands: &mut dyn CommandRunner,
    plan: &SystemPlan,
) -> Result<(), String> {
    let root = root.with_journal(JournalName::SystemDns);
    let mut executor = PlanExecutor { root: &root, disk, commands };
    let ended = executor.carry_out(plan, &mut WithoutChecks, &mut |_, _| {});
    ended.map_err(|failure| {
        let step = failure.step.map(|step| format!("{step}: ")).unwrap_or_default();
        let undone = failure.undone.err().map(|why| format!(" (not all is undone: {why})"));
        format!("{step}{}{}", failure.reason, undone.unwrap_or_default())
    })
}

/// Puts the settings back as before [`take`]. A file changed by a different program or a person meanwhile stays, and a
/// program that does not respond stops nothing. Needs no DNS, and no room on the disk. Returns the commands that failed.
///
/// # Errors
/// The system refuses, for this reason; a further call goes on from there.
pub fn release(
    root: &SystemRoot,
    disk: Disk,
    commands: &mut dyn CommandRunner,
) -> Result<Vec<FailedCommand>, String> {
    let root = root.with_journal(JournalName::SystemDns);
    let mut failed = Vec::new();
    PlanExecutor { root: &root, disk, commands }.undo_own(&mut |step, remark| {
        if let (UndoStep::Run(command), Some(reason)) = (step, remark) {
            let (command, reason) = (command.clone(), reason.to_owned());
            failed.push(FailedCommand { command, reason });
        }
    })?;
    Ok(failed)
}

/// Whether the settings are taken, wholly or in part.
///
/// # Errors
/// A folder cannot be read.
pub fn is_taken(root: &SystemRoot) -> io::Result<bool> {
    let folder = UndoJournal::folder(&root.with_journal(JournalName::SystemDns))?;
    Ok(folder.symlink_metadata().is_ok())
}

/// The plan has no checks: the server has been asked before.
struct WithoutChecks;

impl PlanChecks for WithoutChecks {
    fn check(&mut self, name: &str) -> Result<(), String> {
        Err(format!("there is no check called {name}"))
    }
}
