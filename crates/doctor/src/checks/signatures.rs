//! Devices on the way change replies: signatures removed, denials turned into addresses.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::ReplyTraits;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let traits: Vec<&ReplyTraits> = input
        .ways
        .iter()
        .filter(|(seen, state)| state.carries_dns() && seen.traits.replies > 0)
        .map(|(seen, _)| &seen.traits)
        .collect();
    if traits.is_empty() {
        return;
    }
    if traits.iter().any(|traits| traits.random_answered > 0) {
        output.find(rewritten());
    }
    match traits.iter().find(|traits| traits.unsigned * 2 > traits.replies) {
        Some(stripped) => output.find(
            DoctorFinding::new(
                "signatures-stripped",
                Culprit::Provider,
                Severity::Error,
                "A device on the way removes the signatures (DNSSEC): nothing can be proven.",
            )
            .because(format!(
                "{} of {} replies of root servers have no signature.",
                stripped.unsigned, stripped.replies
            ))
            .advise(
                "Ask the operator to let EDNS and DNSSEC pass.",
                "zoners lookup @198.41.0.4 . SOA",
            ),
        ),
        None if output.findings.iter().any(|found| found.id == "denials-rewritten") => {}
        None => {
            output.is_sound("Interception", "none: root servers reply themselves, with signatures")
        }
    }
}

/// Absent names lead to a page of advertisements.
fn rewritten() -> DoctorFinding {
    DoctorFinding::new(
        "denials-rewritten",
        Culprit::Provider,
        Severity::Warning,
        "A device on the way gives addresses to names that do not exist.",
    )
    .because("A random name that does not exist got an address; other replies are those of root servers.")
    .advise(
        "Ask the operator to switch that off (often called search assistance).",
        "zoners lookup @198.41.0.4 does-not-exist-4711 +short",
    )
}
