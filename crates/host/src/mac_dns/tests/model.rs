//! A Mac made of values, which answers by the texts of its programs. Clones are the same Mac.

use std::cell::RefCell;
use std::fmt::Write;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;

use crate::mac_dns::MacPrograms;
use crate::plan::{CommandEnd, CommandRunner, SystemCommand};
use crate::reports::scutil_dns;
use crate::resolvers::SystemResolver;

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[derive(Clone, Debug)]
pub(super) struct NetworkService {
    name: String,
    interface: String,
    of_dhcp: Vec<IpAddr>,
    pub(super) by_hand: Option<Vec<IpAddr>>,
    pub(super) is_connected: bool,
}

impl NetworkService {
    pub(super) fn new(name: &str, interface: &str, of_dhcp: &[&str]) -> Self {
        NetworkService {
            name: name.to_owned(),
            interface: interface.to_owned(),
            of_dhcp: of_dhcp.iter().map(|server| ip(server)).collect(),
            by_hand: None,
            is_connected: true,
        }
    }

    /// The identifier: without spaces.
    fn id(&self) -> String {
        self.name.replace(' ', "-").replace('/', ".")
    }
}

/// The state.
#[derive(Debug)]
pub(super) struct MacState {
    /// By preference.
    pub(super) services: Vec<NetworkService>,
    /// The servers of our entry.
    pub(super) entry: Option<Vec<IpAddr>>,
    /// Programs ask the servers of our entry.
    pub(super) honours_entry: bool,
    /// The servers of a profile, asked whatever is set.
    pub(super) profile: Option<Vec<IpAddr>>,
    pub(super) vpn: Option<(&'static str, Vec<IpAddr>)>,
    pub(super) foreign_entry: Option<Vec<IpAddr>>,
    /// Every change is refused.
    pub(super) refuses: bool,
    /// Changes by networksetup.
    pub(super) settings_written: usize,
}

#[derive(Clone, Debug)]
pub(super) struct ModelMac(Rc<RefCell<MacState>>);

impl ModelMac {
    pub(super) fn new() -> Self {
        ModelMac(Rc::new(RefCell::new(MacState {
            services: vec![NetworkService::new("Wi-Fi", "en0", &["192.168.1.1", "192.168.1.2"])],
            entry: None,
            honours_entry: true,
            profile: None,
            vpn: None,
            foreign_entry: None,
            refuses: false,
            settings_written: 0,
        })))
    }

    pub(super) fn edit(&self, change: impl FnOnce(&mut MacState)) {
        change(&mut self.0.borrow_mut());
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&MacState) -> T) -> T {
        look(&self.0.borrow())
    }

    /// The servers asked by programs.
    pub(super) fn asks(&self) -> Vec<IpAddr> {
        self.read(|mac| {
            if let Some(servers) = &mac.profile {
                return servers.clone();
            }
            let is_asked = |(interface, servers): &&(Option<String>, Vec<IpAddr>)| {
                let is_entry = interface.is_none() && Some(servers) == mac.entry.as_ref();
                mac.honours_entry || !is_entry
            };
            let resolvers = mac.resolvers();
            resolvers.iter().find(is_asked).map(|(_, servers)| servers.clone()).unwrap_or_default()
        })
    }
}

impl MacState {
    /// Interface and servers of each resolver for all names, most preferred first.
    fn resolvers(&self) -> Vec<(Option<String>, Vec<IpAddr>)> {
        let mut resolvers = Vec::new();
        if let Some((interface, servers)) = self.vpn.as_ref().filter(|(_, own)| !own.is_empty()) {
            resolvers.push((Some((*interface).to_owned()), servers.clone()));
        }
        resolvers.extend(self.foreign_entry.clone().map(|servers| (None, servers)));
        resolvers.extend(self.entry.clone().map(|servers| (None, servers)));
        for service in self.services.iter().filter(|service| service.is_connected) {
            let servers = service.by_hand.clone().unwrap_or_else(|| service.of_dhcp.clone());
            resolvers.push((Some(service.interface.clone()), servers));
        }
        resolvers
    }

    /// As `scutil --dns` shows the resolvers.
    fn shown_resolvers(&self) -> String {
        let mut text = "DNS configuration\n".to_owned();
        for (number, (interface, servers)) in self.resolvers().iter().enumerate() {
            let _ = writeln!(text, "\nresolver #{}", number + 1);
            for (at, server) in servers.iter().enumerate() {
                let _ = writeln!(text, "  nameserver[{at}] : {server}");
            }
            if let Some(interface) = interface {
                let _ = writeln!(text, "  if_index : 4 ({interface})");
            }
        }
        text
    }

    /// As scutil(8) answers a command.
    fn answer(&self, command: &str) -> String {
        if command.starts_with("list Setup:") {
            let services = self.services.iter().filter(|service| service.by_hand.is_some());
            let keys =
                services.map(|service| format!("Setup:/Network/Service/{}/DNS", service.id()));
            return listed(keys);
        }
        if command.starts_with("list State:") {
            let services = self.services.iter().filter(|service| service.is_connected);
            let names = services.map(|service| service.interface.clone());
            let names = names.chain(["utun0".to_owned()]);
            let names = names.chain(self.vpn.as_ref().map(|vpn| vpn.0.to_owned()));
            return listed(names.map(|name| format!("State:/Network/Interface/{name}/IPv4")));
        }
        let servers = match command.strip_prefix("show Setup:/Network/Service/") {
            Some(rest) => {
                let service = self.services.iter().find(|service| rest == service.id() + "/DNS");
                service.and_then(|service| service.by_hand.as_ref())
            }
            None => self.entry.as_ref(),
        };
        let Some(servers) = servers else { return "  No such key\n".to_owned() };
        let mut text = "<dictionary> {\n  ServerAddresses : <array> {\n".to_owned();
        for (at, server) in servers.iter().enumerate() {
            let _ = writeln!(text, "    {at} : {server}");
        }
        text + "  }\n}\n"
    }
}

fn listed(keys: impl Iterator<Item = String>) -> String {
    let lines = keys.enumerate().map(|(at, key)| format!("  subKey [{at}] = {key}\n"));
    let text: String = lines.collect();
    if text.is_empty() { "  no keys.\n".to_owned() } else { text }
}

impl MacPrograms for ModelMac {
    fn resolvers(&mut self) -> Option<Vec<SystemResolver>> {
        Some(scutil_dns::resolvers(&self.read(MacState::shown_resolvers)))
    }

    fn ask_store(&mut self, commands: &str) -> Option<String> {
        Some(self.read(|mac| commands.lines().map(|command| mac.answer(command)).collect()))
    }

    fn tell_store(&mut self, commands: &str) -> io::Result<()> {
        let mut mac = self.0.borrow_mut();
        if mac.refuses {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut servers = Vec::new();
        for line in commands.lines() {
            if let Some(list) = line.strip_prefix("d.add ServerAddresses * ") {
                servers = list.split(' ').map(ip).collect();
            } else if line.starts_with("remove ") {
                mac.entry = None;
            } else if line.starts_with("add ") {
                mac.entry = Some(servers.clone());
            }
        }
        Ok(())
    }
}

impl CommandRunner for ModelMac {
    fn run(&mut self, command: &SystemCommand) -> io::Result<CommandEnd> {
        let mut mac = self.0.borrow_mut();
        let words: Vec<&str> = command.0.iter().map(String::as_str).collect();
        let ["networksetup", verb, rest @ ..] = words.as_slice() else { panic!("{command}") };
        let mut end = CommandEnd { success: true, ..CommandEnd::default() };
        if *verb == "-listallnetworkservices" {
            end.output = "An asterisk (*) denotes that a network service is disabled.\n".to_owned();
            end.output.extend(mac.services.iter().map(|service| service.name.clone() + "\n"));
            return Ok(end);
        }
        let refuses = mac.refuses;
        let Some(service) = mac.services.iter_mut().find(|service| service.name == rest[0]) else {
            end.output = format!("{} is not a recognized network service.\n", rest[0]);
            return Ok(CommandEnd { success: false, ..end });
        };
        match (*verb, service.by_hand.as_ref()) {
            ("-getdnsservers", Some(servers)) => {
                end.output.extend(servers.iter().map(|server| format!("{server}\n")));
            }
            ("-getdnsservers", None) => {
                end.output = format!("There aren't any DNS Servers set on {}.\n", service.name);
            }
            ("-setdnsservers", _) if refuses => end.success = false,
            ("-setdnsservers", _) => {
                let servers: Vec<IpAddr> = rest[1..]
                    .iter()
                    .filter(|server| **server != "empty")
                    .map(|text| ip(text))
                    .collect();
                service.by_hand = Some(servers).filter(|servers| !servers.is_empty());
                mac.settings_written += 1;
            }
            _ => panic!("{command}"),
        }
        Ok(end)
    }
}
