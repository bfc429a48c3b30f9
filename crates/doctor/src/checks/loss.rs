//! Lost packets and long delays, in the home or behind the router; single root servers that are silent.

use zoners_api::{OutageReport, Severity};

use super::{CheckInput, CheckOutput};
use crate::command_lines::REPORT;
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::{FamilyObservation, HostSystem, ProbeCounts};
use crate::way_state::is_lossy;

/// Median round-trip times in milliseconds that people notice: to root servers (a satellite has 600), and to the
/// router.
const SLOW: (f64, f64) = (400.0, 80.0);
/// The share of echo requests without a reply that puts the loss into the home.
const LOSSY_HOME: f64 = 0.05;
/// Outages in a day that are no chance.
const MANY_OUTAGES: u32 = 5;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let ways: Vec<_> = input
        .ways
        .iter()
        .filter(|(seen, state)| state.carries_dns() && seen.udp().replied > 0)
        .collect();
    let worst = |judge: fn(ProbeCounts) -> bool| {
        ways.iter().find(|(seen, _)| judge(seen.udp())).map(|(seen, _)| *seen)
    };
    if let Some(seen) = worst(is_lossy) {
        output.find(lossy(seen, input.seen.system));
    }
    if let Some(outages) = input.seen.daemon.status.as_ref().map(|status| status.network.outages) {
        if outages.count() >= MANY_OUTAGES {
            output.find(interrupted(&outages));
        } else if !ways.is_empty() {
            output.is_sound("Outages", format!("{} in the last day", outages.count()));
        }
    }
    let best = |(seen, _): &&&(&FamilyObservation, _)| {
        seen.udp().median_ms.map_or(u64::MAX, |ms| ms as u64)
    };
    if let Some((seen, _)) = ways.iter().min_by_key(best)
        && seen.udp().median_ms.is_some_and(|millis| millis > SLOW.0)
    {
        output.find(slow(seen));
    }
    for (seen, _) in &ways {
        for server in seen.silent_servers() {
            output.find(
                DoctorFinding::new(
                    "root-server-silent",
                    Culprit::OtherSide,
                    Severity::Notice,
                    format!("The root server {server} does not reply, and others do."),
                )
                .advise("Nothing has to be done: other servers are asked.", "zoners servers ."),
            );
        }
    }
}

/// The line failed again and again while the doctor was not looking.
fn interrupted(outages: &OutageReport) -> DoctorFinding {
    let OutageReport { below_5_s, below_30_s, below_300_s, longer, total_s } = outages;
    DoctorFinding::new(
        "outages",
        Culprit::Provider,
        Severity::Warning,
        format!("The line failed {} times in the last day.", outages.count()),
    )
    .because(format!(
        "{below_5_s} outages below 5 s, {below_30_s} below 30 s, {below_300_s} below 5 minutes, {longer} \
         longer; {total_s} s in all."
    ))
    .advise("Look for obstructions of a dish, and for a bad Wi-Fi; else send the report.", REPORT)
}

fn router_echo(seen: &FamilyObservation) -> Option<ProbeCounts> {
    seen.router.as_ref().and_then(|router| router.echo).filter(|echo| echo.replied > 0)
}

fn lossy(seen: &FamilyObservation, system: HostSystem) -> DoctorFinding {
    let (udp, echo) = (seen.udp(), router_echo(seen));
    let at_home = echo.is_some_and(|echo| echo.lost() > 1 && echo.loss() >= LOSSY_HOME);
    let percent = udp.loss() * 100.0;
    let (culprit, place) = match at_home {
        true => (Culprit::Router, "on the way to the router"),
        false => (Culprit::Provider, "behind the router"),
    };
    let finding = DoctorFinding::new(
        "loss",
        culprit,
        Severity::Warning,
        format!("{percent:.0} of 100 packets are lost, {place}."),
    )
    .because(format!("Root servers over {}: {}.", seen.family, udp.describe()))
    .because_also(echo.map(|echo| format!("The router: {}.", echo.describe())));
    match at_home {
        true => finding.advise("Go nearer to the access point, or use a cable.", system.wireless()),
        false => finding.advise("Send the report to your provider.", REPORT),
    }
}

fn slow(seen: &FamilyObservation) -> DoctorFinding {
    let (udp, echo) = (seen.udp(), router_echo(seen));
    let millis = udp.median_ms.unwrap_or_default();
    let router_ms = echo.and_then(|echo| echo.median_ms);
    let at_home = router_ms.is_some_and(|router_ms| router_ms > SLOW.1 && router_ms * 2.0 > millis);
    let culprit = if at_home { Culprit::Router } else { Culprit::Provider };
    DoctorFinding::new(
        "slow",
        culprit,
        Severity::Warning,
        format!("Replies take {millis:.0} ms, ten times as long as usual."),
    )
    .because(format!("Root servers over {}: {}.", seen.family, udp.describe()))
    .because_also(echo.map(|echo| format!("The router: {}.", echo.describe())))
    .advise("Stop large transfers and try again; satellites are that slow.", REPORT)
}
