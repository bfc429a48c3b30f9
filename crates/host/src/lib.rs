//! The operating system: everything that Zoners asks of the machine, and nothing of DNS.
//!
//! The modules are plain functions and types; the docs say what each system does. Code of one system lies in a folder
//! of that name: `linux`, `macos` or `bsd`. The folders have the same modules; macOS takes from `bsd` the parts
//! without a difference. Sockets of DNS and their options are in `net`; rights given up by the process are in
//! `sandbox`; files within reach of other users are in `files`.
//!
//! | module | Linux | macOS | FreeBSD and other BSDs |
//! |---|---|---|---|
//! | [`clock`] | `CLOCK_BOOTTIME`, boot identifier | `CLOCK_MONOTONIC` counts sleep, boot session | `CLOCK_MONOTONIC`; sleep shows in the wall clock |
//! | [`descriptors`] | `RLIMIT_NOFILE` | same | same |
//! | [`echo`] | ICMP datagram sockets | same | for root alone |
//! | [`file_watch`] | inotify | looked at every ten seconds | as macOS |
//! | [`hops`] | `IP_RECVERR` | nothing is learned | as macOS |
//! | [`interfaces`] | rtnetlink | `getifaddrs`, routes guessed | as macOS |
//! | [`leases`] | files of dnsmasq, Kea, ISC dhcpd | same | same |
//! | [`long_logs`] | the managers keep logs | files of launchd's jobs | |
//! | [`machine`] | `uname`, processor from `/proc/cpuinfo` | `uname`, sysctl(8) | as macOS |
//! | [`network`] | rtnetlink events, `/proc/net/route` | routing socket, route(8) | as macOS |
//! | [`networks`] | rtnetlink, files of the managers, `nmcli` | `scutil --dns`, route(8), `arp`, `ndp` | `/etc/resolv.conf`, as macOS |
//! | [`origin`] | `/proc/PPID/comm` names a supervisor | launchd's variable | no supervisor is known |
//! | [`passing`] | `SCM_RIGHTS` | same | same |
//! | [`paths`] | `/run`, `/var/lib` | `/var/run`, `/var/db` | as macOS |
//! | [`plan`] | files with attributes and flags | files | files |
//! | [`ports`] | `/proc/net`, `/proc/PID/fd` | `lsof` | `sockstat`, `fstat` |
//! | [`privileges`] | user, groups, `no_new_privs` | user, main group | user, groups |
//! | [`resolvers`] | `/etc/resolv.conf` | `scutil --dns` | `/etc/resolv.conf` |
//! | [`service_manager`] | systemd | launchd is recognised | `sd_notify` where a manager speaks it |
//! | [`service_units`], [`launchd`] | systemd, OpenRC, runit | launchd | |
//!
//! Where a system answers by a system call without a safe wrapper, its own program is asked (`sysctl`, `route`,
//! `lsof`): the texts are parsed by modules that the tests of every system run.
//!
//! Every lasting change of the system is a [`plan`]: data that is shown, carried out with a journal, and undone
//! exactly.
//!
//! The DNS settings of macOS are decided on by [`guard`], without I/O; [`dynamic_store`] has the commands, [`launchd`]
//! the jobs, [`mac_dns`] carries out, and [`mac_installation`] is the plan of the whole: all four are compiled on every
//! system, for their tests. Linux alone has `system_dns`, the owners of its DNS settings, and `installation`, the plan
//! of the whole.

#[cfg(not(target_os = "linux"))]
mod bsd;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

pub mod background;
pub mod clock;
pub mod condition_file;
mod daemon_health;
pub mod descriptors;
pub mod disk;
pub mod dns_switch;
pub mod dynamic_store;
pub mod echo;
pub mod file_watch;
pub mod guard;
pub mod hops;
pub mod install_steps;
pub mod interfaces;
pub mod launchd;
pub mod leases;
pub mod long_logs;
pub mod mac_dns;
pub mod mac_installation;
pub mod machine;
pub mod network;
pub mod networks;
pub mod origin;
pub mod passing;
pub mod paths;
pub mod plan;
pub mod ports;
pub mod privileges;
mod program;
mod reports;
pub mod resolvers;
pub mod service_manager;
pub mod service_units;
#[cfg(target_os = "linux")]
pub use linux::{installation, system_dns};
#[cfg(target_os = "macos")]
pub use macos::programs::RealMacPrograms;

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
use bsd as system;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
