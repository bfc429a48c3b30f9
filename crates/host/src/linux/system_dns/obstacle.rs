//! Machines on which the settings cannot be taken, with the words that a person types instead.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::facts::{DHCPCD_HOOK, OPENRESOLV_CONFIG, RESOLVED};
use super::{DnsFacts, DnsOwner, OWN_SERVER, dhcpcd};
use crate::plan::{EntryState, PlanStep};
use crate::resolvers::RESOLV_CONF;

/// Folders of a system that is built as a whole (NixOS, Guix), and where no change lasts.
const STORES: [&str; 4] = ["/nix/store", "/etc/static", "/gnu/store", "/run/current-system"];

impl DnsFacts {
    /// The reason for which the settings cannot be taken here, with a way out; none on most machines.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        let missing = self.missing_resolved().or_else(|| self.linked_config());
        missing.or_else(|| self.unchangeable_file())
    }

    /// A file of the plan that cannot be written, or not for long.
    fn unchangeable_file(&self) -> Option<String> {
        let plan = self.plan();
        let paths: Vec<&Path> = plan.iter().filter_map(PlanStep::path).collect();
        let changes_resolv_conf = paths.contains(&Path::new(RESOLV_CONF));
        if changes_resolv_conf && self.is_resolv_conf_in_store() {
            return Some(format!(
                "{RESOLV_CONF} is a link to a file that is built with the system: on NixOS, write \
                 `networking.nameservers = [ \"{OWN_SERVER}\" ];` to configuration.nix, then \
                 `nixos-rebuild switch`"
            ));
        }
        if self.is_etc_read_only && paths.iter().any(|path| path.starts_with("/etc")) {
            return Some(format!(
                "/etc is read-only: `mount -o remount,rw /`, or write `nameserver {OWN_SERVER}` to \
                 {RESOLV_CONF} where the image is built"
            ));
        }
        (changes_resolv_conf && self.is_resolv_conf_read_only).then(|| {
            format!(
                "{RESOLV_CONF} is mounted read-only: give the container its server from outside \
                 (`docker run --dns {OWN_SERVER}`, `podman run --dns {OWN_SERVER}`)"
            )
        })
    }

    /// At boot, systemd-resolved may start after us; the settings are taken a moment later.
    fn missing_resolved(&self) -> Option<String> {
        let is_missing = self.is_running_system
            && self.is_resolved_enabled
            && !self.runs(RESOLVED)
            && self.resolv_conf_text.is_empty()
            && (self.links_to("systemd/resolve/stub-resolv.conf")
                || self.links_to("systemd/resolve/resolv.conf"));
        is_missing.then(|| {
            format!(
                "{RESOLV_CONF} is a link to a file of systemd-resolved, which does not run: \
                 `systemctl start systemd-resolved`, or `rm {RESOLV_CONF}`"
            )
        })
    }

    /// A configuration behind a link belongs to a different program or to a store.
    fn linked_config(&self) -> Option<String> {
        let (config, line, command) = match self.owner() {
            DnsOwner::Dhcpcd => (DHCPCD_HOOK, dhcpcd::LINE.to_owned(), "dhcpcd --reconfigure"),
            DnsOwner::Openresolv => {
                (OPENRESOLV_CONFIG, format!("name_servers={OWN_SERVER}"), "resolvconf -u")
            }
            _ => return None,
        };
        let (_, target) = self.linked_configs.iter().find(|(linked, _)| *linked == config)?;
        let target = target.display();
        Some(format!(
            "{config} is a link to {target}: add the line `{line}` there by hand, then `{command}`"
        ))
    }

    fn is_resolv_conf_in_store(&self) -> bool {
        let EntryState::Link { target, .. } = &self.resolv_conf else { return false };
        let target = Path::new(OsStr::from_bytes(&target.0));
        STORES.iter().any(|store| target.starts_with(store))
    }
}
