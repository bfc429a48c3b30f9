//! dhcpcd: a line of the configuration leaves out the hook for `/etc/resolv.conf`.

use super::facts::{DHCPCD_CONFIG, DHCPCD_LINES};
use super::{DnsFacts, resolv_conf};
use crate::plan::{LinePosition, PlanStep};

pub(super) fn plan(facts: &DnsFacts) -> Vec<PlanStep> {
    // The undo rebinds last, so that dhcpcd writes the servers of the present network.
    let rebind = ["dhcpcd", "--rebind"];
    let mut steps = facts.on_running_system([PlanStep::run_on_undo(&rebind)]);
    // At the top: options after a line `interface` count for that interface alone (dhcpcd.conf(5)).
    steps.push(PlanStep::AddLines {
        path: DHCPCD_CONFIG.into(),
        lines: DHCPCD_LINES.to_owned(),
        position: LinePosition::Start,
    });
    steps.extend(facts.on_running_system([PlanStep::run(&rebind)]));
    steps.extend(resolv_conf::plan(facts));
    steps
}
