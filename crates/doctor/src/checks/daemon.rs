//! The daemon: not running, without its port, mute, or failing although the line works.

use zoners_api::{DaemonStatus, Severity};

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::{
    DaemonObservation, FamilyObservation, HostSystem, Observations, OwnAnswer, PortSocketUse,
};

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let seen = input.seen;
    match &seen.daemon.status {
        // The status of a daemon is for its user and root alone.
        None if is_answering(&seen.daemon) => {
            output.is_sound("Daemon", "answers; its status is shown to root and to its own user");
        }
        None => output.findings.extend(without_daemon(seen)),
        Some(status) => with_daemon(input, status, output),
    }
}

/// Whether a daemon without a status answers over DNS.
fn is_answering(daemon: &DaemonObservation) -> bool {
    let answers = |answer: &OwnAnswer| matches!(answer, OwnAnswer::Answered { .. });
    daemon.is_running && answers(&daemon.udp) && answers(&daemon.tcp)
}

/// Foreign programs at the port that programs of this machine ask.
fn foreign_owners(seen: &Observations) -> Vec<&PortSocketUse> {
    let sockets = seen.port.sockets.iter();
    sockets.filter(|socket| socket.serves_loopback && !socket.is_daemon).collect()
}

fn owner_lines(sockets: &[&PortSocketUse], finding: DoctorFinding) -> DoctorFinding {
    let line = |socket: &&PortSocketUse| {
        let owner =
            socket.owner.as_deref().unwrap_or("a program that the system names to root alone");
        format!("{} {} {}: {owner}.", socket.family, socket.transport, socket.address)
    };
    sockets.iter().map(line).fold(finding, DoctorFinding::because)
}

fn without_daemon(seen: &Observations) -> Option<DoctorFinding> {
    let DaemonObservation { is_running, is_installed, unreachable, .. } = &seen.daemon;
    let needed = seen.settings.names_this_machine;
    let reason = unreachable.clone();
    if *is_running {
        return Some(
            DoctorFinding::new(
                "daemon-mute",
                Culprit::Machine,
                Severity::Error,
                "The daemon runs, and does not reply.",
            )
            .because_also(reason)
            .advise("Restart the daemon, and look at the log.", seen.system.restart()),
        );
    }
    let foreign = foreign_owners(seen);
    if !foreign.is_empty() && (needed || *is_installed) && !seen.settings.asks_zoners_elsewhere() {
        let finding = DoctorFinding::new(
            "port-taken",
            Culprit::Machine,
            Severity::Error,
            "Another program has port 53, so that Zoners cannot serve this machine.",
        );
        let finding = owner_lines(&foreign, finding);
        return Some(
            finding.advise("Stop the other program, then start Zoners.", seen.system.port_owners()),
        );
    }
    let (severity, sentence) = match (needed, is_installed) {
        (true, _) => {
            (Severity::Error, "Programs of this machine ask Zoners, and Zoners does not run.")
        }
        (false, true) => (Severity::Warning, "Zoners is installed, and does not run."),
        (false, false) => (Severity::Notice, "Zoners is not the resolver of this machine."),
    };
    let finding = DoctorFinding::new("daemon-down", Culprit::Machine, severity, sentence);
    let finding = seen.crashes.lines().into_iter().fold(finding, DoctorFinding::because);
    Some(match severity {
        Severity::Notice => {
            finding.advise("Install Zoners, if that is wanted.", "sudo zoners install")
        }
        _ => finding.because_also(reason).advise(
            "Start the daemon; the log says why it ended.",
            format!("{}; {}", seen.system.restart(), seen.system.log()),
        ),
    })
}

fn with_daemon(input: &CheckInput, status: &DaemonStatus, output: &mut CheckOutput) {
    let (seen, before) = (input.seen, output.findings.len());
    let foreign = foreign_owners(seen);
    if !status.not_served.is_empty() || !foreign.is_empty() {
        let finding = DoctorFinding::new(
            "port-taken",
            Culprit::Machine,
            if seen.settings.names_this_machine { Severity::Error } else { Severity::Warning },
            "Another program has port 53, so that Zoners does not serve all of it.",
        );
        let finding = owner_lines(&foreign, finding);
        let finding = status.not_served.iter().cloned().fold(finding, DoctorFinding::because);
        output.find(
            finding
                .advise("Stop the other program, then restart Zoners.", seen.system.port_owners()),
        );
    }
    output.findings.extend(mute(&seen.daemon, seen.system));
    output.findings.extend(failing(input));
    if !seen.program.is_empty() && status.program != seen.program {
        output.find(
            DoctorFinding::new(
                "other-release",
                Culprit::Machine,
                Severity::Notice,
                format!(
                    "The daemon is version {}, and this program {}.",
                    status.program, seen.program
                ),
            )
            .advise(
                "Let the installed version take over, without a query lost.",
                "sudo zoners restart",
            ),
        );
    }
    for awaited in &status.awaited {
        let finding = DoctorFinding::new(
            "address-absent",
            Culprit::Settings,
            Severity::Notice,
            format!("No interface has {awaited}, at which the daemon is to listen."),
        );
        output.find(
            finding.advise("Join that network, or correct server.listen.", seen.system.addresses()),
        );
    }
    if output.findings.len() == before {
        let listen = [&status.listen[..], &status.single_transport].concat().join(", ");
        output.is_sound("Daemon", format!("answers at {listen}"));
    }
}

/// A daemon without an answer over UDP or TCP.
fn mute(daemon: &DaemonObservation, system: HostSystem) -> Option<DoctorFinding> {
    let is_mute = |answer: &OwnAnswer| matches!(answer, OwnAnswer::Silent | OwnAnswer::Refused);
    let ways = [("UDP", &daemon.udp), ("TCP", &daemon.tcp)];
    let mute: Vec<&str> =
        ways.iter().filter(|(_, answer)| is_mute(answer)).map(|(way, _)| *way).collect();
    if mute.is_empty() {
        return None;
    }
    let finding = DoctorFinding::new(
        "daemon-mute",
        Culprit::Machine,
        Severity::Error,
        format!("The daemon runs, and does not answer over {}.", mute.join(" and ")),
    );
    Some(finding.advise(
        "Look for a firewall on the loopback interface, and restart the daemon.",
        system.restart(),
    ))
}

/// A failure of the daemon is its own only where the line works and the clock is right.
fn failing(input: &CheckInput) -> Option<DoctorFinding> {
    let seen = input.seen;
    let OwnAnswer::Answered { rcode, reason, .. } = &seen.daemon.udp else { return None };
    let now = seen.clock.now_s;
    let fits = |(begins, expires): &(i64, i64)| (*begins..=*expires).contains(&now);
    let clock_fits = seen.clock.windows.is_empty() || seen.clock.windows.iter().any(fits);
    let signed = |seen: &FamilyObservation| seen.traits.unsigned * 2 <= seen.traits.replies;
    let line_works = input.ways.iter().any(|(seen, state)| state.carries_dns() && signed(seen));
    if rcode == "NOERROR" || !line_works || !clock_fits || input.has_portal() {
        return None;
    }
    let finding = DoctorFinding::new(
        "daemon-fails",
        Culprit::Machine,
        Severity::Error,
        "The line works, and yet the daemon cannot resolve names.",
    );
    Some(
        finding
            .because(format!("The answer to a question for the root is {rcode}."))
            .because_also(reason.clone())
            .advise("Look at the problems that the daemon tells, and restart it.", "zoners status"),
    )
}
