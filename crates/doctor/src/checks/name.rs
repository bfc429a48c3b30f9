//! The name of the user: with a working line, a failure is the fault of the name's servers.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};

/// Findings that explain a failure of the doctor's own resolver; the daemon is not asked.
const EXPLAIN: [&str; 5] =
    ["clock-wrong", "signatures-stripped", "intercepted", "portal", "own-firewall"];

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let Some(asked) = &input.seen.name else { return };
    let name = &asked.name;
    match asked.rcode.as_deref() {
        Some("NOERROR") => output.is_sound("Name", format!("{name} resolves")),
        Some("NXDOMAIN") => {
            output.is_sound("Name", format!("{name} does not exist, its zone says"))
        }
        failure => {
            let is_cause = |found: &DoctorFinding| {
                EXPLAIN.contains(&found.id.as_str()) && found.severity == Severity::Error
            };
            if output.findings.iter().any(is_cause) || !input.line_carries_dns() {
                return;
            }
            let rcode = failure.unwrap_or("no answer in time");
            output.find(
                DoctorFinding::new(
                    "name-fails",
                    Culprit::OtherSide,
                    Severity::Error,
                    format!("The servers of {name} fail; the line works."),
                )
                .because(format!("The end of the question is {rcode}."))
                .because_also(asked.reason.clone())
                .advise(
                    "Tell the owner of the name, or wait.",
                    format!("zoners lookup {name} +trace"),
                ),
            );
        }
    }
}
