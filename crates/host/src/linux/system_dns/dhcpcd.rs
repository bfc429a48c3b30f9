//! dhcpcd: a hook leaves out the hook for `/etc/resolv.conf` (dhcpcd-run-hooks(8)).
//!
//! A line `nohook resolv.conf` in `dhcpcd.conf` would do the same, but dhcpcd 9 reads the file by `--rebind` alone, and
//! then expires the leases and removes the default route for 5 to 8 seconds.

use super::facts::DHCPCD_HOOK;
use super::{DnsFacts, resolv_conf};
use crate::plan::{LinePosition, PlanStep};

/// Hooks are read at each event, and hooks named in this variable are left out.
pub(super) const LINE: &str = "skip_hooks=\"$skip_hooks resolv.conf\"";

pub(super) fn plan(facts: &DnsFacts) -> Vec<PlanStep> {
    // The undo runs the hooks last, so that dhcpcd writes the servers of the present network. Leases stay.
    let mut steps = facts.on_running_system([PlanStep::run_on_undo(&["dhcpcd", "--reconfigure"])]);
    // At the top: a hook may end early.
    steps.push(PlanStep::AddLines {
        path: DHCPCD_HOOK.into(),
        lines: format!("# By Zoners, until it stops.\n{LINE}\n"),
        position: LinePosition::Start,
    });
    steps.extend(resolv_conf::plan(facts));
    steps
}
