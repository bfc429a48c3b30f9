//! The keeper on a Mac made of values, which speaks by the texts of its programs, in virtual time; each reported bug of
//! similar programs has a test.

mod model;

use super::*;
use crate::dns_switch::DnsAuthor;
use model::{ModelMac, NetworkService, ip};

/// A Mac with the keeper, and the time.
struct KeptMac {
    now: Duration,
    mac: ModelMac,
    keeper: MacDns<ModelMac>,
    root: SystemRoot,
    probe: DaemonProbe,
    _folder: tempfile::TempDir,
}

impl KeptMac {
    /// A Mac on a Wi-Fi, some time after the install.
    fn new(mac: ModelMac) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("var/lib")).unwrap();
        std::fs::create_dir_all(folder.path().join("var/db")).unwrap();
        let root = SystemRoot::new(folder.path()).unwrap();
        let keeper = MacDns::start(root.clone(), mac.clone()).unwrap();
        let probe = DaemonProbe::Answered;
        let mut kept =
            KeptMac { now: Duration::from_secs(1000), mac, keeper, root, probe, _folder: folder };
        kept.run(5);
        kept
    }

    /// A Mac whose system does not honour the entry, so that each service has our server.
    fn without_store(mac: ModelMac) -> Self {
        mac.edit(|mac| mac.honours_entry = false);
        let mut kept = KeptMac::new(mac);
        kept.run(60);
        assert_eq!(kept.mac.asks(), own_servers());
        assert_eq!(kept.mac.read(|mac| mac.entry.clone()), None, "one means at a time");
        kept
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.now < end {
            self.keeper.observe(self.now, self.probe, false);
            if self.keeper.wants_proof(self.now) {
                let has_arrived = self.mac.asks() == own_servers();
                self.keeper.note_proof(self.now, has_arrived);
            }
            self.now += self.keeper.interval();
        }
    }

    fn left_to(&self) -> Option<DnsAuthor> {
        match self.keeper.condition() {
            SwitchCondition::Left { author, .. } => Some(author),
            _ => None,
        }
    }

    /// The process is killed and started again, as launchd does.
    fn restart(&mut self) {
        self.mac.edit(|mac| mac.entry = None);
        self.keeper = MacDns::start(self.root.clone(), self.mac.clone()).unwrap();
    }
}

fn quad9() -> Vec<IpAddr> {
    vec![ip("9.9.9.9"), ip("149.112.112.112")]
}

fn of_wifi() -> Vec<IpAddr> {
    vec![ip("192.168.1.1"), ip("192.168.1.2")]
}

#[test]
fn an_entry_that_is_honoured_changes_no_service() {
    let mut kept = KeptMac::new(ModelMac::new());
    kept.run(3600);
    assert_eq!(kept.mac.asks(), own_servers());
    assert_eq!(kept.keeper.condition(), SwitchCondition::Ours);
    assert_eq!(kept.mac.read(|mac| mac.settings_written), 0);
    kept.keeper.release().unwrap();
    assert_eq!(kept.mac.asks(), of_wifi());
}

#[test]
fn where_the_entry_is_not_honoured_each_service_has_our_server_until_the_release() {
    let mac = ModelMac::new();
    mac.edit(|mac| {
        mac.services.push(NetworkService::new("USB 10/100/1000 LAN", "en7", &["10.0.0.1"]))
    });
    let mut kept = KeptMac::without_store(mac);
    assert_eq!(kept.keeper.condition(), SwitchCondition::Ours);
    let own = Some(own_servers());
    assert!(kept.mac.read(|mac| mac.services.iter().all(|service| service.by_hand == own)));
    kept.run(3600);
    assert_eq!(kept.mac.read(|mac| mac.settings_written), 2, "nothing is written again in calm");
    kept.keeper.release().unwrap();
    assert!(kept.mac.read(|mac| mac.services.iter().all(|service| service.by_hand.is_none())));
}

/// A scar of github.com/razvandimescu/numa: a second install overwrites the saved settings with our own.
#[test]
fn a_second_install_overwrites_no_saved_settings() {
    let mac = ModelMac::new();
    mac.edit(|mac| mac.services[0].by_hand = Some(quad9()));
    let mut kept = KeptMac::without_store(mac);
    // The second install finds ours in force, and so does a keeper killed in the middle.
    for _ in 0..2 {
        let none = services::LeftServers::new();
        services::take(&kept.root, &mut kept.mac.clone(), &own_texts(), &none).unwrap();
    }
    assert_eq!(kept.mac.asks(), own_servers());
    kept.keeper.release().unwrap();
    assert_eq!(kept.mac.read(|mac| mac.services[0].by_hand.clone()), Some(quad9()));
}

/// Issue 182 of github.com/razvandimescu/numa: the second of two servers does not come back.
#[test]
fn the_secondary_server_comes_back() {
    let mac = ModelMac::new();
    mac.edit(|mac| mac.services[0].by_hand = Some(quad9()));
    let mut kept = KeptMac::without_store(mac);
    kept.restart();
    assert_eq!(kept.mac.asks(), quad9(), "a killed keeper is undone by its successor");
    kept.run(60);
    assert_eq!(kept.mac.asks(), own_servers());
    kept.keeper.release().unwrap();
    assert_eq!(kept.mac.asks(), quad9());
}

/// github.com/Control-D-Inc/ctrld/issues/290: a VPN sets servers by hand and wipes every server at the end.
#[test]
fn a_vpn_that_wipes_the_settings_leaves_a_machine_that_asks_us() {
    for has_store in [true, false] {
        let mac = ModelMac::new();
        let mut kept = if has_store { KeptMac::new(mac) } else { KeptMac::without_store(mac) };
        let of_vpn = vec![ip("10.255.255.2")];
        kept.mac.edit(|mac| {
            mac.services[0].by_hand = Some(of_vpn.clone());
            mac.vpn = Some(("utun5", Vec::new()));
        });
        kept.run(60);
        assert_eq!(kept.mac.asks(), of_vpn);
        assert!(matches!(kept.left_to(), Some(DnsAuthor::Vpn(_))), "{:?}", kept.keeper.condition());
        kept.mac.edit(|mac| {
            mac.services[0].by_hand = None;
            mac.vpn = None;
        });
        kept.run(10);
        assert_eq!(kept.mac.asks(), own_servers());
        kept.keeper.release().unwrap();
        assert_eq!(kept.mac.asks(), of_wifi());
    }
}

/// A VPN saves our server as the former setting, and sets it again while the daemon is down.
#[test]
fn our_server_restored_by_a_vpn_is_never_a_former_setting() {
    let mut kept = KeptMac::without_store(ModelMac::new());
    kept.mac.edit(|mac| {
        mac.services[0].by_hand = Some(vec![ip("10.255.255.2")]);
        mac.vpn = Some(("utun5", Vec::new()));
    });
    kept.run(60);
    kept.probe = DaemonProbe::Refused;
    kept.run(60);
    kept.mac.edit(|mac| {
        mac.services[0].by_hand = Some(own_servers());
        mac.vpn = None;
    });
    kept.run(10);
    assert_eq!(kept.mac.asks(), of_wifi(), "a daemon that is down is not asked");
    kept.probe = DaemonProbe::Answered;
    kept.run(20);
    assert_eq!(kept.mac.asks(), own_servers());
    kept.keeper.release().unwrap();
    assert_eq!(kept.mac.read(|mac| mac.services[0].by_hand.clone()), None);
}

/// github.com/Control-D-Inc/ctrld/issues/18: the DNS of a network that comes with a dock is not set.
#[test]
fn a_dock_is_covered_and_gets_its_settings_back() {
    for has_store in [true, false] {
        let mac = ModelMac::new();
        let mut kept = if has_store { KeptMac::new(mac) } else { KeptMac::without_store(mac) };
        let dock = NetworkService::new("USB 10/100/1000 LAN", "en7", &["10.1.0.1"]);
        kept.mac.edit(|mac| mac.services.insert(0, dock));
        kept.run(10);
        assert_eq!(kept.mac.asks(), own_servers());
        // Pulled out, the service stays in the preferences without an interface.
        kept.mac.edit(|mac| mac.services[0].is_connected = false);
        kept.run(60);
        assert_eq!(kept.mac.asks(), own_servers());
        kept.keeper.release().unwrap();
        kept.mac.edit(|mac| mac.services[0].is_connected = true);
        assert_eq!(kept.mac.asks(), [ip("10.1.0.1")]);
    }
}

/// github.com/Control-D-Inc/ctrld/issues/34: after sleep the settings are gone, and nothing sets them again.
#[test]
fn settings_that_sleep_cost_are_made_again() {
    for has_store in [true, false] {
        let mac = ModelMac::new();
        let mut kept = if has_store { KeptMac::new(mac) } else { KeptMac::without_store(mac) };
        kept.mac.edit(|mac| {
            mac.entry = None;
            mac.services[0].by_hand = None;
        });
        kept.keeper.observe(kept.now, DaemonProbe::Answered, true);
        kept.run(3);
        assert_eq!(kept.mac.asks(), own_servers());
    }
}

/// github.com/tailscale/tailscale/issues/16466: `tailscale down` leaves 100.100.100.100 behind, and nothing resolves.
#[test]
fn the_resolver_of_tailscale_is_left_and_named_until_it_goes() {
    let mut kept = KeptMac::new(ModelMac::new());
    kept.mac.edit(|mac| mac.vpn = Some(("utun4", vec![ip("100.100.100.100")])));
    kept.run(60);
    assert_eq!(kept.left_to(), Some(DnsAuthor::Vpn("Tailscale".to_owned())));
    // `tailscale down`: the tunnel goes, and the entry without an interface stays.
    kept.mac.edit(|mac| {
        mac.vpn = None;
        mac.foreign_entry = Some(vec![ip("100.100.100.100")]);
    });
    kept.run(60);
    assert_eq!(kept.left_to(), Some(DnsAuthor::Vpn("Tailscale".to_owned())), "the culprit is told");
    kept.mac.edit(|mac| mac.foreign_entry = None);
    kept.run(10);
    assert_eq!(kept.mac.asks(), own_servers());
    assert_eq!(kept.keeper.condition(), SwitchCondition::Ours);
}

/// github.com/mullvad/mullvadvpn-app (its answer to `captive.apple.com`): without a network the settings stay, so that
/// the daemon can answer.
#[test]
fn without_a_network_nothing_is_taken_for_a_failure() {
    let mut kept = KeptMac::new(ModelMac::new());
    let network = kept.mac.read(|mac| mac.services[0].clone());
    kept.mac.edit(|mac| mac.services.clear());
    kept.run(3600);
    assert_eq!(kept.mac.asks(), own_servers());
    kept.mac.edit(|mac| mac.services.push(network));
    kept.run(5);
    assert_eq!(kept.mac.asks(), own_servers());
}

#[test]
fn a_silent_daemon_gives_the_former_settings_back_within_ten_seconds() {
    for has_store in [true, false] {
        for probe in [DaemonProbe::Refused, DaemonProbe::Silent] {
            let mac = ModelMac::new();
            let mut kept = if has_store { KeptMac::new(mac) } else { KeptMac::without_store(mac) };
            kept.probe = probe;
            kept.run(10);
            assert_eq!(kept.mac.asks(), of_wifi());
            assert_eq!(kept.keeper.condition(), SwitchCondition::DaemonFailed);
            kept.probe = DaemonProbe::Answered;
            kept.run(10);
            assert_eq!(kept.mac.asks(), own_servers());
            assert_eq!(kept.keeper.condition(), SwitchCondition::Ours);
        }
    }
}

#[test]
fn the_choice_of_a_person_is_left_and_survives_the_release() {
    for has_store in [true, false] {
        let mac = ModelMac::new();
        let mut kept = if has_store { KeptMac::new(mac) } else { KeptMac::without_store(mac) };
        kept.mac.edit(|mac| mac.services[0].by_hand = Some(quad9()));
        kept.run(30);
        assert_eq!(kept.mac.asks(), quad9());
        assert_eq!(kept.left_to(), Some(DnsAuthor::Unknown));
        kept.keeper.release().unwrap();
        assert_eq!(kept.mac.asks(), quad9());
    }
}

#[test]
fn a_profile_that_bypasses_both_means_is_told_and_leaves_no_setting() {
    let mac = ModelMac::new();
    mac.edit(|mac| mac.profile = Some(quad9()));
    let mut kept = KeptMac::new(mac);
    kept.run(120);
    assert!(
        matches!(kept.keeper.condition(), SwitchCondition::Failed { reason } if reason == BYPASSED)
    );
    assert_eq!(kept.mac.read(|mac| mac.services[0].by_hand.clone()), None);
    let written = kept.mac.read(|mac| mac.settings_written);
    kept.run(3600);
    assert_eq!(kept.mac.read(|mac| mac.settings_written), written, "not tried again and again");
}

#[test]
fn a_program_that_fails_is_told_and_tried_again() {
    let mac = ModelMac::new();
    mac.edit(|mac| mac.refuses = true);
    let mut kept = KeptMac::new(mac);
    assert!(matches!(kept.keeper.condition(), SwitchCondition::Failed { .. }));
    assert_eq!(kept.mac.asks(), of_wifi());
    kept.mac.edit(|mac| mac.refuses = false);
    kept.run(70);
    assert_eq!(kept.keeper.condition(), SwitchCondition::Ours);
    assert_eq!(kept.mac.asks(), own_servers());
}
