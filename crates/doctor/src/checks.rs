//! The checks, one file each. A check gets the observations and the state of each way, and adds findings or sound
//! parts.

mod browsers;
mod clients;
mod clock;
mod configuration;
mod crashes;
mod daemon;
mod families;
mod files;
mod loss;
mod name;
mod nat64;
mod nss;
mod portal;
mod resources;
mod settings;
mod signatures;
mod sizes;
mod ways;

use crate::finding::{DoctorFinding, SoundPart};
use crate::observations::{FamilyObservation, Observations, PortalObservation};
use crate::way_state::WayState;

/// What a check sees.
pub(crate) struct CheckInput<'a> {
    pub(crate) seen: &'a Observations,
    /// The present families with their states.
    pub(crate) ways: Vec<(&'a FamilyObservation, WayState)>,
}

/// What checks found.
#[derive(Debug, Default)]
pub(crate) struct CheckOutput {
    pub(crate) findings: Vec<DoctorFinding>,
    pub(crate) sound: Vec<SoundPart>,
}

impl CheckInput<'_> {
    /// Whether names can be resolved over some family.
    pub(crate) fn line_carries_dns(&self) -> bool {
        self.ways.iter().any(|(_, state)| state.carries_dns())
    }

    /// Whether a portal stands in the way.
    pub(crate) fn has_portal(&self) -> bool {
        matches!(self.seen.portal, PortalObservation::Portal { .. })
    }
}

impl CheckOutput {
    pub(crate) fn find(&mut self, finding: DoctorFinding) {
        self.findings.push(finding);
    }

    pub(crate) fn is_sound(&mut self, topic: &str, text: impl Into<String>) {
        self.sound.push(SoundPart::new(topic, text));
    }
}

/// Runs all checks, from the machine outwards.
pub(crate) fn run(seen: &Observations) -> (Vec<DoctorFinding>, Vec<SoundPart>) {
    let states = seen.families.iter().map(|family| (family, WayState::of(family)));
    let ways = states.filter(|(_, state)| *state != WayState::Absent).collect();
    let input = CheckInput { seen, ways };
    let mut output = CheckOutput::default();
    let checks: [fn(&CheckInput, &mut CheckOutput); 18] = [
        ways::check,
        portal::check,
        daemon::check,
        crashes::check,
        settings::check,
        nss::check,
        browsers::check,
        configuration::check,
        clock::check,
        files::check,
        resources::check,
        families::check,
        nat64::check,
        signatures::check,
        loss::check,
        sizes::check,
        name::check,
        clients::check,
    ];
    checks.iter().for_each(|check| check(&input, &mut output));
    (output.findings, output.sound)
}

/// A time in its largest unit.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
