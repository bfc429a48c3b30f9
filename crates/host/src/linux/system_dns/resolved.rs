//! systemd-resolved: a drop-in names one server for every name. The stub and names of the local link stay.

use super::{DnsFacts, OWN_SERVER, resolv_conf};
use crate::plan::PlanStep;
use crate::resolvers::RESOLV_CONF;

/// Addresses of the stub.
pub(super) const STUBS: [&str; 2] = ["127.0.0.53", "127.0.0.54"];
/// A place that is empty after a power cut, and counts as much as `/etc` (resolved.conf.d(5)).
const FOLDER: &str = "/run/systemd/resolved.conf.d";
pub(super) const DROP_IN: &str = "/run/systemd/resolved.conf.d/zoners.conf";
/// The file with the stub's address, recommended by the documentation of systemd-resolved.
const STUB_FILE: &str = "../run/systemd/resolve/stub-resolv.conf";

/// The file for programs, where systemd-resolved has no stub. The name is none of a drop-in.
const RESOLV_FILE: &str = "/run/systemd/resolved.conf.d/zoners.resolv";
const RESOLV_LINK: &str = "../run/systemd/resolved.conf.d/zoners.resolv";

/// `is_owner`: `/etc/resolv.conf` is a file of systemd-resolved.
pub(super) fn plan(facts: &DnsFacts, is_owner: bool) -> Vec<PlanStep> {
    let mut steps = Vec::new();
    let restart = ["systemctl", "try-restart", "systemd-resolved"];
    steps.extend(facts.on_running_system([PlanStep::run_on_undo(&restart)]));
    steps.extend([PlanStep::folder(FOLDER), PlanStep::write(DROP_IN, text())]);
    if is_owner && !facts.has_resolved_stub {
        steps.push(PlanStep::write(RESOLV_FILE, resolv_conf::text(&facts.resolv_conf_text)));
        steps.push(PlanStep::link(RESOLV_CONF, RESOLV_LINK));
    } else if is_owner && facts.links_to("systemd/resolve/resolv.conf") {
        // The second file of systemd-resolved also names the servers of the network.
        steps.push(PlanStep::link(RESOLV_CONF, STUB_FILE));
    }
    steps.extend(facts.on_running_system([PlanStep::run(&restart)]));
    steps
}

/// Lists of earlier files are emptied first. Over loopback there is no TLS, and Zoners has validated.
fn text() -> String {
    format!(
        "\
# Written by Zoners, and removed when Zoners stops: systemd-resolved asks Zoners.
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
