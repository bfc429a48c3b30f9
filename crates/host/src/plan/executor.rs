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
        self.succeeds(&service.is_running)
    }

    /// Whether a service has something to stop.
    pub(super) fn has_process(&mut self, service: &SystemService) -> bool {
        self.succeeds(service.has_process.as_ref().unwrap_or(&service.is_running))
    }

    /// Whether a question to the system is answered with yes.
    pub(super) fn succeeds(&mut self, command: &SystemCommand) -> bool {
        self.commands.run(command).is_ok_and(|end| end.success)
    }

    /// Runs a command, whose failure is explained by the exit status and the last line of the command.
    pub(super) fn run(&mut self, command: &SystemCommand) -> Result<(), String> {
        command.run_by(self.commands).map_err(|reason| format!("{command}: {reason}"))
    }
}
