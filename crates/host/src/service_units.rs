//! Texts of service units, and the commands of service managers.

mod openrc;
mod runit;
mod systemd;

use crate::plan::{PlanStep, SystemCommand, SystemService};

/// A service manager, which starts the daemon at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceManagerKind {
    /// systemd.
    Systemd,
    /// OpenRC, of Alpine and Gentoo.
    OpenRc,
    /// runit, of Void, with the folder whose entries are the running services.
    Runit(&'static str),
}

/// What a unit says of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonUnit {
    /// The path of the program.
    pub program: String,
    /// The path of the configuration file.
    pub config: String,
    /// The user of the daemon.
    pub user: String,
}

/// The name of the service.
pub const SERVICE_NAME: &str = "zoners";

/// The name of the service with the system's DNS settings ([`crate::dns_switch`]).
pub const SWITCH_NAME: &str = "zoners-system-dns";

/// File descriptors of the daemon: a socket for each query to a server, and for each client over TCP.
const MAX_DESCRIPTORS: u32 = 65_536;

impl ServiceManagerKind {
    /// runit, by the folders that are there.
    #[must_use]
    pub fn runit(is_there: impl Fn(&str) -> bool) -> Self {
        ServiceManagerKind::Runit(runit::service_folder(is_there))
    }

    /// The commands for a service.
    #[must_use]
    pub fn service(self, name: &str) -> SystemService {
        let command = |verb: &str| match self {
            ServiceManagerKind::Systemd => SystemCommand::of(&["systemctl", verb, name]),
            ServiceManagerKind::OpenRc => SystemCommand::of(&["rc-service", name, verb]),
            // runsvdir(8) finds a new service within five seconds; until then there is nothing to start.
            ServiceManagerKind::Runit(_) if verb == "start" => {
                let try_start = format!("sv start {name} && exit; sleep 1");
                let text = format!("for i in 1 2 3 4 5 6 7 8; do {try_start}; done; exit 1");
                SystemCommand::of(&["sh", "-c", &text])
            }
            ServiceManagerKind::Runit(_) => SystemCommand::of(&["sv", verb, name]),
        };
        let has_process = match self {
            ServiceManagerKind::Systemd => {
                let states = "^(active|reloading|activating|deactivating)$";
                let text = format!("systemctl is-active {name} | grep -qE '{states}'");
                Some(SystemCommand::of(&["sh", "-c", &text]))
            }
            ServiceManagerKind::OpenRc | ServiceManagerKind::Runit(_) => None,
        };
        let is_running = match self {
            ServiceManagerKind::Systemd => {
                SystemCommand::of(&["systemctl", "--quiet", "is-active", name])
            }
            // `sv check` also succeeds for a service down on purpose.
            ServiceManagerKind::Runit(_) => {
                SystemCommand::of(&["sh", "-c", &format!("sv status {name} | grep -q ^run:")])
            }
            ServiceManagerKind::OpenRc => command("status"),
        };
        SystemService {
            name: name.to_owned(),
            start: command("start"),
            restart: command("restart"),
            stop: command("stop"),
            is_running,
            has_process,
        }
    }

    /// As [`ServiceManagerKind::service`], for the daemon: under systemd a new program rehearses before the restart, so
    /// that a broken program leaves the old one serving.
    #[must_use]
    pub fn daemon_service(self, unit: &DaemonUnit) -> SystemService {
        let service = self.service(SERVICE_NAME);
        let restart = match self {
            ServiceManagerKind::Systemd => {
                SystemCommand::of(&[&unit.program, "restart", "--config", &unit.config])
            }
            ServiceManagerKind::OpenRc | ServiceManagerKind::Runit(_) => service.restart,
        };
        SystemService { restart, ..service }
    }

    /// The steps after which the manager knows the daemon. On the running system the manager is told.
    #[must_use]
    pub fn unit(self, unit: &DaemonUnit, is_running_system: bool) -> Vec<PlanStep> {
        match self {
            ServiceManagerKind::Systemd => systemd::unit(unit, is_running_system),
            ServiceManagerKind::OpenRc => openrc::unit(unit),
            ServiceManagerKind::Runit(services) => runit::unit(unit, services),
        }
    }

    /// As [`ServiceManagerKind::unit`], for the service with the system's DNS settings.
    #[must_use]
    pub fn switch_unit(self, program: &str, is_running_system: bool) -> Vec<PlanStep> {
        match self {
            ServiceManagerKind::Systemd => systemd::switch_unit(program, is_running_system),
            ServiceManagerKind::OpenRc => openrc::switch_unit(program),
            ServiceManagerKind::Runit(services) => runit::switch_unit(program, services),
        }
    }

    /// The steps after which the manager starts a service at boot. They come after the start: a service that a boot
    /// starts after a power cut has a start in the journal, and is stopped by the undo.
    #[must_use]
    pub fn enable(self, name: &str) -> Vec<PlanStep> {
        match self {
            ServiceManagerKind::Systemd => systemd::enable(name),
            ServiceManagerKind::OpenRc => openrc::enable(name),
            ServiceManagerKind::Runit(_) => Vec::new(),
        }
    }
}

/// A script of the system.
fn script(path: &str, text: String) -> PlanStep {
    PlanStep::WriteFile {
        path: path.into(),
        content: crate::plan::FileSource::Text(text),
        mode: 0o755,
        owner: None,
        immutable: false,
        if_changed: crate::plan::IfChanged::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_those_of_the_manager() {
        let shown = |manager: ServiceManagerKind| {
            let service = manager.service("zoners");
            [service.start, service.stop, service.is_running].map(|command| command.to_string())
        };
        let systemd = [
            "systemctl start zoners",
            "systemctl stop zoners",
            "systemctl --quiet is-active zoners",
        ];
        assert_eq!(shown(ServiceManagerKind::Systemd), systemd);
        let openrc =
            ["rc-service zoners start", "rc-service zoners stop", "rc-service zoners status"];
        assert_eq!(shown(ServiceManagerKind::OpenRc), openrc);
        let runit = [
            "sh -c 'for i in 1 2 3 4 5 6 7 8; do sv start zoners && exit; sleep 1; done; exit 1'",
            "sv stop zoners",
            "sh -c 'sv status zoners | grep -q ^run:'",
        ];
        assert_eq!(shown(ServiceManagerKind::Runit("/var/service")), runit);
    }
}
