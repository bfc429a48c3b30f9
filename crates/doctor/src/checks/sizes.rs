//! Replies lost for their size.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::command_lines::REPORT;
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::{FamilyObservation, SizeProbe};

/// The UDP payload size in the queries of Zoners.
const ZONERS_OFFERS: u16 = 1232;
/// A UDP payload size with which long replies come in fragments.
const ANY_SIZE: u16 = 4096;
/// Queries without a reply from which a loss is no chance on a line that loses nothing else.
const ENOUGH: u32 = 3;
/// On a lossy line, all queries of one size may be lost by chance: with a higher probability nothing is concluded.
const MAX_CHANCE: f64 = 0.01;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let carry = input.ways.iter().filter(|(_, state)| state.carries_dns());
    let (mut is_sound, mut fragments) = (None, None);
    for (seen, _) in carry {
        let Some(large) = probe(seen, ZONERS_OFFERS) else { continue };
        let small = probe(seen, 512).is_some_and(|small| small.replied > 0);
        if small && is_lost(seen, large) {
            output.find(lost(seen));
            return;
        }
        if large.replied > 0 {
            is_sound = Some(large.octets);
            let largest = probe(seen, ANY_SIZE);
            fragments =
                fragments.or(largest.filter(|probe| is_lost(seen, *probe)).and(Some(*seen)));
        }
    }
    if let Some(seen) = fragments {
        output.find(fragments_lost(seen));
    }
    if let Some(octets) = is_sound {
        output.is_sound("Long replies", format!("pass over UDP ({octets} octets)"));
    }
}

fn probe(seen: &FamilyObservation, offered: u16) -> Option<SizeProbe> {
    seen.sizes.iter().copied().find(|probe| probe.offered == offered)
}

fn is_lost(seen: &FamilyObservation, size: SizeProbe) -> bool {
    let chance = seen.udp().loss().powi(size.sent.try_into().unwrap_or(i32::MAX));
    size.sent >= ENOUGH && size.replied == 0 && chance < MAX_CHANCE
}

fn lost(seen: &FamilyObservation) -> DoctorFinding {
    let finding = DoctorFinding::new(
        "large-replies-lost",
        Culprit::Provider,
        Severity::Warning,
        "The network loses long replies over UDP: signed answers are late.",
    );
    sizes(seen).into_iter().fold(finding, DoctorFinding::because).advise(
        "Ask for the MTU of the line, and whether fragments or long UDP packets are dropped.",
        REPORT,
    )
}

/// Zoners never asks for fragments; other programs may.
fn fragments_lost(seen: &FamilyObservation) -> DoctorFinding {
    let finding = DoctorFinding::new(
        "fragments-lost",
        Culprit::Provider,
        Severity::Notice,
        "The network loses UDP packets in fragments; Zoners asks for none.",
    );
    sizes(seen)
        .into_iter()
        .fold(finding, DoctorFinding::because)
        .advise("Nothing has to be done for Zoners; other programs may wait.", REPORT)
}

/// The probes by size, a line each.
fn sizes(seen: &FamilyObservation) -> Vec<String> {
    let line = |probe: &SizeProbe| {
        let truncated = if probe.truncated { ", truncated" } else { "" };
        format!(
            "With {} octets offered: {} of {} replied{truncated}.",
            probe.offered, probe.replied, probe.sent
        )
    };
    seen.sizes.iter().map(line).collect()
}
