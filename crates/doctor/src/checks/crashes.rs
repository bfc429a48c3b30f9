//! Crashes of the daemon, as noticed by its next run and by the service manager.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput, span};
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::CrashObservation;

/// Crashes from which on people notice.
const MANY: u64 = 3;
/// A crash longer ago, in seconds, is over.
const LATELY_S: u64 = 7 * 86_400;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let crashes = &input.seen.crashes;
    // Without a daemon, the crashes are evidence of the finding `daemon-down`.
    if input.seen.daemon.status.is_none() || !crashes.is_recent() {
        return;
    }
    let (severity, sentence) = match crashes.count() {
        count @ MANY.. => {
            (Severity::Warning, format!("The daemon crashed {count} times, and runs again."))
        }
        _ => (Severity::Notice, "The daemon has crashed lately, and runs again.".to_owned()),
    };
    let finding = DoctorFinding::new("crashed", Culprit::Machine, severity, sentence);
    let finding = crashes.lines().into_iter().fold(finding, DoctorFinding::because);
    output.find(finding.advise("Send the log to the makers of Zoners.", input.seen.system.log()));
}

impl CrashObservation {
    fn is_recent(&self) -> bool {
        self.manager_restarts > 0 || self.last.as_ref().is_some_and(|last| last.ago_s < LATELY_S)
    }

    fn count(&self) -> u64 {
        let noticed = self.last.as_ref().map_or(0, |last| last.crashes);
        noticed.max(self.manager_restarts)
    }

    /// The crashes as evidence.
    pub(crate) fn lines(&self) -> Vec<String> {
        let last = self.last.as_ref().map(|last| {
            format!(
                "The last crash was {} ago (version {}, process {}); {} of the last 16 starts followed a crash.",
                span(last.ago_s),
                last.program,
                last.process,
                last.crashes
            )
        });
        let restarts = (self.manager_restarts > 0).then(|| {
            format!("The service manager restarted the daemon {} times.", self.manager_restarts)
        });
        last.into_iter().chain(restarts).collect()
    }
}
