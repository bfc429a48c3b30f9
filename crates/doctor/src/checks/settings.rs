//! The DNS settings: whether programs ask Zoners, and Zoners alone.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::SettingsObservation;

impl SettingsObservation {
    /// Whether programs ask an address of this machine that is not ours, as of systemd-resolved.
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
    if let Some(finding) = settings.nss_hosts.as_deref().and_then(without_dns) {
        output.find(finding);
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
    let author = settings.author.as_ref().map(|author| format!("The author is {author}."));
    DoctorFinding::new(
        "not-asked",
        Culprit::Settings,
        Severity::Warning,
        "Zoners runs, and programs of this machine do not ask it.",
    )
    .because(format!("The settings name {servers}."))
    .because_also(author)
    .advise("Let the system ask Zoners.", "sudo zoners install")
}

fn second_server(settings: &SettingsObservation) -> DoctorFinding {
    DoctorFinding::new(
        "second-server",
        Culprit::Settings,
        Severity::Warning,
        "Programs of this machine ask Zoners, and a foreign server beside it.",
    )
    .because(format!("The settings name {}.", settings.servers.join(", ")))
    .because(format!("Names leak to {} without validation.", settings.foreign.join(", ")))
    .advise("Let the system ask Zoners alone.", "sudo zoners install")
}

/// Sources of host names that lead to no DNS server.
fn without_dns(sources: &[String]) -> Option<DoctorFinding> {
    let asks = sources.iter().any(|source| source == "dns" || source == "resolve");
    (!asks).then(|| {
        DoctorFinding::new(
            "nss-without-dns",
            Culprit::Settings,
            Severity::Error,
            "/etc/nsswitch.conf lets programs look up host names without DNS.",
        )
        .because(format!("hosts: {}", sources.join(" ")))
        .advise(
            "Add dns to the line for hosts.",
            "sudo sed -i 's/^hosts:.*/& dns/' /etc/nsswitch.conf",
        )
    })
}
