//! systemd-resolved: a drop-in names one server for every name. The stub and names of the local link stay.

use super::{DnsFacts, OWN_SERVER};
use crate::plan::PlanStep;
use crate::resolvers::RESOLV_CONF;

/// Addresses of the stub.
pub(super) const STUBS: [&str; 2] = ["127.0.0.53", "127.0.0.54"];
const FOLDER: &str = "/etc/systemd/resolved.conf.d";
const DROP_IN: &str = "/etc/systemd/resolved.conf.d/zoners.conf";
/// The file with the stub's address, recommended by the documentation of systemd-resolved.
const STUB_FILE: &str = "../run/systemd/resolve/stub-resolv.conf";

/// `is_owner`: `/etc/resolv.conf` is a file of systemd-resolved.
pub(super) fn plan(facts: &DnsFacts, is_owner: bool) -> Vec<PlanStep> {
    let mut steps = Vec::new();
    let restart = ["systemctl", "try-restart", "systemd-resolved"];
    steps.extend(facts.on_running_system([PlanStep::run_on_undo(&restart)]));
    steps.push(PlanStep::folder(FOLDER));
    steps.push(PlanStep::write(DROP_IN, text()));
    // The second file of systemd-resolved also names the servers of the network.
    if is_owner && facts.links_to("systemd/resolve/resolv.conf") {
        steps.push(PlanStep::link(RESOLV_CONF, STUB_FILE));
    }
    steps.extend(facts.on_running_system([PlanStep::run(&restart)]));
    steps
}

/// Lists of earlier files are emptied first. Over loopback there is no TLS, and Zoners has validated.
fn text() -> String {
    format!(
        "\
# Written by `zoners install`: systemd-resolved asks Zoners. `zoners uninstall` removes this file.
[Resolve]
DNS=
DNS={OWN_SERVER}
FallbackDNS=
Domains=~.
DNSOverTLS=no
DNSSEC=no
"
    )
}
