//! Clients that are refused.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};

/// The share of refused queries that hints at a client in need, not at a scanner.
const WORTH_TELLING: f64 = 0.01;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let Some(clients) = input.seen.clients else { return };
    let share = clients.refused as f64 / clients.queries.max(1) as f64;
    if clients.refused > 0 && share >= WORTH_TELLING {
        output.find(
            DoctorFinding::new(
                "clients-refused",
                Culprit::Settings,
                Severity::Notice,
                format!("{} of {} queries were refused.", clients.refused, clients.queries),
            )
            .advise(
                "See which clients are refused; server.allow lists the prefixes to serve.",
                "zoners watch --failed",
            ),
        );
    }
}
