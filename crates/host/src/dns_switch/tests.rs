//! The switch in virtual time, on a machine made of values.

use super::*;

/// The daemon as a function of time.
type DaemonModel = fn(f64) -> DaemonProbe;

/// A machine with settings that follow the actions, until a test changes the settings.
struct SwitchedMachine {
    now: Duration,
    switch: DnsSwitch,
    setting: DnsSetting,
    former: DnsSetting,
    /// Actions with their times in seconds.
    actions: Vec<(f64, SwitchAction)>,
    refusal: Option<&'static str>,
}

fn foreign(author: DnsAuthor) -> DnsSetting {
    DnsSetting::Foreign { servers: vec!["192.0.2.1".to_owned()], author }
}

fn dhcp() -> DnsSetting {
    foreign(DnsAuthor::Network("dhclient".to_owned()))
}

fn vpn() -> DnsSetting {
    foreign(DnsAuthor::Vpn("Tailscale".to_owned()))
}

fn well(_: f64) -> DaemonProbe {
    DaemonProbe::Answered
}

impl SwitchedMachine {
    fn new(former: DnsSetting) -> Self {
        SwitchedMachine {
            now: Duration::ZERO,
            switch: DnsSwitch::new(None),
            setting: former.clone(),
            former,
            actions: Vec::new(),
            refusal: None,
        }
    }

    /// Runs until `end`, in seconds.
    fn run(&mut self, end: u64, daemon: DaemonModel) {
        while self.now < Duration::from_secs(end) {
            let probe = daemon(self.now.as_secs_f64());
            // A silent daemon takes the timeout of a question.
            if probe == DaemonProbe::Silent {
                self.now += Duration::from_secs(1);
            }
            if let Some(action) = self.switch.observe(self.now, probe, Some(self.setting.clone())) {
                self.act(action);
            }
            self.now += self.switch.interval();
        }
    }

    fn act(&mut self, action: SwitchAction) {
        self.actions.push((self.now.as_secs_f64(), action));
        if let Some(reason) = self.refusal {
            return self.switch.ended(action, Err(reason.to_owned()));
        }
        match action {
            // Changed settings stay.
            SwitchAction::Release if self.setting == DnsSetting::Ours => {
                self.setting = self.former.clone();
            }
            SwitchAction::Release if matches!(self.setting, DnsSetting::OursBeforeVpn { .. }) => {
                self.setting = vpn();
            }
            SwitchAction::Release => {}
            SwitchAction::Take | SwitchAction::Renew => {
                if self.setting != DnsSetting::Ours {
                    self.former = self.setting.clone();
                }
                self.setting = DnsSetting::Ours;
            }
        }
        self.switch.ended(action, Ok(()));
    }

    fn names(&self) -> Vec<SwitchAction> {
        self.actions.iter().map(|(_, action)| *action).collect()
    }

    /// The time of the last action.
    fn last(&self) -> f64 {
        self.actions.last().unwrap().0
    }
}

/// A machine that asks ours since some seconds.
fn taken() -> SwitchedMachine {
    let mut machine = SwitchedMachine::new(dhcp());
    machine.run(10, well);
    assert_eq!(machine.names(), [SwitchAction::Take]);
    assert!(machine.last() <= 1.0 && machine.switch.condition() == SwitchCondition::Ours);
    machine
}

#[test]
fn nothing_changes_before_the_daemon_answers() {
    let mut machine = SwitchedMachine::new(dhcp());
    machine.run(100, |_| DaemonProbe::Refused);
    machine.run(200, |_| DaemonProbe::Silent);
    assert_eq!(machine.names(), []);
    assert_eq!(machine.switch.condition(), SwitchCondition::NotReady);
    machine.run(202, well);
    assert_eq!((machine.names(), machine.setting), (vec![SwitchAction::Take], DnsSetting::Ours));
}

#[test]
fn a_daemon_that_ends_or_hangs_gives_the_former_settings_back_within_ten_seconds() {
    for daemon in [|_| DaemonProbe::Refused, |_| DaemonProbe::Silent] as [DaemonModel; 2] {
        let mut machine = taken();
        machine.run(60, daemon);
        assert_eq!(machine.names(), [SwitchAction::Take, SwitchAction::Release]);
        // The daemon answered for the last time at 9 s at the latest.
        assert!(machine.last() < 8.0 + 10.0, "{:?}", machine.actions);
        assert_eq!(machine.setting, dhcp());
        assert_eq!(machine.switch.condition(), SwitchCondition::DaemonFailed);
        machine.run(100, well);
        assert!(machine.last() < 60.0 + 10.0 && machine.setting == DnsSetting::Ours);
        assert_eq!(machine.switch.condition(), SwitchCondition::Ours);
    }
}

#[test]
fn a_quick_restart_changes_nothing() {
    let mut machine = taken();
    machine.run(200, |now| match now {
        20.0..22.0 => DaemonProbe::Refused,
        100.0..102.0 => DaemonProbe::Silent,
        _ => DaemonProbe::Answered,
    });
    assert_eq!(machine.names(), [SwitchAction::Take]);
}

#[test]
fn a_crash_loop_of_any_period_leaves_the_former_settings_or_answers() {
    let loops: [DaemonModel; 3] = [
        |now| if now % 1.5 < 0.6 { DaemonProbe::Answered } else { DaemonProbe::Refused },
        |now| if now % 2.5 < 1.4 { DaemonProbe::Answered } else { DaemonProbe::Refused },
        |now| if now % 4.0 < 3.0 { DaemonProbe::Answered } else { DaemonProbe::Silent },
    ];
    for daemon in loops {
        let mut machine = taken();
        machine.run(120, daemon);
        assert_eq!(machine.names(), [SwitchAction::Take, SwitchAction::Release]);
        assert!(machine.last() < 10.0 + 10.0, "{:?}", machine.actions);
        assert_eq!(machine.switch.condition(), SwitchCondition::DaemonFailed);
        machine.run(200, well);
        assert!(machine.setting == DnsSetting::Ours && machine.last() < 120.0 + 10.0);
    }
}

#[test]
fn settings_overwritten_by_the_network_are_taken_again_with_the_new_ones_behind_them() {
    let mut machine = taken();
    let other = DnsSetting::Foreign {
        servers: vec!["198.51.100.1".to_owned()],
        author: DnsAuthor::Network("NetworkManager".to_owned()),
    };
    machine.setting = other.clone();
    machine.run(20, well);
    assert_eq!(machine.names(), [SwitchAction::Take, SwitchAction::Renew]);
    assert_eq!(machine.setting, DnsSetting::Ours);
    machine.run(40, |_| DaemonProbe::Refused);
    assert_eq!(machine.setting, other, "the servers of the network of now");
}

#[test]
fn two_programs_do_not_fight() {
    let mut machine = taken();
    for _ in 0..600 {
        machine.setting = dhcp();
        let end = machine.now.as_secs() + 2;
        machine.run(end, well);
    }
    let author = DnsAuthor::Network("dhclient".to_owned());
    assert!(machine.actions.len() < 40, "{}", machine.actions.len());
    machine.setting = dhcp();
    let end = machine.now.as_secs() + 4;
    machine.run(end, well);
    assert_eq!(machine.switch.condition(), SwitchCondition::Contested { author });
}

#[test]
fn a_vpn_is_left_alone_until_it_goes() {
    let mut machine = taken();
    machine.setting = vpn();
    machine.run(60, well);
    assert_eq!(machine.names(), [SwitchAction::Take]);
    let left = SwitchCondition::Left {
        author: DnsAuthor::Vpn("Tailscale".to_owned()),
        servers: vec!["192.0.2.1".to_owned()],
    };
    assert_eq!(machine.switch.condition(), left);
    // The VPN puts back what was there before.
    machine.setting = DnsSetting::Ours;
    machine.run(120, well);
    assert_eq!(machine.switch.condition(), SwitchCondition::Ours);
    // Or it wipes out everything.
    machine.setting = vpn();
    machine.run(160, well);
    machine.setting = DnsSetting::Foreign { servers: Vec::new(), author: DnsAuthor::Unknown };
    machine.run(240, well);
    assert_eq!(machine.names(), [SwitchAction::Take, SwitchAction::Renew]);
    // A VPN that was there first.
    let mut machine = SwitchedMachine::new(vpn());
    machine.run(60, well);
    assert_eq!((machine.names(), machine.switch.condition()), (Vec::new(), left));
    machine.setting = dhcp();
    machine.run(70, well);
    assert_eq!(machine.setting, DnsSetting::Ours);
}

#[test]
fn our_server_steps_back_for_a_vpn_that_would_not_be_asked() {
    let mut machine = taken();
    let DnsSetting::Foreign { servers, author } = vpn() else { panic!("the VPN is foreign") };
    machine.setting =
        DnsSetting::OursBeforeVpn { servers: servers.clone(), author: author.clone() };
    machine.run(60, well);
    assert_eq!(machine.names(), [SwitchAction::Take, SwitchAction::Release]);
    assert_eq!(machine.setting, vpn());
    assert_eq!(machine.switch.condition(), SwitchCondition::Left { author, servers });
    // The VPN goes.
    machine.setting = dhcp();
    machine.run(70, well);
    assert_eq!(machine.setting, DnsSetting::Ours);
    assert_eq!(machine.switch.condition(), SwitchCondition::Ours);
}

#[test]
fn the_choice_of_a_person_is_left_alone_through_a_failure_and_a_restart_of_the_switch() {
    let mut machine = taken();
    let chosen = foreign(DnsAuthor::Unknown);
    machine.setting = chosen.clone();
    machine.run(60, well);
    machine.run(80, |_| DaemonProbe::Refused);
    machine.run(200, well);
    assert_eq!(machine.setting, chosen);
    let left = machine.switch.condition();
    assert!(matches!(&left, SwitchCondition::Left { author: DnsAuthor::Unknown, .. }));
    let choice = machine.switch.choice().cloned();
    assert_eq!(choice.as_ref(), Some(&chosen));
    machine.switch = DnsSwitch::new(choice);
    machine.run(300, well);
    assert_eq!(machine.setting, chosen);
    // The network, or the person, makes an end of the choice.
    machine.setting = dhcp();
    machine.run(400, well);
    assert_eq!((machine.setting, machine.switch.choice()), (DnsSetting::Ours, None));
    // A file by hand from before the install is no choice against us.
    let mut machine = SwitchedMachine::new(chosen);
    machine.run(10, well);
    assert_eq!(machine.setting, DnsSetting::Ours);
}

#[test]
fn a_choice_withdrawn_by_an_install_is_none_until_the_settings_change() {
    let mut machine = taken();
    let chosen = foreign(DnsAuthor::Unknown);
    machine.setting = chosen.clone();
    machine.run(60, well);
    machine.switch.forget_choice();
    machine.run(70, well);
    assert_eq!((&machine.setting, machine.switch.choice()), (&DnsSetting::Ours, None));
    // The next choice counts again, also with the same servers.
    machine.setting = chosen.clone();
    machine.run(130, well);
    assert_eq!(machine.switch.choice(), Some(&chosen));
    // After a boot: no action has gone before.
    let mut machine = SwitchedMachine::new(chosen.clone());
    machine.switch = DnsSwitch::new(Some(chosen.clone()));
    machine.run(60, well);
    assert_eq!((&machine.setting, machine.switch.choice()), (&chosen, Some(&chosen)));
    machine.switch.forget_choice();
    machine.run(70, well);
    assert_eq!(machine.setting, DnsSetting::Ours);
}

#[test]
fn a_half_written_file_is_no_change() {
    let mut machine = taken();
    let now = machine.now;
    let half = DnsSetting::Foreign { servers: Vec::new(), author: DnsAuthor::Unknown };
    assert_eq!(machine.switch.observe(now, DaemonProbe::Answered, Some(half)), None);
    let well = Some(DnsSetting::Ours);
    assert_eq!(machine.switch.observe(now, DaemonProbe::Answered, well), None);
    assert_eq!(machine.switch.observe(now, DaemonProbe::Answered, None), None);
    assert_eq!(machine.switch.condition(), SwitchCondition::Ours);
}

#[test]
fn a_full_disk_is_told_and_tried_again_with_pauses() {
    let mut machine = SwitchedMachine::new(dhcp());
    machine.refusal = Some("no space left on device");
    machine.run(600, well);
    let reason = "no space left on device".to_owned();
    assert_eq!(machine.switch.condition(), SwitchCondition::Failed { reason });
    assert!(machine.actions.len() < 20, "{}", machine.actions.len());
    machine.refusal = None;
    machine.run(700, well);
    assert_eq!(
        (machine.setting, machine.switch.condition()),
        (DnsSetting::Ours, SwitchCondition::Ours)
    );
}
