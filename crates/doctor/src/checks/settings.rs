//! The DNS settings: whether programs ask Zoners, and Zoners alone.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::SettingsObservation;

impl SettingsObservation {
    /// Whether programs ask a foreign address of this machine, as of systemd-resolved.
    pub(crate) fn asks_zoners_elsewhere(&self) -> bool {
        self.servers
            .first()
            .is_some_and(|server| server.starts_with("127.") && !server.starts_with("127.0.0.1"))
    }
}

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let settings = &input.seen.settings;
    let runs = input.seen.daemon.status.is_some();
    let before = output.findings.len();
    if runs && !settings.asks_zoners {
        output.find(not_asked(settings));
    } else if !settings.foreign.is_empty() && settings.asks_zoners {
        output.find(second_server(settings));
    }
    if runs && output.findings.len() == before {
        output.is_sound("Settings", "programs of this machine ask Zoners, and no other server");
    }
}

fn not_asked(settings: &SettingsObservation) -> DoctorFinding {
    let servers = match settings.servers.as_slice() {
        [] => "no server".to_owned(),
        servers => servers.join(", "),
    };
    DoctorFinding::new(
        "not-asked",
        Culprit::Settings,
        Severity::Warning,
        "Zoners runs, and programs of this machine do not ask it.",
    )
    .because(format!("The settings name {servers}."))
    .because_also(settings.reason.clone())
    .advise("Let the system ask Zoners.", "sudo zoners install")
}

fn second_server(settings: &SettingsObservation) -> DoctorFinding {
    let finding = DoctorFinding::new(
        "second-server",
        Culprit::Settings,
        Severity::Warning,
        "Programs of this machine ask Zoners, and a foreign server beside it.",
    )
    .because(format!("The settings name {}.", settings.servers.join(", ")))
    .because(format!("Names leak to {} without validation.", settings.foreign.join(", ")));
    let origins = settings.origins.iter().cloned();
    origins
        .fold(finding, DoctorFinding::because)
        .advise("Let the system ask Zoners alone.", "sudo zoners install")
}
