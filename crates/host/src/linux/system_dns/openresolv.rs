//! openresolv: the configuration names a server on this machine, after which no further server is listed
//! (resolvconf.conf(5), `resolv_conf_local_only`).

use super::facts::OPENRESOLV_CONFIG;
use super::{DnsFacts, OWN_SERVER};
use crate::plan::{LinePosition, PlanStep};

pub(super) fn plan(facts: &DnsFacts) -> Vec<PlanStep> {
    let update = ["resolvconf", "-u"];
    let mut steps = facts.on_running_system([PlanStep::run_on_undo(&update)]);
    // A shell script: the last assignment counts.
    steps.push(PlanStep::AddLines {
        path: OPENRESOLV_CONFIG.into(),
        lines: format!("# By Zoners, until it stops.\nname_servers={OWN_SERVER}\n"),
        position: LinePosition::End,
    });
    steps.extend(facts.on_running_system([PlanStep::run(&update)]));
    steps
}
