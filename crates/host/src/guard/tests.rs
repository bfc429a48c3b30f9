//! The guard on a Mac made of values, in virtual time, against reported bugs of similar programs.

use super::*;
use crate::daemon_health::DaemonProbe;

/// A Mac with networks, a VPN, a person, a daemon and a guard.
struct Mac {
    now: Duration,
    guard: Guard,
    daemon_answers: bool,
    /// The servers in our entry.
    entry: Option<Vec<IpAddr>>,
    /// Networks by preference: service, interface, and the servers that DHCP named.
    networks: Vec<(&'static str, &'static str, Vec<IpAddr>)>,
    by_hand: ServersByHand,
    /// The interface of a VPN, with a resolver for all names, if any.
    vpn: Option<(&'static str, Vec<IpAddr>)>,
    /// The servers in an entry of a program, with an order before ours and no interface.
    foreign_entry: Option<Vec<IpAddr>>,
    /// A program that removes our entry every second.
    removes_entry: bool,
    shown: Option<StoreView>,
    log: Vec<GuardAction>,
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn own() -> Vec<IpAddr> {
    vec![ip("127.0.0.1")]
}

fn resolver(interface: Option<&str>, servers: &[IpAddr]) -> SystemResolver {
    SystemResolver {
        servers: servers.iter().map(|server| (*server, 53).into()).collect(),
        interface: interface.map(str::to_owned),
        ..SystemResolver::default()
    }
}

impl Mac {
    /// On a Wi-Fi whose DHCP server names two servers, after an installation.
    fn new() -> Self {
        Mac::with(ServersByHand::new())
    }

    fn with(by_hand: ServersByHand) -> Self {
        let wifi = ("wifi", "en0", vec![ip("192.168.1.1"), ip("192.168.1.2")]);
        let mut mac = Mac {
            now: Duration::from_secs(1000),
            guard: Guard::new(own(), by_hand.clone()),
            daemon_answers: true,
            entry: None,
            networks: vec![wifi],
            by_hand,
            vpn: None,
            foreign_entry: None,
            removes_entry: false,
            shown: None,
            log: Vec::new(),
        };
        mac.run(5);
        mac.log.clear();
        mac
    }

    /// The store as made by configd of all entries: VPNs first, then our entry, then the networks.
    fn view(&self) -> StoreView {
        let mut resolvers = Vec::new();
        if let Some((interface, servers)) = self.vpn.as_ref().filter(|(_, own)| !own.is_empty()) {
            resolvers.push(resolver(Some(interface), servers));
        }
        resolvers.extend(self.foreign_entry.as_ref().map(|servers| resolver(None, servers)));
        resolvers.extend(self.entry.as_ref().map(|servers| resolver(None, servers)));
        for (service, interface, of_dhcp) in &self.networks {
            let by_hand = self.by_hand.get(*service).filter(|servers| !servers.is_empty());
            resolvers.push(resolver(Some(interface), by_hand.unwrap_or(of_dhcp)));
        }
        // The tunnel of the system itself is always there.
        let names = self.networks.iter().map(|network| network.1).chain(["utun0"]);
        let names = names.chain(self.vpn.as_ref().map(|vpn| vpn.0));
        let interfaces = names.map(str::to_owned).collect();
        StoreView { own: self.entry.clone(), resolvers, by_hand: self.by_hand.clone(), interfaces }
    }

    fn tell(&mut self, event: GuardEvent) {
        for action in self.guard.observe(self.now, event) {
            match &action {
                GuardAction::Enter(servers) => self.entry = Some(servers.clone()),
                GuardAction::Remove => self.entry = None,
                GuardAction::Report(_) | GuardAction::NetworkServers(_) => {}
            }
            if matches!(action, GuardAction::Enter(_) | GuardAction::Remove) {
                self.shown = None;
            }
            self.log.push(action);
        }
    }

    fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            if self.removes_entry {
                self.entry = None;
            }
            self.tell(GuardEvent::Probed(match self.daemon_answers {
                true => DaemonProbe::Answered,
                false => DaemonProbe::Silent,
            }));
            let view = self.view();
            if self.shown.as_ref() != Some(&view) {
                self.shown = Some(view.clone());
                self.tell(GuardEvent::Store(view));
            }
            self.tell(GuardEvent::Tick);
        }
    }

    /// The servers that the system asks.
    fn asks(&self) -> Vec<IpAddr> {
        let first = self.view().resolvers.into_iter().next();
        first.into_iter().flat_map(|first| first.servers).map(|server| server.ip()).collect()
    }

    fn entries(&self) -> usize {
        self.log.iter().filter(|action| matches!(action, GuardAction::Enter(_))).count()
    }

    fn has_reported(&self, condition: &DnsCondition) -> bool {
        self.log.contains(&GuardAction::Report(condition.clone()))
    }
}

/// Saved settings get lost: a second installation overwrites the backup (a scar of github.com/razvandimescu/numa), or
/// the second of two servers does not come back (issue 182 there).
#[test]
fn nothing_is_saved_so_that_nothing_is_lost() {
    let before = ServersByHand::from([("wifi".into(), vec![ip("9.9.9.9"), ip("149.112.112.112")])]);
    let mut mac = Mac::with(before.clone());
    assert_eq!(mac.asks(), own(), "servers that were there before are no change by hand");
    // Installed once more.
    mac.guard = Guard::new(own(), mac.by_hand.clone());
    mac.run(30);
    assert_eq!(mac.asks(), own());
    // Uninstalled: the program with the temporary entry ends.
    mac.entry = None;
    assert_eq!(mac.asks(), before["wifi"]);
    assert_eq!(mac.by_hand, before);
}

#[test]
fn a_renewal_by_dhcp_changes_nothing_and_the_daemon_hears_of_it() {
    let mut mac = Mac::new();
    mac.networks[0].2 = vec![ip("10.0.0.1")];
    mac.run(2);
    assert_eq!(mac.asks(), own());
    let servers = GuardAction::NetworkServers(vec![(ip("10.0.0.1"), 53).into()]);
    assert_eq!(mac.log, [servers]);
}

/// github.com/Control-D-Inc/ctrld/issues/18: the DNS of a network that comes with a dock is not set.
#[test]
fn a_dock_needs_no_entry_of_its_own() {
    let mut mac = Mac::new();
    mac.networks.insert(0, ("dock", "en7", vec![ip("10.1.0.1")]));
    mac.run(60);
    assert_eq!((mac.asks(), mac.entries()), (own(), 0));
    mac.networks.remove(0);
    mac.run(60);
    assert_eq!((mac.asks(), mac.entries()), (own(), 0));
}

#[test]
fn a_vpn_with_a_resolver_is_left_alone_and_told() {
    let mut mac = Mac::new();
    // As in github.com/eduvpn/apple/issues/250.
    mac.vpn = Some(("utun2", vec![ip("10.83.200.1")]));
    mac.run(300);
    assert_eq!((mac.asks(), mac.entries()), (vec![ip("10.83.200.1")], 0));
    assert!(mac.has_reported(&DnsCondition::Vpn(vec![ip("10.83.200.1")])));
    mac.vpn = None;
    mac.run(2);
    assert_eq!(mac.asks(), own());
    assert_eq!(mac.guard.condition(), Some(&DnsCondition::Ours));
}

/// As in github.com/fosrl/apple/issues/63: an entry with order 102,400 and no interface.
#[test]
fn an_entry_of_a_further_program_is_left_alone_and_told() {
    let mut mac = Mac::new();
    mac.foreign_entry = Some(vec![ip("100.96.128.1")]);
    mac.run(3600);
    assert_eq!((mac.asks(), mac.entries()), (vec![ip("100.96.128.1")], 0));
    assert_eq!(mac.guard.condition(), Some(&DnsCondition::Vpn(vec![ip("100.96.128.1")])));
    mac.foreign_entry = None;
    mac.run(2);
    assert_eq!(mac.guard.condition(), Some(&DnsCondition::Ours));
}

/// github.com/Control-D-Inc/ctrld/issues/290: a VPN sets servers "by hand" and wipes every server at the end.
#[test]
fn a_vpn_that_wipes_the_settings_leaves_our_entry() {
    for delay in [0, 5] {
        let mut mac = Mac::new();
        // The servers may come before the tunnel.
        mac.by_hand.insert("wifi".into(), vec![ip("10.255.255.2")]);
        mac.run(delay);
        mac.vpn = Some(("utun5", Vec::new()));
        mac.run(60);
        assert_eq!(mac.asks(), [ip("10.255.255.2")], "a VPN's change is left");
        assert!(mac.has_reported(&DnsCondition::Vpn(vec![ip("10.255.255.2")])));
        mac.by_hand.insert("wifi".into(), Vec::new());
        mac.vpn = None;
        mac.run(2);
        assert_eq!(mac.asks(), own());
    }
}

/// github.com/mozilla-mobile/mozilla-vpn-client/issues/1578, github.com/fosrl/apple/issues/63: the servers of a VPN
/// that is gone stay behind, and no name resolves.
#[test]
fn servers_that_a_vpn_left_behind_are_not_asked() {
    let mut mac = Mac::new();
    mac.vpn = Some(("utun6", Vec::new()));
    mac.by_hand.insert("wifi".into(), vec![ip("100.96.128.1")]);
    mac.run(3600);
    assert_eq!(mac.asks(), [ip("100.96.128.1")]);
    mac.vpn = None;
    mac.run(3600);
    assert_eq!(mac.asks(), own());
}

#[test]
fn servers_set_by_a_person_are_left_until_the_person_removes_them() {
    let mut mac = Mac::new();
    let servers = vec![ip("1.1.1.1"), ip("1.0.0.1")];
    mac.by_hand.insert("wifi".into(), servers.clone());
    mac.run(15);
    assert_eq!(mac.asks(), servers);
    assert!(mac.has_reported(&DnsCondition::ByHand { service: "wifi".into(), servers }));
    mac.run(3600);
    assert_eq!(mac.entries(), 0);
    mac.by_hand.clear();
    mac.run(2);
    assert_eq!(mac.asks(), own());
}

/// github.com/Control-D-Inc/ctrld/issues/34, github.com/Tunnelblick/Tunnelblick/issues/552: after sleep the resolver
/// fails, or is no longer there.
#[test]
fn sleep_is_no_silence_and_an_entry_that_it_cost_is_made_again() {
    for entry_survives in [true, false] {
        let mut mac = Mac::new();
        mac.now += Duration::from_secs(8 * 3600);
        // Neither a network nor an answer comes at once.
        let networks = std::mem::take(&mut mac.networks);
        if !entry_survives {
            mac.entry = None;
        }
        mac.daemon_answers = false;
        mac.tell(GuardEvent::Woke);
        mac.run(4);
        assert!(!mac.log.contains(&GuardAction::Remove));
        mac.daemon_answers = true;
        mac.networks = networks;
        mac.run(3);
        assert_eq!((mac.asks(), mac.entries()), (own(), usize::from(!entry_survives)));
    }
}

/// github.com/Control-D-Inc/ctrld/issues/59, github.com/nextdns/nextdns/issues/17: a network asks for a log-in, and
/// `captive.apple.com` has to be resolved by the servers of that network.
#[test]
fn the_servers_of_a_new_network_are_told_at_once() {
    let mut mac = Mac::new();
    mac.networks = vec![("hotel", "en0", vec![ip("172.16.0.1")])];
    mac.run(1);
    let told = GuardAction::NetworkServers(vec![(ip("172.16.0.1"), 53).into()]);
    assert_eq!(mac.log, [told]);
    assert_eq!(mac.asks(), own());
    mac.networks.clear();
    mac.run(1);
    assert_eq!(mac.log.last(), Some(&GuardAction::NetworkServers(Vec::new())));
}

#[test]
fn without_the_daemon_the_system_asks_as_before_within_ten_seconds() {
    let mut mac = Mac::new();
    mac.daemon_answers = false;
    mac.run(10);
    assert_eq!(mac.asks(), [ip("192.168.1.1"), ip("192.168.1.2")]);
    assert!(mac.has_reported(&DnsCondition::DaemonSilent));
    // Answers for some seconds now and then.
    for _ in 0..10 {
        mac.run(20);
        assert_ne!(mac.asks(), own());
        mac.daemon_answers = true;
        mac.run(1);
        assert_ne!(mac.asks(), own(), "one answer is no recovery");
        mac.run(5);
        assert_eq!(mac.asks(), own());
        mac.daemon_answers = false;
    }
    mac.daemon_answers = true;
    mac.run(10);
    assert_eq!(mac.asks(), own());
    assert_eq!(mac.guard.condition(), Some(&DnsCondition::Ours));
}

#[test]
fn a_daemon_that_never_answered_gets_no_entry() {
    let mut guard = Guard::new(own(), ServersByHand::new());
    let mut tell = |seconds, event| guard.observe(Duration::from_secs(seconds), event);
    assert_eq!(tell(0, GuardEvent::Woke), []);
    assert_eq!(tell(1, GuardEvent::Store(StoreView::default())), []);
    assert_eq!(tell(100, GuardEvent::Probed(DaemonProbe::Silent)), []);
    assert_eq!(tell(101, GuardEvent::Probed(DaemonProbe::Answered)), [GuardAction::Enter(own())]);
}

#[test]
fn no_fight_is_fought_with_a_program_that_removes_the_entry() {
    let mut mac = Mac::new();
    mac.removes_entry = true;
    mac.run(3600);
    let pauses = 60 + 7;
    assert!((10..=pauses).contains(&mac.entries()), "{}", mac.entries());
    let servers = vec![ip("192.168.1.1"), ip("192.168.1.2")];
    assert!(mac.has_reported(&DnsCondition::Contested(servers)));
    mac.removes_entry = false;
    mac.run(61);
    assert_eq!(mac.asks(), own());
    assert_eq!(mac.guard.condition(), Some(&DnsCondition::Ours));
    // Calm for a while: the next loss is mended at once.
    mac.run(130);
    mac.entry = None;
    mac.run(2);
    assert_eq!(mac.asks(), own());
}

/// Whatever happened before: without the daemon the system never asks us for longer than ten seconds; and with the
/// daemon, in calm, the system does ask us, but for a VPN and a person's choice.
#[test]
fn whatever_happened_the_system_asks_a_server_that_answers() {
    let mut seed = 7_u64;
    let mut draw = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for _ in 0..50 {
        let mut mac = Mac::new();
        for _ in 0..20 {
            match draw(10) {
                0 => mac.daemon_answers = !mac.daemon_answers,
                1 => mac.vpn = Some(("utun7", Vec::new())),
                2 => mac.vpn = Some(("utun8", vec![ip("10.8.0.1")])),
                3 => mac.vpn = None,
                4 => drop(mac.by_hand.insert("wifi".into(), vec![ip("1.1.1.1")])),
                5 => mac.by_hand.clear(),
                6 => mac.entry = None,
                7 => mac.removes_entry = !mac.removes_entry,
                8 => mac.networks.reverse(),
                _ => mac.tell(GuardEvent::Woke),
            }
            mac.run(draw(30));
        }
        mac.daemon_answers = false;
        mac.run(10);
        assert_ne!(mac.asks(), own());
        mac.daemon_answers = true;
        (mac.vpn, mac.removes_entry) = (None, false);
        mac.by_hand.clear();
        mac.run(130);
        assert_eq!(mac.asks(), own());
        assert_eq!(mac.guard.condition(), Some(&DnsCondition::Ours));
    }
}
