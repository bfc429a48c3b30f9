//! The way to IPv4 from a network with IPv6 alone.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::command_lines::REPORT;
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::IpFamily;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let nat64 = &input.seen.nat64;
    let is_present = |wanted: IpFamily| input.ways.iter().any(|(seen, _)| seen.family == wanted);
    let is_needed = !is_present(IpFamily::Ipv4) && input.line_carries_dns();
    let prefixes = nat64.prefixes.join(", ");
    let found = nat64.translated.filter(|counts| counts.sent > 0);
    match found {
        Some(counts) if counts.replied == 0 && is_needed => output.find(
            DoctorFinding::new(
                "nat64-silent",
                Culprit::Provider,
                Severity::Warning,
                "The NAT64 of the network lets nothing pass: servers with IPv4 alone cannot be asked.",
            )
            .because(format!("The network names the prefix {prefixes}."))
            .because(format!("Root servers through that prefix: {}.", counts.describe()))
            .advise("Send the report to the operator of the network.", REPORT),
        ),
        _ if is_needed && nat64.prefixes.is_empty() => output.find(
            DoctorFinding::new(
                "no-nat64",
                Culprit::Provider,
                Severity::Warning,
                "The network has IPv6 alone, and no NAT64: servers with IPv4 alone cannot be asked.",
            )
            .because("No route leads out over IPv4, and ipv4only.arpa has no IPv6 address here.")
            .advise(
                "Ask the operator for IPv4 or a NAT64; a known prefix goes into dns64.prefix.",
                REPORT,
            ),
        ),
        _ if !nat64.prefixes.is_empty() => {
            let passes = found.map(|counts| format!(" ({})", counts.describe()));
            let text = format!("leads to IPv4 by {prefixes}{}", passes.unwrap_or_default());
            output.is_sound("NAT64", text);
        }
        _ => {}
    }
}
