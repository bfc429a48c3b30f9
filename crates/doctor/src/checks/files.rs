//! The folder with the daemon's state.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};

/// Free octets that a saved cache needs at least.
const ENOUGH_OCTETS: u64 = 4 << 20;

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let Some(state) = &input.seen.state else { return };
    let folder = &state.folder;
    let (reason, command) = if state.is_read_only {
        (
            "its file system takes no writes",
            format!("sudo mount -o remount,rw $(findmnt -nT {folder} -o TARGET)"),
        )
    } else if state.is_locked {
        ("its owner may not write there", format!("sudo chmod u+rwx {folder}"))
    } else if state.free_octets.is_some_and(|free| free < ENOUGH_OCTETS) {
        ("its file system is full", format!("df -h {folder}"))
    } else {
        output.is_sound("State", format!("{folder} can be written"));
        return;
    };
    output.find(
        DoctorFinding::new(
            "state-not-writable",
            Culprit::Machine,
            Severity::Warning,
            format!("The state folder cannot be used: {reason}."),
        )
        .because(format!("The cache is lost with each restart; the folder is {folder}."))
        .advise("Make the folder writable.", command),
    );
}
