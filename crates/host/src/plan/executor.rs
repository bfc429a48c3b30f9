//! All that a plan is carried out and undone with.

use super::command::{CommandRunner, SystemCommand};
use super::disk::Disk;
use super::root::SystemRoot;
use super::step::SystemService;

/// All that a plan is carried out with.
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

    /// Runs a command, whose failure is explained by its last words.
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
