//! The descriptors of the daemon.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};

/// Descriptors with which a busy hour passes without waits.
const ENOUGH: u64 = 512;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let Some(descriptors) = input.seen.descriptors else { return };
    let (limit, open) = (descriptors.limit, descriptors.open.unwrap_or_default());
    if limit >= ENOUGH && open < limit / 10 * 9 {
        output.is_sound("Descriptors", format!("{open} of {limit} in use"));
        return;
    }
    output.find(
        DoctorFinding::new(
            "few-descriptors",
            Culprit::Machine,
            Severity::Warning,
            "The daemon may open so few sockets that queries wait.",
        )
        .because(format!("{open} of {limit} descriptors are in use."))
        .advise(
            "Raise the limit of the service to 4096 or more.",
            input.seen.system.more_descriptors(),
        ),
    );
}
