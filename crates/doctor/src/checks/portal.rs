//! A network with a log-in page, which explains every odd answer.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::PortalObservation;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    match &input.seen.portal {
        PortalObservation::Unknown => {}
        PortalObservation::Open => output.is_sound("Log-in page", "none: the network is open"),
        PortalObservation::Portal { location } => output.find(
            DoctorFinding::new(
                "portal",
                Culprit::Router,
                Severity::Error,
                "This network wants a log-in before anything passes.",
            )
            .because(format!("A page of the Internet leads to {location} instead."))
            .advise("Open the page in a browser, and log in.", input.seen.system.open(location)),
        ),
    }
}
