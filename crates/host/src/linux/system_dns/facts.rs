//! What is known of the programs and files behind the DNS settings.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::plan::{EntryState, SystemRoot};
use crate::resolvers::RESOLV_CONF;

/// Process names, of at most 15 letters.
pub(super) const RESOLVED: &str = "systemd-resolve";
pub(super) const NETWORK_MANAGER: &str = "NetworkManager";
pub(super) const DHCPCD: &str = "dhcpcd";
pub(super) const DHCLIENT: &str = "dhclient";

pub(super) const DHCPCD_CONFIG: &str = "/etc/dhcpcd.conf";
/// The script that dhcpcd-run-hooks(8) reads before the hooks.
pub(super) const DHCPCD_HOOK: &str = "/etc/dhcpcd.enter-hook";
/// The configuration of openresolv.
pub(super) const OPENRESOLV_CONFIG: &str = "/etc/resolvconf.conf";
/// The drop-in of a plan for NetworkManager.
pub(super) const NETWORK_MANAGER_DROP_IN: &str = "zoners.conf";

/// The folder of the hooks of dhclient-script(8).
pub(super) const DHCLIENT_HOOKS: &str = "/etc/dhcp/dhclient-enter-hooks.d";

/// A program of Debian's resolvconf alone.
const DEBIAN_RESOLVCONF: &str = "/lib/resolvconf/list-records";

/// Links by which an image starts a program, as no process of an image runs.
const ENABLING_LINKS: [(&str, &str); 7] = [
    (RESOLVED, "/etc/systemd/system/sysinit.target.wants/systemd-resolved.service"),
    (RESOLVED, "/etc/systemd/system/multi-user.target.wants/systemd-resolved.service"),
    (NETWORK_MANAGER, "/etc/systemd/system/multi-user.target.wants/NetworkManager.service"),
    (NETWORK_MANAGER, "/etc/runlevels/default/networkmanager"),
    (DHCPCD, "/etc/systemd/system/multi-user.target.wants/dhcpcd.service"),
    (DHCPCD, "/etc/runlevels/default/dhcpcd"),
    (DHCLIENT, "/etc/systemd/system/multi-user.target.wants/networking.service"),
];

/// Folders with programs.
const PROGRAM_FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Folders with drop-ins of NetworkManager; later ones count more (NetworkManager.conf(5)).
const NETWORK_MANAGER_FOLDERS: [&str; 3] =
    ["/usr/lib/NetworkManager/conf.d", "/run/NetworkManager/conf.d", "/etc/NetworkManager/conf.d"];

/// Folders with drop-ins of systemd-resolved; of files with one name, a later folder counts.
const RESOLVED_FOLDERS: [&str; 4] = [
    "/usr/lib/systemd/resolved.conf.d",
    "/usr/local/lib/systemd/resolved.conf.d",
    "/run/systemd/resolved.conf.d",
    "/etc/systemd/resolved.conf.d",
];

/// Which of the programs called `resolvconf` is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolvconfProgram {
    /// Debian's package resolvconf, with the folder `/etc/resolvconf`.
    Debian,
    /// openresolv, with the file `/etc/resolvconf.conf`.
    Openresolv,
    /// resolvectl under the name of resolvconf.
    Resolvectl,
}

/// What was read of a system.
#[derive(Clone, Debug)]
pub struct DnsFacts {
    /// Whether programs run and can be told.
    pub is_running_system: bool,
    /// The entry `/etc/resolv.conf`, and the text behind links.
    pub resolv_conf: EntryState,
    /// The text of `/etc/resolv.conf`, behind links.
    pub resolv_conf_text: String,
    /// Names of running programs, or of programs started by an image.
    pub programs: BTreeSet<String>,
    /// The program called `resolvconf`.
    pub resolvconf: Option<ResolvconfProgram>,
    /// The key `dns` of NetworkManager.
    pub network_manager_dns: Option<String>,
    /// Whether there is `nmcli`.
    pub has_nmcli: bool,
    /// Whether dhcpcd is configured to leave `/etc/resolv.conf` alone.
    pub dhcpcd_leaves_resolv_conf: bool,
    /// Whether `/etc/nsswitch.conf` asks systemd-resolved for host names.
    pub nss_asks_resolved: bool,
    /// Whether dhclient is started by a script with hooks.
    pub has_dhclient_hooks: bool,
    /// Whether systemd-resolved answers at the address of the stub over UDP (resolved.conf(5), `DNSStubListener`).
    pub has_resolved_stub: bool,
    /// Whether systemd-resolved is started at boot.
    pub is_resolved_enabled: bool,
    /// Whether `/etc` is read-only.
    pub is_etc_read_only: bool,
    /// Whether a file is mounted over `/etc/resolv.conf`, read-only.
    pub is_resolv_conf_read_only: bool,
    /// The targets of those files for added lines which are links.
    pub linked_configs: Vec<(&'static str, PathBuf)>,
}

impl DnsFacts {
    /// Reads a system.
    ///
    /// # Errors
    /// A file cannot be read. A missing file is no error.
    pub fn read(root: &SystemRoot, programs: BTreeSet<String>) -> io::Result<Self> {
        let has = |path: &str| root.follow(Path::new(path)).is_ok_and(|place| place.exists());
        let dhcpcd = text(root, DHCPCD_CONFIG)?;
        let switch = text(root, "/etc/nsswitch.conf")?;
        let hosts = switch.lines().find_map(|line| line.trim().strip_prefix("hosts:"));
        Ok(DnsFacts {
            is_running_system: root.is_running_system(),
            resolv_conf: EntryState::read(&root.locate(Path::new(RESOLV_CONF))?)?,
            resolv_conf_text: text(root, RESOLV_CONF)?,
            programs,
            resolvconf: resolvconf(root, has),
            network_manager_dns: network_manager_dns(root)?,
            has_nmcli: has_program(has, "nmcli"),
            dhcpcd_leaves_resolv_conf: leaves_resolv_conf(&dhcpcd),
            nss_asks_resolved: hosts
                .is_some_and(|hosts| hosts.split_whitespace().any(|source| source == "resolve")),
            has_dhclient_hooks: has(DHCLIENT_HOOKS),
            has_resolved_stub: has_resolved_stub(root)?,
            is_resolved_enabled: is_enabled(root, RESOLVED),
            is_etc_read_only: is_read_only(root, "/etc"),
            is_resolv_conf_read_only: is_read_only(root, RESOLV_CONF),
            linked_configs: linked_configs(root)?,
        })
    }

    pub(super) fn runs(&self, program: &str) -> bool {
        self.programs.contains(program)
    }

    /// Whether `/etc/resolv.conf` is a link with this end of the target.
    pub(super) fn links_to(&self, end: &str) -> bool {
        match &self.resolv_conf {
            EntryState::Link { target, .. } => target.0.ends_with(end.as_bytes()),
            _ => false,
        }
    }

    /// Whether a comment in `/etc/resolv.conf` says so.
    pub(super) fn says(&self, text: &str) -> bool {
        let mut lines = self.resolv_conf_text.lines();
        lines.any(|line| line.starts_with('#') && line.contains(text))
    }
}

/// Names of running programs; for an image, of programs started at boot.
#[must_use]
pub fn running_programs(root: &SystemRoot) -> BTreeSet<String> {
    if !root.is_running_system() {
        let programs = ENABLING_LINKS.into_iter().map(|(program, _)| program);
        return programs.filter(|program| is_enabled(root, program)).map(str::to_owned).collect();
    }
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let name = |process: fs::DirEntry| fs::read_to_string(process.path().join("comm")).ok();
    processes.filter_map(name).map(|name| name.trim_end().to_owned()).collect()
}

/// Whether a link starts the program at boot.
fn is_enabled(root: &SystemRoot, program: &str) -> bool {
    let is_there = |link: &str| {
        root.locate(Path::new(link)).is_ok_and(|place| place.symlink_metadata().is_ok())
    };
    ENABLING_LINKS.into_iter().any(|(own, link)| own == program && is_there(link))
}

/// Whether the file system of an entry is mounted read-only.
fn is_read_only(root: &SystemRoot, path: &str) -> bool {
    let place = root.locate(Path::new(path));
    place.is_ok_and(|place| access(&place, Access::WRITE_OK) == Err(Errno::ROFS))
}

/// The files that get lines, where they are links: lines can be added to a file alone.
fn linked_configs(root: &SystemRoot) -> io::Result<Vec<(&'static str, PathBuf)>> {
    let mut linked = Vec::new();
    for config in [DHCPCD_HOOK, OPENRESOLV_CONFIG] {
        if let EntryState::Link { target, .. } = EntryState::read(&root.locate(Path::new(config))?)?
        {
            linked.push((config, PathBuf::from(OsStr::from_bytes(&target.0))));
        }
    }
    Ok(linked)
}

/// Whether the last value of `DNSStubListener` lets the stub answer over UDP.
fn has_resolved_stub(root: &SystemRoot) -> io::Result<bool> {
    let mut texts = vec![text(root, "/etc/systemd/resolved.conf")?];
    // By name over all folders; of two files with one name the later folder counts (systemd.unit(5)).
    let mut files = BTreeMap::new();
    for folder in RESOLVED_FOLDERS {
        for file in drop_ins(root, folder)? {
            files.insert(file.file_name().map(OsStr::to_owned), file);
        }
    }
    texts.extend(files.values().map(|file| fs::read_to_string(file).unwrap_or_default()));
    let value = last_value(&texts, "[Resolve]", "DNSStubListener").unwrap_or_default();
    Ok(!["no", "false", "n", "f", "0", "off", "tcp"].contains(&&*value.to_lowercase()))
}

/// The drop-ins of a folder, by name.
fn drop_ins(root: &SystemRoot, folder: &str) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(root.follow(Path::new(folder))?).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "conf"));
    files.sort_unstable();
    Ok(files)
}

/// The last value of a key in a section, over every text in order.
fn last_value(texts: &[String], wanted: &str, key: &str) -> Option<String> {
    let mut value = None;
    for text in texts {
        let mut section = "";
        for line in text.lines().map(str::trim) {
            match line.split_once('=') {
                _ if line.starts_with('[') => section = line,
                Some((own, text)) if section == wanted && own.trim() == key => {
                    value = Some(text.trim().to_owned());
                }
                _ => {}
            }
        }
    }
    value
}

/// The text of a file, behind links; nothing for a missing file.
fn text(root: &SystemRoot, path: &str) -> io::Result<String> {
    match fs::read(root.follow(Path::new(path))?) {
        Ok(octets) => Ok(String::from_utf8_lossy(&octets).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

fn has_program(has: impl Fn(&str) -> bool, name: &str) -> bool {
    PROGRAM_FOLDERS.iter().any(|folder| has(&format!("{folder}/{name}")))
}

fn resolvconf(root: &SystemRoot, has: impl Fn(&str) -> bool) -> Option<ResolvconfProgram> {
    let place = PROGRAM_FOLDERS.iter().find_map(|folder| {
        let path = format!("{folder}/resolvconf");
        has(&path).then(|| root.follow(Path::new(&path)).ok()).flatten()
    })?;
    Some(match place.ends_with("resolvectl") {
        true => ResolvconfProgram::Resolvectl,
        // No configuration, which stays behind a removed package.
        false if has(DEBIAN_RESOLVCONF) => ResolvconfProgram::Debian,
        false => ResolvconfProgram::Openresolv,
    })
}

/// The last value of the key `dns` in the section `main`, over every file in order.
fn network_manager_dns(root: &SystemRoot) -> io::Result<Option<String>> {
    let mut texts = vec![text(root, "/etc/NetworkManager/NetworkManager.conf")?];
    for folder in NETWORK_MANAGER_FOLDERS {
        for file in drop_ins(root, folder)? {
            // What an earlier plan has written does not count.
            if !file.ends_with(NETWORK_MANAGER_DROP_IN) {
                texts.push(fs::read_to_string(file).unwrap_or_default());
            }
        }
    }
    Ok(last_value(&texts, "[main]", "dns"))
}

/// Whether options for every interface have `nohook resolv.conf` (dhcpcd.conf(5)).
fn leaves_resolv_conf(text: &str) -> bool {
    let ends_section = |line: &&str| {
        !["interface ", "ssid ", "profile "].iter().any(|start| line.starts_with(start))
    };
    let mut lines = text.lines().map(str::trim).take_while(ends_section);
    lines.any(|line| {
        let hooks = line.strip_prefix("nohook").unwrap_or_default();
        hooks.split([' ', ',']).any(|hook| hook == "resolv.conf")
    })
}
