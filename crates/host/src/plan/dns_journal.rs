//! Plans about the DNS settings of the system, with a journal of their own.

use std::io;

use super::{
    CommandRunner, Disk, JournalName, PlanChecks, PlanExecutor, SystemPlan, SystemRoot, UndoJournal,
};

/// Carries out a plan, and undoes the plan if a step fails. The journal keeps the settings from before the first call.
///
/// # Errors
/// A step failed, for this reason; the settings are as before.
pub(crate) fn take(
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

/// Whether the settings are taken, wholly or in part.
///
/// # Errors
/// A folder cannot be read.
pub(crate) fn is_taken(root: &SystemRoot) -> io::Result<bool> {
    let folder = UndoJournal::folder(&root.with_journal(JournalName::SystemDns))?;
    Ok(folder.symlink_metadata().is_ok())
}

/// These plans have no checks: the server has been asked before.
struct WithoutChecks;

impl PlanChecks for WithoutChecks {
    fn check(&mut self, name: &str) -> Result<(), String> {
        Err(format!("there is no check called {name}"))
    }
}
