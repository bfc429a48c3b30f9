//! The DNS settings as programs of this machine find them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::authors::{author, author_by_backup, comments, silent_author};
use super::facts::running_programs;
use super::vpn_records::{VpnRecord, vpn_records};
use super::{OWN_SERVER, nameservers, resolved};
use crate::dns_switch::{DnsAuthor, DnsSetting};
use crate::plan::SystemRoot;
use crate::resolvers::RESOLV_CONF;

/// The time between two looks at all processes, while the file stays the same.
const SCAN_INTERVAL: Duration = Duration::from_secs(30);

/// Reads the settings again and again. For a file without a comment, the author is looked for among the running
/// programs: at once after a change of the file, and then every [`SCAN_INTERVAL`].
#[derive(Debug, Default)]
pub struct SettingObserver {
    /// The text, the moment of the last look at all processes, and the author found.
    last: Option<(String, Duration, DnsAuthor)>,
}

impl SettingObserver {
    /// Reads the settings at `now`, the time since any fixed moment: the servers of `/etc/resolv.conf`, and the author
    /// of a file with foreign servers.
    ///
    /// # Errors
    /// The file cannot be read. A missing file is a file without servers.
    pub fn observe(&mut self, root: &SystemRoot, now: Duration) -> io::Result<DnsSetting> {
        self.observe_with(root, now, || running_programs(root))
    }

    fn observe_with(
        &mut self,
        root: &SystemRoot,
        now: Duration,
        programs: impl FnOnce() -> BTreeSet<String>,
    ) -> io::Result<DnsSetting> {
        let text = match fs::read(root.follow(Path::new(RESOLV_CONF))?) {
            Ok(octets) => String::from_utf8_lossy(&octets).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let drop_in = root.follow(Path::new(resolved::DROP_IN))?;
        let setting = read(&text, drop_in.exists());
        let servers = match with_vpn(setting, &text, &vpn_records(root)) {
            DnsSetting::Foreign { servers, author: DnsAuthor::Unknown } => servers,
            setting => return Ok(setting),
        };
        if let Some(author) = author_by_backup(root) {
            return Ok(DnsSetting::Foreign { servers, author });
        }
        let author = match &self.last {
            Some((last, at, author))
                if *last == text && now.saturating_sub(*at) < SCAN_INTERVAL =>
            {
                author.clone()
            }
            _ => {
                let author = silent_author(&programs());
                self.last = Some((text, now, author.clone()));
                author
            }
        };
        Ok(DnsSetting::Foreign { servers, author })
    }
}

/// Reads the settings once.
///
/// # Errors
/// As [`SettingObserver::observe`].
pub fn observe(root: &SystemRoot) -> io::Result<DnsSetting> {
    SettingObserver::default().observe(root, Duration::ZERO)
}

/// The settings by the text of the file. `is_resolved_ours`: systemd-resolved asks our server.
fn read(text: &str, is_resolved_ours: bool) -> DnsSetting {
    let servers: Vec<String> = nameservers(text).map(str::to_owned).collect();
    let is_of_resolved = !servers.is_empty()
        && servers.iter().all(|server| resolved::STUBS.contains(&server.as_str()));
    let is_ours = match is_of_resolved {
        true => is_resolved_ours,
        // Programs ask the first server, and further servers only if the first is silent.
        false => servers.first().is_some_and(|first| first == OWN_SERVER),
    };
    match is_ours {
        true => DnsSetting::Ours,
        false => DnsSetting::Foreign { servers, author: author(text) },
    }
}

/// The settings in a file made by resolvconf, beside records of VPNs: the file names no VPN.
fn with_vpn(setting: DnsSetting, text: &str, records: &[VpnRecord]) -> DnsSetting {
    let author = |record: &VpnRecord| DnsAuthor::Vpn(format!("the VPN {}", record.name));
    let [first, ..] = records else { return setting };
    if !comments(text).any(|comment| comment.contains("resolvconf")) {
        return setting;
    }
    match setting {
        DnsSetting::Ours => {
            DnsSetting::OursBeforeVpn { servers: first.servers.clone(), author: author(first) }
        }
        DnsSetting::Foreign { servers, .. } => {
            let is_asked =
                |record: &&VpnRecord| record.servers.iter().any(|server| servers.contains(server));
            let author = author(records.iter().find(is_asked).unwrap_or(first));
            DnsSetting::Foreign { servers, author }
        }
        setting @ DnsSetting::OursBeforeVpn { .. } => setting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(server: &str, author: DnsAuthor) -> DnsSetting {
        DnsSetting::Foreign { servers: vec![server.to_owned()], author }
    }

    #[test]
    fn a_vpn_without_a_comment_is_known_by_its_backup() {
        let world = crate::plan::tests::world::World::new();
        world.write("etc/resolv.conf", "nameserver 10.64.0.1\n");
        let setting = |author| foreign("10.64.0.1", author);
        assert_eq!(observe(&world.root).unwrap(), setting(DnsAuthor::Unknown));
        world.write("etc/resolv.conf.mullvadbackup", "nameserver 192.0.2.1\n");
        let mullvad = DnsAuthor::Vpn("Mullvad VPN".to_owned());
        assert_eq!(observe(&world.root).unwrap(), setting(mullvad));
    }

    #[test]
    fn servers_named_by_a_vpn_through_resolvconf_are_those_of_the_vpn() {
        let world = crate::plan::tests::world::World::new();
        let generated = "# Generated by resolvconf\n";
        let write =
            |servers: &str| world.write("etc/resolv.conf", &format!("{generated}{servers}"));
        let vpn = DnsAuthor::Vpn("the VPN tun.wg0".to_owned());
        write("nameserver 10.8.0.1\nnameserver 192.0.2.1\n");
        world.write("run/resolvconf/interface/eth0.dhclient", "nameserver 192.0.2.1\n");
        let by_network = |servers: &[&str]| DnsSetting::Foreign {
            servers: servers.iter().map(ToString::to_string).collect(),
            author: DnsAuthor::Network("resolvconf".to_owned()),
        };
        let observe = || observe(&world.root).unwrap();
        assert_eq!(observe(), by_network(&["10.8.0.1", "192.0.2.1"]));
        world.write("run/resolvconf/interface/tun.wg0", "nameserver 10.8.0.1\n");
        let servers = ["10.8.0.1", "192.0.2.1"].map(str::to_owned).into();
        assert_eq!(observe(), DnsSetting::Foreign { servers, author: vpn.clone() });
        write("nameserver 127.0.0.1\n");
        let servers = vec!["10.8.0.1".to_owned()];
        assert_eq!(observe(), DnsSetting::OursBeforeVpn { servers, author: vpn });
        // Ours may not be taken, whatever the order of the records: the VPN would not be asked.
        write("nameserver 192.0.2.1\n");
        assert!(matches!(observe(), DnsSetting::Foreign { author: DnsAuthor::Vpn(_), .. }));
        world.write("etc/resolv.conf", "# Generated by NetworkManager\nnameserver 192.0.2.1\n");
        assert!(matches!(observe(), DnsSetting::Foreign { author: DnsAuthor::Network(_), .. }));
    }

    #[test]
    fn processes_are_looked_at_after_a_change_of_the_file_and_every_thirty_seconds() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("etc")).unwrap();
        let root = SystemRoot::new(folder.path()).unwrap();
        let write = |text: &str| fs::write(folder.path().join("etc/resolv.conf"), text).unwrap();
        let (mut observer, mut scans) = (SettingObserver::default(), Vec::new());
        for second in 0..100 {
            match second {
                0 => write("nameserver 192.0.2.1\n"),
                40 => write("nameserver 192.0.2.2\n"),
                // A comment tells the author.
                80 => write("# Generated by NetworkManager\nnameserver 192.0.2.2\n"),
                _ => {}
            }
            let now = Duration::from_secs(second);
            let programs = || {
                scans.push(second);
                BTreeSet::from(["udhcpc".to_owned()])
            };
            let setting = observer.observe_with(&root, now, programs).unwrap();
            let name = if second < 80 { "udhcpc" } else { "NetworkManager" };
            let DnsSetting::Foreign { author, .. } = setting else { panic!("{setting:?}") };
            assert_eq!(author, DnsAuthor::Network(name.to_owned()), "{second}");
        }
        assert_eq!(scans, [0, 30, 40, 70]);
    }

    #[test]
    fn the_first_server_counts_and_a_stub_asks_by_its_drop_in() {
        let ours = "nameserver 127.0.0.1\nnameserver 192.0.2.1\n";
        assert_eq!(read(ours, false), DnsSetting::Ours);
        let second = "nameserver 192.0.2.1 \nnameserver 127.0.0.1\n";
        assert!(matches!(read(second, true), DnsSetting::Foreign { .. }));
        let stub = "# by hand\nnameserver 127.0.0.53\n";
        assert_eq!(read(stub, true), DnsSetting::Ours);
        assert_eq!(read(stub, false), foreign("127.0.0.53", DnsAuthor::Unknown));
        let none = DnsSetting::Foreign { servers: Vec::new(), author: DnsAuthor::Unknown };
        assert_eq!(read("", true), none);
    }
}
