//! The problems that follow from the status of a daemon, each with advice.

mod certificates;
mod lists;
mod network;
mod trend;

use crate::{DaemonStatus, Problem, SecondLevelState, Severity};

impl DaemonStatus {
    /// The same status with the problems that follow from the fields.
    #[must_use]
    pub fn with_problems(mut self) -> Self {
        let parts = [
            network::problems(&self),
            service(&self),
            lists::problems(&self),
            safety(&self),
            trend::problems(&self),
        ];
        self.problems = parts.into_iter().flatten().collect();
        self.problems.sort_by_key(|problem| problem.severity);
        self
    }

    /// Whether names cannot be resolved, whatever the reason.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
}

fn problem(severity: Severity, text: impl Into<String>, advice: impl Into<String>) -> Problem {
    Problem { severity, text: text.into(), advice: advice.into() }
}

/// Problems of the service for clients.
fn service(status: &DaemonStatus) -> Vec<Problem> {
    let mut problems = Vec::new();
    for reason in &status.not_served {
        problems.push(problem(
            Severity::Warning,
            format!("Not served: {reason}."),
            "Stop the other program that has this address, or change server.listen; then: zoners reload.",
        ));
    }
    for effect in &status.side_effects {
        problems.push(problem(
            Severity::Notice,
            format!("{effect}."),
            "Nothing has to be done without such programs.",
        ));
    }
    for address in &status.awaited {
        problems.push(problem(
            Severity::Warning,
            format!("Not served yet: {address}, which no interface of this machine has."),
            "It is served as soon as it is there. If it never will be, change server.listen.",
        ));
    }
    if !status.serves_clients() {
        problems.push(problem(
            Severity::Error,
            "No address is served.",
            "Look at server.listen in the configuration, and at the log.",
        ));
    }
    if status.dead_zones > 0 {
        problems.push(problem(
            Severity::Notice,
            format!("Zones of which no server responds: {}.", status.dead_zones),
            "Their owners have to mend them. zoners servers lists them.",
        ));
    }
    for zone in &status.zones {
        let Some(why) = &zone.unavailable else { continue };
        problems.push(problem(
            Severity::Warning,
            format!("The zone {} is not answered: {why}.", zone.zone),
            "Look at its primaries (zone.primaries), and at the log for their last failure.",
        ));
    }
    if status.second_level == Some(SecondLevelState::Broken) {
        problems.push(problem(
            Severity::Warning,
            "The cache that is shared with other nodes failed, and is not used for a time.",
            "Look at Redis; the log has the reason. Names are resolved without it.",
        ));
    }
    problems.extend(certificates::problems(status));
    problems.extend(crash(status));
    if status.log_lost > 0 {
        problems.push(problem(
            Severity::Notice,
            format!("Lines of the log that were lost: {}.", status.log_lost),
            "What reads standard error is too slow or gone.",
        ));
    }
    problems
}

/// A crash is a problem for so long.
const CRASH_MATTERS_S: u64 = 24 * 3600;

fn crash(status: &DaemonStatus) -> Option<Problem> {
    let crash = status.last_crash.as_ref().filter(|crash| crash.ago_s < CRASH_MATTERS_S)?;
    let ago = match crash.ago_s {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    };
    let times = if crash.crashes > 1 {
        format!(" ({} times lately)", crash.crashes)
    } else {
        String::new()
    };
    Some(problem(
        Severity::Warning,
        format!("The daemon crashed or was killed, and was started again {ago} ago{times}."),
        format!(
            "It was version {}, process {}. The log from before has the reason; the kernel's log (dmesg) too, if \
             memory ran out.",
            crash.program, crash.process
        ),
    ))
}

/// Problems of validation and of the sandbox.
fn safety(status: &DaemonStatus) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(wrong) = status.clock_wrong_by_s {
        problems.push(problem(
            Severity::Error,
            format!("The clock of this machine appears to be wrong by {wrong} s: no signature is in date."),
            "Set the clock (timedatectl set-ntp true).",
        ));
    }
    if !status.validation.on {
        problems.push(problem(
            Severity::Notice,
            "Answers are not validated (DNSSEC): forged ones are not noticed.",
            "Set dnssec.validate = true in the configuration; then: zoners reload.",
        ));
    }
    let off = status.sandbox.iter().filter(|layer| !layer.on);
    let off: Vec<String> = off.map(|layer| format!("{} ({})", layer.name, layer.text)).collect();
    if !off.is_empty() {
        problems.push(problem(
            Severity::Notice,
            format!("The sandbox lacks: {}.", off.join(", ")),
            "Names are resolved without it; an attacker who takes over the daemon could do more.",
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CrashReport, LayerReport, PassageReport, PassageState, Reachability, ValidationReport,
    };

    pub(super) fn well() -> DaemonStatus {
        DaemonStatus {
            listen: vec!["127.0.0.1:53".into()],
            validation: ValidationReport { on: true, negative_anchors: 0 },
            sandbox: vec![LayerReport { name: "seccomp".into(), on: true, text: String::new() }],
            ..DaemonStatus::default()
        }
    }

    #[test]
    fn a_daemon_that_is_well_has_no_problem() {
        assert_eq!(well().with_problems().problems, []);
    }

    #[test]
    fn the_worst_problem_comes_first() {
        let mut status = well();
        status.network.reachability =
            Reachability { ipv6: false, udp: false, ..Default::default() };
        status.network.passage = PassageReport {
            state: PassageState::Refused,
            proves: None,
            text: Some("this network refuses DNS".into()),
        };
        let status = status.with_problems();
        let severities: Vec<Severity> = status.problems.iter().map(|one| one.severity).collect();
        assert_eq!(severities, [Severity::Error, Severity::Warning, Severity::Notice]);
        assert!(status.is_failing());
    }

    #[test]
    fn a_crash_is_a_problem_for_a_day() {
        let after = |ago_s| {
            let program = "0.1.0".to_owned();
            let crash = CrashReport { at_unix_s: 7, ago_s, program, process: 5, crashes: 2 };
            DaemonStatus { last_crash: Some(crash.into()), ..well() }.with_problems().problems
        };
        let [problem] = &after(300)[..] else { panic!("one problem") };
        assert_eq!(problem.severity, Severity::Warning);
        let text =
            "The daemon crashed or was killed, and was started again 5 min ago (2 times lately).";
        assert_eq!(problem.text, text);
        assert_eq!(after(CRASH_MATTERS_S), []);
    }
}
