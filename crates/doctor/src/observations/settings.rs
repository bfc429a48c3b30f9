//! The DNS settings of the machine: resolvers, sources of host names, browsers.

use serde::{Deserialize, Serialize};

/// The DNS settings of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsObservation {
    /// Whether programs ask Zoners first.
    pub asks_zoners: bool,
    /// Whether the settings name an address of this machine (127.0.0.0/8 or `::1`) first.
    pub names_this_machine: bool,
    /// The servers of the settings, in the order in which the system asks.
    pub servers: Vec<String>,
    /// Servers beside Zoners: asked as well, in turn or when Zoners is late.
    pub foreign: Vec<String>,
    /// The ways of foreign servers into the settings, a sentence each: DHCP, a router advertisement, a VPN.
    pub origins: Vec<String>,
    /// Why programs do not ask Zoners, as a sentence.
    pub reason: Option<String>,
    /// The sources of host names: the line for hosts in `/etc/nsswitch.conf`; `None` without such a line.
    pub nss_hosts: Option<String>,
    /// The servers of systemd-resolved, in its order; `None` unless systemd-resolved runs.
    pub resolved_servers: Option<Vec<String>>,
    /// The program for names in `.local` by multicast DNS (RFC 6762); `None` if no program runs.
    pub multicast_responder: Option<String>,
    /// Browsers with DNS settings of their own.
    pub browsers: Vec<BrowserObservation>,
}

/// The DNS settings of a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrowserObservation {
    /// The browser.
    pub browser: String,
    /// The family of its settings.
    pub family: BrowserFamily,
    /// The file with the setting.
    pub place: String,
    /// Whether the setting is a policy for all users.
    pub is_policy: bool,
    /// The way of names.
    pub mode: BrowserDnsMode,
    /// The resolver over HTTPS, if told.
    pub resolver: Option<String>,
}

/// A family of browsers with the same settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrowserFamily {
    /// Firefox.
    #[default]
    Firefox,
    /// Chromium, Chrome, Edge, Brave.
    Chromium,
}

/// The way of a browser's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrowserDnsMode {
    /// The resolver of the system is asked.
    #[default]
    System,
    /// A resolver over HTTPS (RFC 8484) is asked first, and the resolver of the system after a failure.
    HttpsFirst,
    /// A resolver over HTTPS alone is asked.
    HttpsOnly,
}
