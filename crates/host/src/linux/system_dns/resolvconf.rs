//! Debian's resolvconf: a record of the loopback interface, after which no further server is listed.

use super::{DnsFacts, OWN_SERVER};
use crate::plan::PlanStep;

/// The record; the name sorts before those of real interfaces (interface-order(5)). Records lie in `/run`.
const RECORD: &str = "lo.zoners";

pub(super) fn plan(facts: &DnsFacts) -> Vec<PlanStep> {
    let add = format!("echo nameserver {OWN_SERVER} | resolvconf -a {RECORD}");
    facts.on_running_system([
        PlanStep::run_on_undo(&["resolvconf", "-d", RECORD]),
        PlanStep::run(&["sh", "-c", &add]),
    ])
}
