//! The means to carry out and undo a plan.

use super::command::{CommandRunner, SystemCommand};
use super::disk::Disk;
use super::root::SystemRoot;
use super::step::SystemService;

/// The means to carry out a plan.
pub struct PlanExecutor<'a> {
    /// The system.
    pub root: &'a SystemRoot,
    /// The file system.
    pub disk: Disk,
    /// Commands of the system.
    pub commands: &'a mut dyn CommandRunner,
}

impl PlanExecutor<'_> {
    /// Whether a service runs, by the service manager.
    pub(super) fn is_running(&mut self, service: &SystemService) -> bool {
        self.commands.run(&service.is_running).is_ok_and(|end| end.success)
    }

    /// Runs a command, whose failure is explained by the last words of the command.
    pub(super) fn run(&mut self, command: &SystemCommand) -> Result<(), String> {
        match self.commands.run(command) {
            Ok(end) if end.success => Ok(()),
            Ok(end) => {
                let said = if end.error.is_empty() { end.output } else { end.error };
                let said = if said.is_empty() { "failed".to_owned() } else { said };
                Err(format!("{command}: {said}"))
            }
            Err(error) => Err(format!("{command}: {error}")),
        }
    }
}
