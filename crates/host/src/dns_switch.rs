//! The switch of the system's DNS: when this machine asks our daemon, and when this machine asks as before.
//!
//! The switch turns observations into actions, reads no clock and changes nothing. The switch runs in a process apart
//! from the daemon, so that neither the end of the daemon nor a broken new program keeps the former DNS away.
//!
//! - The settings are taken once the daemon answers over UDP and TCP, and released once the daemon is down, by the
//!   rules of [`daemon_health`](crate::daemon_health).
//! - Settings overwritten by a program of the network (a DHCP client) are taken again, with growing pauses, lest two
//!   programs fight. The program's new servers are the former settings from then on.
//! - Servers of a VPN, of a container engine, or of a person are left, and told. Where ours would come before those of a
//!   VPN, ours are released.
//!
//! On macOS [`guard`](crate::guard) decides by the same rules, from observations of the dynamic store.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::daemon_health::DaemonProbe;
use crate::daemon_health::ProbeHistory;
use crate::guard::retry::Retry;

/// From this pause on, the report speaks of a program in conflict with us.
const CONTESTED_PAUSE: Duration = Duration::from_secs(8);

/// The settings as programs of this machine find them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsSetting {
    /// Our server is asked.
    Ours,
    /// Foreign servers are asked.
    Foreign {
        /// The servers, as written.
        servers: Vec<String>,
        /// The author of the settings.
        author: DnsAuthor,
    },
    /// Our server is asked, and so the servers of a VPN are not: the VPN has named its servers to a program that puts
    /// ours first (resolvconf).
    OursBeforeVpn {
        /// The servers of the VPN.
        servers: Vec<String>,
        /// The VPN.
        author: DnsAuthor,
    },
}

/// The author of settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum DnsAuthor {
    /// A program of the network: a DHCP client, NetworkManager, resolvconf.
    Network(String),
    /// A VPN.
    Vpn(String),
    /// Docker and the like.
    ContainerEngine(String),
    /// A person, or a program that leaves no name.
    Unknown,
}

/// Something that is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchAction {
    /// Make this machine ask our server.
    Take,
    /// Put back the former settings.
    Release,
    /// Release, then take: the settings of the moment become the former ones.
    Renew,
}

/// The servers that this machine asks, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum SwitchCondition {
    /// Our server is asked.
    Ours,
    /// The daemon has not answered yet.
    NotReady,
    /// The daemon has failed, and does not answer steadily again.
    DaemonFailed,
    /// The settings of this author are left alone.
    Left {
        /// The author.
        author: DnsAuthor,
        /// The servers.
        servers: Vec<String>,
    },
    /// A program overwrites our settings again and again.
    Contested {
        /// The author.
        author: DnsAuthor,
    },
    /// The settings could not be changed.
    Failed {
        /// The reason.
        reason: String,
    },
}

/// The switch.
#[derive(Debug)]
pub struct DnsSwitch {
    is_taken: bool,
    health: ProbeHistory,
    /// The settings, twice the same: a file may be seen half-written.
    seen: Option<DnsSetting>,
    setting: Option<DnsSetting>,
    /// Settings chosen by a person while ours were taken.
    chosen: Option<DnsSetting>,
    /// A choice withdrawn by the person, which counts as no choice until the settings change.
    withdrawn: Option<DnsSetting>,
    retry: Retry,
    failure: Option<String>,
}

impl DnsSwitch {
    /// A switch after the release of all earlier changes. `chosen` is the choice of a person
    /// ([`DnsSwitch::choice`]) known to an earlier switch.
    #[must_use]
    pub fn new(chosen: Option<DnsSetting>) -> Self {
        DnsSwitch {
            is_taken: false,
            health: ProbeHistory::default(),
            seen: None,
            setting: None,
            chosen,
            withdrawn: None,
            retry: Retry::default(),
            failure: None,
        }
    }

    /// Takes note of a question to the daemon and of the settings at `now`, the time since any fixed moment; returns
    /// what to do. `setting` is none where the settings cannot be read.
    pub fn observe(
        &mut self,
        now: Duration,
        probe: DaemonProbe,
        setting: Option<DnsSetting>,
    ) -> Option<SwitchAction> {
        self.health.note_probe(now, probe, self.is_taken);
        self.note_setting(setting);
        let is_before_vpn = matches!(self.setting, Some(DnsSetting::OursBeforeVpn { .. }));
        if self.is_taken && (is_before_vpn || self.health.goes_down(now)) {
            return Some(SwitchAction::Release);
        }
        if !self.health.is_trusted(now) {
            return None;
        }
        if self.is_taken {
            self.guard(now)
        } else {
            self.may_take(now).then_some(SwitchAction::Take)
        }
    }

    /// The settings that a person has chosen while ours were in force, to be remembered over a boot.
    #[must_use]
    pub fn choice(&self) -> Option<&DnsSetting> {
        self.chosen.as_ref()
    }

    /// The person withdraws the choice.
    pub fn forget_choice(&mut self) {
        self.withdrawn = self.chosen.take();
    }

    /// Takes note of the end of an action.
    pub fn ended(&mut self, action: SwitchAction, end: Result<(), String>) {
        if end.is_ok() {
            self.is_taken = action != SwitchAction::Release;
            self.health.settings_changed(self.is_taken);
            // Seen before the action.
            self.seen = None;
            self.setting = (action != SwitchAction::Release).then_some(DnsSetting::Ours);
        }
        self.failure = end.err();
    }

    /// The servers that this machine asks, and the reason.
    #[must_use]
    pub fn condition(&self) -> SwitchCondition {
        if let Some(reason) = &self.failure {
            return SwitchCondition::Failed { reason: reason.clone() };
        }
        match &self.setting {
            Some(DnsSetting::Ours) if self.is_taken => SwitchCondition::Ours,
            Some(
                DnsSetting::Foreign { servers, author }
                | DnsSetting::OursBeforeVpn { servers, author },
            ) if self.is_left() => {
                SwitchCondition::Left { author: author.clone(), servers: servers.clone() }
            }
            Some(DnsSetting::Foreign { author, .. })
                if self.is_taken && self.retry.pause >= CONTESTED_PAUSE =>
            {
                SwitchCondition::Contested { author: author.clone() }
            }
            _ if self.is_taken => SwitchCondition::Ours,
            _ if self.health.has_failed() => SwitchCondition::DaemonFailed,
            _ => SwitchCondition::NotReady,
        }
    }

    /// The time until the next observation.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.health.interval(self.is_taken, self.is_left())
    }

    fn note_setting(&mut self, setting: Option<DnsSetting>) {
        if setting == self.seen || setting == Some(DnsSetting::Ours) {
            self.setting.clone_from(&setting);
        }
        self.seen = setting;
        // A choice ends when the settings change.
        if self.chosen.is_some() && self.setting.is_some() && self.chosen != self.setting {
            self.chosen = None;
        }
        if self.withdrawn.is_some() && self.setting.is_some() && self.withdrawn != self.setting {
            self.withdrawn = None;
        }
        // Without servers there is no choice: the file is gone.
        if self.is_taken
            && self.withdrawn.is_none()
            && let Some(DnsSetting::Foreign { author: DnsAuthor::Unknown, servers }) = &self.setting
            && !servers.is_empty()
        {
            self.chosen.clone_from(&self.setting);
        }
    }

    fn may_take(&mut self, now: Duration) -> bool {
        let is_due = self.failure.is_none() || self.retry.may_try(now);
        self.setting.is_some() && !self.is_left() && is_due
    }

    /// Whether a VPN, a container engine or a person has made the settings.
    fn is_left(&self) -> bool {
        match &self.setting {
            Some(DnsSetting::Foreign { author, .. }) => match author {
                DnsAuthor::Vpn(_) | DnsAuthor::ContainerEngine(_) => true,
                DnsAuthor::Network(_) => false,
                DnsAuthor::Unknown => self.chosen.is_some(),
            },
            Some(DnsSetting::OursBeforeVpn { .. }) => true,
            Some(DnsSetting::Ours) | None => false,
        }
    }

    /// Takes overwritten settings again.
    fn guard(&mut self, now: Duration) -> Option<SwitchAction> {
        match &self.setting {
            Some(DnsSetting::Foreign { .. }) if !self.is_left() => {
                self.retry.may_try(now).then_some(SwitchAction::Renew)
            }
            Some(DnsSetting::Ours) => {
                self.retry.succeeded(now);
                None
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
