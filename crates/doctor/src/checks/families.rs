//! A broken family with a route, beside a working family.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput, ways};
use crate::finding::DoctorFinding;
use crate::observations::{FamilyObservation, HostSystem, IpFamily};
use crate::way_state::WayState;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    for (seen, state) in &input.ways {
        if *state == WayState::Works {
            let text = format!("works: UDP {}; TCP {}", seen.udp().describe(), seen.tcp.describe());
            output.is_sound(&seen.family.to_string(), text);
        }
    }
    let works = input.ways.iter().find(|(_, state)| *state == WayState::Works);
    let Some((working, _)) = works else { return };
    for (seen, state) in &input.ways {
        if state.carries_dns() {
            continue;
        }
        if let Some(cause) = ways::finding(seen, *state, input) {
            output.find(broken(seen, working.family, cause, input.seen.system));
        }
    }
}

/// The finding of the cause, told of the family.
fn broken(
    seen: &FamilyObservation,
    working: IpFamily,
    cause: DoctorFinding,
    system: HostSystem,
) -> DoctorFinding {
    let (id, off) = match seen.family {
        IpFamily::Ipv4 => ("ipv4-broken", system.ipv4_off()),
        IpFamily::Ipv6 => ("ipv6-broken", system.ipv6_off()),
    };
    let sentence =
        format!("{} is offered here and does not work; names resolve over {working}.", seen.family);
    DoctorFinding {
        id: id.to_owned(),
        severity: Severity::Warning,
        sentence,
        evidence: [vec![cause.sentence], cause.evidence].concat(),
        advice: format!("Have {} repaired; until then it can be switched off here.", seen.family),
        command: off.to_owned(),
        ..cause
    }
}
