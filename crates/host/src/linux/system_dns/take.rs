//! The DNS settings taken and released, with a journal of their own.

use std::io;

use super::facts::{DnsFacts, running_programs};
use super::failed_commands::FailedCommand;
use crate::plan::{
    CommandRunner, Disk, JournalName, PlanExecutor, SystemPlan, SystemRoot, UndoStep, dns_journal,
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
    dns_journal::take(root, disk, commands, plan)
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
    dns_journal::is_taken(root)
}
