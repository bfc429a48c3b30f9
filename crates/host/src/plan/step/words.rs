//! Steps as a person would type them.

use std::fmt;
use std::path::Path;

use super::{Direction, FileSource, LinePosition, PlanStep};
use crate::plan::command::SystemCommand;
use crate::plan::service_dns;

/// A path as a shell takes it.
pub(crate) fn shown(path: &Path) -> String {
    SystemCommand::of(&[&path.to_string_lossy()]).to_string()
}

impl fmt::Display for PlanStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanStep::WriteFile { path, content: FileSource::Text(_), mode, immutable, .. } => {
                let immutable = if *immutable { ", immutable as before" } else { "" };
                write!(f, "write {} (mode {mode:o}{immutable})", shown(path))
            }
            PlanStep::WriteFile { path, content: FileSource::CopyOf(from), mode, .. } => {
                write!(f, "install -m {mode:o} {} {}", shown(from), shown(path))
            }
            PlanStep::AddLines { path, position, .. } => {
                let place = if *position == LinePosition::Start { "top" } else { "end" };
                write!(f, "add to {}, at the {place}", shown(path))
            }
            PlanStep::RemoveFile { path } => write!(f, "rm {}", shown(path)),
            PlanStep::MakeFolder { path, mode, .. } => {
                write!(f, "mkdir -m {mode:o} {}", shown(path))
            }
            PlanStep::Link { path, target } => {
                write!(f, "ln -sf {} {}", shown(target), shown(path))
            }
            PlanStep::CreateUser { add, .. } => {
                let commands: Vec<String> = add.iter().map(SystemCommand::to_string).collect();
                f.write_str(&commands.join(" && "))
            }
            PlanStep::StartService(service) => write!(f, "{}", service.start),
            PlanStep::StopService(service) => write!(f, "{}", service.stop),
            PlanStep::SetDnsServers { service, servers } => {
                write!(f, "{}", service_dns::set(service, servers))
            }
            PlanStep::Run { command, direction: Direction::Forward } => write!(f, "{command}"),
            PlanStep::Run { command, direction: Direction::Backward } => {
                write!(f, "{command} (by `uninstall`)")
            }
            PlanStep::Check { text, .. } => write!(f, "check: {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_shown_as_a_person_would_do_them() {
        for (step, shown) in [
            (PlanStep::write("/etc/a", String::new()), "write /etc/a (mode 644)"),
            (PlanStep::folder("/etc/b"), "mkdir -m 755 /etc/b"),
            (PlanStep::link("/etc/c", "../d"), "ln -sf ../d /etc/c"),
            (PlanStep::folder("/Library/A b"), "mkdir -m 755 '/Library/A b'"),
            (PlanStep::run(&["systemctl", "daemon-reload"]), "systemctl daemon-reload"),
            (PlanStep::run_on_undo(&["x", "y z"]), "x 'y z' (by `uninstall`)"),
        ] {
            assert_eq!(step.to_string(), shown);
        }
    }
}
