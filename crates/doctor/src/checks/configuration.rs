//! The configuration file.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let configuration = &input.seen.configuration;
    let file = configuration.file.clone().unwrap_or_default();
    let command = format!("zoners check {file}");
    let daemon = &input.seen.daemon;
    let runs = daemon.status.is_some() || daemon.is_running;
    if let Some(error) = &configuration.error {
        let (severity, effect) = match runs {
            true => (Severity::Warning, "the next start or reload fails"),
            false => (Severity::Error, "Zoners cannot start"),
        };
        let finding = DoctorFinding::new(
            "configuration-wrong",
            Culprit::Settings,
            severity,
            format!("The configuration has a fault: {effect}."),
        );
        let finding = error.lines().map(str::to_owned).fold(finding, DoctorFinding::because);
        output.find(finding.advise("Correct the file.", command));
    } else if !configuration.remarks.is_empty() {
        let finding = DoctorFinding::new(
            "configuration-remarks",
            Culprit::Settings,
            Severity::Notice,
            "Parts of the configuration are passed over.",
        );
        let remarks = configuration.remarks.iter().take(5).cloned();
        output.find(
            remarks.fold(finding, DoctorFinding::because).advise("See all of them.", command),
        );
    } else if !file.is_empty() {
        output.is_sound("Configuration", format!("{file} is right"));
    }
}
