//! The dynamic store of macOS, by the commands of scutil(8): an entry with our servers, and the content of foreign
//! entries.
//!
//! configd keeps the network's settings of the moment under keys: `Setup:` for settings made by hand, `State:` for
//! additions by DHCP, VPNs and programs. The resolvers of the system are made of both. Our entry is a separate service:
//! no foreign entry is ever written, and nothing has to be restored. Later services (a dock, a USB network) make no
//! difference. The entry is temporary: configd removes the entry when scutil(8) ends, which ends when its input does,
//! and at each start of the machine there is none.
//!
//! A temporary entry takes a program that stays: commands are written to the input of one scutil(8), which is kept
//! open. The SystemConfiguration framework would do the same with `unsafe` and a library more; these commands a person
//! can type.

use std::collections::BTreeMap;
use std::net::IpAddr;

#[cfg(target_os = "macos")]
pub use crate::macos::dynamic_store::StoreSession;

/// Our entry.
pub const KEY: &str = "State:/Network/Service/org.zoners/DNS";
/// The order of our servers among servers for all names: after the resolvers of VPNs, which get 100,000 and a few
/// thousand, and before those of networks, which get 200,000 (`dns-configuration.c` of configd).
const SEARCH_ORDER: u32 = 150_000;
/// The setting with servers in an entry.
const SERVERS: &str = "ServerAddresses";

/// Commands to enter `servers` for all names, for as long as the reading program runs. An entry of
/// an earlier program goes first, since a temporary entry replaces none.
#[must_use]
pub fn enter(servers: &[IpAddr]) -> String {
    let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
    format!(
        "remove {KEY}\n\
         d.init\n\
         d.add {SERVERS} * {}\n\
         d.add SupplementalMatchDomains * \"\"\n\
         d.add SearchOrder # {SEARCH_ORDER}\n\
         add {KEY} temporary\n",
        servers.join(" ")
    )
}

/// The command that removes our entry.
#[must_use]
pub fn remove() -> String {
    format!("remove {KEY}\n")
}

/// The command that shows an entry.
#[must_use]
pub fn show(key: &str) -> String {
    format!("show {key}\n")
}

/// The command that lists the keys of a regular expression.
#[must_use]
pub fn list(pattern: &str) -> String {
    format!("list {pattern}\n")
}

/// The keys in the output of [`list`], each as `subKey [0] = KEY`.
pub fn keys(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| line.trim_start().starts_with("subKey "));
    lines.filter_map(|line| Some(line.split_once(" = ")?.1.trim()))
}

/// Commands by which the program reports changes of resolvers, addresses and settings made by hand.
#[must_use]
pub fn watch() -> String {
    "n.add State:/Network/Global/(DNS|IPv4|IPv6) pattern\n\
     n.add (State|Setup):/Network/Service/.*/DNS pattern\n\
     n.watch\n"
        .to_owned()
}

/// A value of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreValue {
    /// A text, a number or a switch, as written by the program.
    Text(String),
    /// Several values.
    List(Vec<StoreValue>),
    /// Values with names.
    Table(BTreeMap<String, StoreValue>),
}

impl StoreValue {
    /// The value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&StoreValue> {
        match self {
            StoreValue::Table(values) => values.get(name),
            StoreValue::Text(_) | StoreValue::List(_) => None,
        }
    }

    /// The texts of a list.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let list = if let StoreValue::List(values) = self { values.as_slice() } else { &[] };
        list.iter().filter_map(|value| match value {
            StoreValue::Text(text) => Some(text.as_str()),
            StoreValue::List(_) | StoreValue::Table(_) => None,
        })
    }

    /// The servers of an entry with DNS settings.
    #[must_use]
    pub fn servers(&self) -> Vec<IpAddr> {
        let listed = self.get(SERVERS).into_iter().flat_map(StoreValue::texts);
        // The zone of a link-local address does not matter for a comparison.
        listed.filter_map(|text| text.split('%').next()?.parse().ok()).collect()
    }
}

/// The entry in the output of [`show`]; none for `No such key`, and for a text cut short.
#[must_use]
pub fn parse(text: &str) -> Option<StoreValue> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    value(lines.next()?, &mut lines, MAX_DEPTH)
}

/// The entries in the output of several [`show`], in their order; an entry that is not there is none. A text cut short
/// lacks the rest.
#[must_use]
pub fn parse_all(text: &str) -> Vec<Option<StoreValue>> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut entries = Vec::new();
    while let Some(first) = lines.next() {
        let entry = value(first, &mut lines, MAX_DEPTH);
        if entry.is_none() && !first.starts_with(NO_SUCH_KEY) {
            break;
        }
        entries.push(entry);
    }
    entries
}

/// The line for an entry that is not there.
const NO_SUCH_KEY: &str = "No such key";
/// Entries lie in entries this deep, at most.
const MAX_DEPTH: usize = 16;

/// A value that begins with `first`; the remaining lines of the value are taken from `lines`.
fn value<'a>(
    first: &str,
    lines: &mut impl Iterator<Item = &'a str>,
    depth: usize,
) -> Option<StoreValue> {
    let deeper = depth.checked_sub(1)?;
    if first.starts_with("<dictionary>") {
        let mut values = BTreeMap::new();
        while let Some((name, first)) = next_named(lines)? {
            values.insert(name.to_owned(), value(first, lines, deeper)?);
        }
        Some(StoreValue::Table(values))
    } else if first.starts_with("<array>") {
        let mut values = Vec::new();
        while let Some((_, first)) = next_named(lines)? {
            values.push(value(first, lines, deeper)?);
        }
        Some(StoreValue::List(values))
    } else if first.starts_with(NO_SUCH_KEY) {
        None
    } else {
        Some(StoreValue::Text(first.to_owned()))
    }
}

/// The next name or number, and the begin of the value; the inner none at the closing brace.
fn next_named<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Option<Option<(&'a str, &'a str)>> {
    let line = lines.next()?;
    if line == "}" {
        return Some(None);
    }
    // An empty text has no space after the colon, once trimmed.
    let (name, value) = line.split_once(" :")?;
    Some(Some((name.trim(), value.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form in github.com/pirate/security-growler/issues/24, of a VPN.
    const VPN: &str = "\
<dictionary> {
  IPv4 : <dictionary> {
    Addresses : <array> {
      0 : 10.163.0.7
    }
    InterfaceName : ppp0
    OverridePrimary : 1
  }
  Status : 2
}
";

    const DNS: &str = "\
<dictionary> {
  DomainName : lan
  SearchDomains : <array> {
    0 : lan
  }
  ServerAddresses : <array> {
    0 : 192.168.1.1
    1 : fe80::1%en0
  }
  SupplementalMatchDomains : <array> {
    0 :
  }
}
";

    #[test]
    fn entries_are_read() {
        let entry = parse(VPN).unwrap();
        let name = entry.get("IPv4").and_then(|part| part.get("InterfaceName"));
        assert_eq!(name, Some(&StoreValue::Text("ppp0".into())));
        assert_eq!(entry.servers(), Vec::<IpAddr>::new());
        let dns = parse(DNS).unwrap();
        let servers: Vec<IpAddr> = ["192.168.1.1", "fe80::1"].map(|ip| ip.parse().unwrap()).into();
        assert_eq!(dns.servers(), servers);
        let domains = dns.get("SupplementalMatchDomains").unwrap();
        assert_eq!(domains.texts().collect::<Vec<_>>(), [""]);
        // From github.com/fosrl/apple/issues/58.
        assert_eq!(parse("  No such key\n"), None);
    }

    #[test]
    fn several_entries_are_read_in_their_order() {
        let entries = parse_all(&format!("  No such key\n{DNS}  No such key\n{VPN}"));
        assert_eq!(entries, [None, parse(DNS), None, parse(VPN)]);
        assert_eq!(parse_all(&format!("{DNS}<dictionary> {{\n")), [parse(DNS)]);
        assert_eq!(parse_all(""), []);
    }

    #[test]
    fn keys_are_listed() {
        // The form in 00f.net/2011/08/14/programmatically-changing-network-configuration-on-osx.
        let text = "  subKey [0] = Setup:/Network/Service/0CE7A64C/DNS\n  subKey [1] = Setup:/\n";
        assert_eq!(
            keys(text).collect::<Vec<_>>(),
            ["Setup:/Network/Service/0CE7A64C/DNS", "Setup:/"]
        );
        assert_eq!(keys("  no keys.\n").count(), 0);
        assert_eq!(list("State:/Network/.*"), "list State:/Network/.*\n");
    }

    #[test]
    fn a_text_that_is_cut_or_deep_is_no_entry() {
        let whole: Vec<&str> = DNS.lines().collect();
        for lines in 0..whole.len() {
            assert_eq!(parse(&whole[..lines].join("\n")), None, "{lines} lines");
        }
        assert_eq!(parse(&"<array> {\n0 : ".repeat(100_000)), None);
    }

    #[test]
    fn commands_name_our_entry_alone() {
        let servers = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        let commands = enter(&servers) + &remove();
        let keys = commands.lines().filter(|line| {
            ["add ", "set ", "remove "].iter().any(|command| line.starts_with(command))
        });
        assert!(keys.clone().count() == 3 && keys.clone().all(|line| line.contains(KEY)));
        assert!(commands.contains("d.add ServerAddresses * 127.0.0.1 ::1\n"));
        assert!(commands.contains(" temporary\n"), "configd removes the entry with the program");
        assert!(!watch().contains("remove") && show(KEY).ends_with("/DNS\n"));
    }
}
