//! Settings that root reads for the daemon, in a file of the service of the system's DNS settings.
//!
//! Some sources are closed to a daemon without privilege: settings that programs gave systemd-resolved, NetworkManager,
//! which tells over D-Bus, some leases of DHCP, and `/etc/resolv.conf` as it was before Zoners. The reader refuses a
//! file that a user other than root could have written, any key beyond the form, and any value beyond the limits.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;

use serde::{Deserialize, Serialize};
use zoners_files::read_own;

use super::below;
use crate::interfaces::Interface;
use crate::linux::paths::SWITCH_RUNTIME;
use crate::networks::{DnsSettings, FactSource, LinkNaming, ResolverAddress, SourceReport};

/// The name of the file.
pub(crate) const FILE: &str = "networks.json";
/// The version of the form.
const FORMAT: u32 = 1;
/// Octets of the file.
const MAX_FILE: u64 = 128 * 1024;
/// Settings in the file.
const MAX_SETTINGS: usize = 64;
/// Resolvers, and NAT64 prefixes, of one source on one link.
const MAX_ADDRESSES: usize = 16;
/// Domains of each kind, of one source on one link.
const MAX_DOMAINS: usize = 64;
/// Octets of a name, in text (RFC 1035 section 3.1).
const MAX_NAME: usize = 255;
/// Octets of the address of a portal's API.
const MAX_ADDRESS: usize = 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    format: u32,
    settings: Vec<ReportedSettings>,
}

/// See [`DnsSettings`], whose form is open: a later version may know more.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportedSettings {
    /// The interface; none for the whole machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    source: FactSource,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resolvers: Vec<ReportedResolver>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    search_domains: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    routing_domains: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    takes_other_names: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dhcp_domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dhcp_server: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    portal_api: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    nat64_prefixes: Vec<(Ipv6Addr, u8)>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportedResolver {
    address: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_name: Option<String>,
}

/// The settings in the file, of present interfaces; none without the file.
pub(super) fn reports(root: &Path, interfaces: &[Interface]) -> Vec<SourceReport> {
    let path = below(root, SWITCH_RUNTIME).join(FILE);
    let settings = match read_own(&path, MAX_FILE).and_then(|text| parse(&text)) {
        Ok(settings) => settings,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            tracing::debug!("network: {} is not used: {error}", path.display());
            return Vec::new();
        }
    };
    let report = |reported: ReportedSettings| {
        let link = match &reported.link {
            None => LinkNaming::Machine,
            Some(name) => {
                let interface = interfaces.iter().find(|interface| interface.name == *name)?;
                LinkNaming::Index(interface.index)
            }
        };
        Some(SourceReport { link, settings: reported.into_settings() })
    };
    settings.into_iter().filter_map(report).collect()
}

/// The text of the file with these reports. What a reader would refuse is left out.
pub(crate) fn text(reports: &[SourceReport], interfaces: &[Interface]) -> Vec<u8> {
    let settings = reports.iter().filter(|report| !report.settings.is_empty());
    let settings = settings.filter_map(|report| ReportedSettings::of(report, interfaces));
    let settings = settings.filter(ReportedSettings::is_within_limits).take(MAX_SETTINGS).collect();
    let mut file = SettingsFile { format: FORMAT, settings };
    loop {
        let text = serde_json::to_vec(&file).unwrap_or_default();
        if text.len() as u64 <= MAX_FILE || file.settings.is_empty() {
            return text;
        }
        file.settings.truncate(file.settings.len() / 2);
    }
}

fn parse(text: &[u8]) -> io::Result<Vec<ReportedSettings>> {
    let refused = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
    let file: SettingsFile = serde_json::from_slice(text)?;
    if file.format != FORMAT {
        return Err(refused("the form is of another version"));
    }
    if file.settings.len() > MAX_SETTINGS {
        return Err(refused("there are too many settings"));
    }
    match file.settings.iter().find(|settings| !settings.is_within_limits()) {
        Some(_) => Err(refused("a value is too long, or no name")),
        None => Ok(file.settings),
    }
}

impl ReportedSettings {
    fn of(report: &SourceReport, interfaces: &[Interface]) -> Option<Self> {
        let link = match &report.link {
            LinkNaming::Machine => None,
            LinkNaming::Name(name) => Some(name.clone()),
            LinkNaming::Index(index) => {
                Some(interfaces.iter().find(|interface| interface.index == *index)?.name.clone())
            }
        };
        let settings = report.settings.clone();
        let resolver =
            |it: ResolverAddress| ReportedResolver { address: it.address, tls_name: it.tls_name };
        let domains = |domains: Vec<String>| {
            domains.into_iter().filter(|domain| is_name(domain)).take(MAX_DOMAINS).collect()
        };
        Some(ReportedSettings {
            link,
            source: settings.source,
            resolvers: settings.resolvers.into_iter().map(resolver).take(MAX_ADDRESSES).collect(),
            search_domains: domains(settings.search_domains),
            routing_domains: domains(settings.routing_domains),
            takes_other_names: settings.takes_other_names,
            dhcp_domain: settings.dhcp_domain.filter(|domain| is_name(domain)),
            dhcp_server: settings.dhcp_server,
            portal_api: settings.portal_api.filter(|address| is_address(address)),
            nat64_prefixes: settings.nat64_prefixes.into_iter().take(MAX_ADDRESSES).collect(),
        })
    }

    fn is_within_limits(&self) -> bool {
        let domains = self.search_domains.iter().chain(&self.routing_domains);
        let tls_names = self.resolvers.iter().filter_map(|resolver| resolver.tls_name.as_ref());
        let names = domains.chain(tls_names).chain(&self.link).chain(&self.dhcp_domain);
        let mut prefixes = self.nat64_prefixes.iter();
        self.resolvers.len() <= MAX_ADDRESSES
            && self.nat64_prefixes.len() <= MAX_ADDRESSES
            && self.search_domains.len() <= MAX_DOMAINS
            && self.routing_domains.len() <= MAX_DOMAINS
            && prefixes.all(|(_, bits)| *bits <= 128)
            && self.portal_api.as_deref().is_none_or(is_address)
            && names.map(String::as_str).all(is_name)
    }

    fn into_settings(self) -> DnsSettings {
        let resolver =
            |it: ReportedResolver| ResolverAddress { address: it.address, tls_name: it.tls_name };
        DnsSettings {
            source: self.source,
            resolvers: self.resolvers.into_iter().map(resolver).collect(),
            search_domains: self.search_domains,
            routing_domains: self.routing_domains,
            takes_other_names: self.takes_other_names,
            dhcp_domain: self.dhcp_domain,
            dhcp_server: self.dhcp_server,
            portal_api: self.portal_api,
            nat64_prefixes: self.nat64_prefixes,
        }
    }
}

/// Whether the text may be a name; the empty text is the root.
fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME && text.bytes().all(|octet| octet.is_ascii_graphic())
}

fn is_address(text: &str) -> bool {
    text.len() <= MAX_ADDRESS && text.bytes().all(|octet| octet.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::resolver;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn interfaces() -> [Interface; 2] {
        let named =
            |name: &str, index| Interface { name: name.to_owned(), index, ..Interface::default() };
        [named("wlan0", 3), named("tun0", 9)]
    }

    fn full() -> DnsSettings {
        let resolvers = ["10.8.0.53", "[fd00::53]:5353#dns.corp.example"];
        DnsSettings {
            resolvers: resolvers.iter().filter_map(|text| resolver(text)).collect(),
            search_domains: vec!["corp.example".to_owned()],
            routing_domains: vec![String::new(), "8.10.in-addr.arpa".to_owned()],
            takes_other_names: Some(false),
            dhcp_domain: Some("lan".to_owned()),
            dhcp_server: Some([10, 8, 0, 1].into()),
            portal_api: Some("https://portal.example/api".to_owned()),
            nat64_prefixes: vec![("64:ff9b::".parse().unwrap(), 96)],
            ..DnsSettings::of(FactSource::NetworkManager)
        }
    }

    /// The reports that a daemon reads from a file with this text and mode.
    fn read(text: &[u8], mode: u32) -> Vec<SourceReport> {
        let folder = tempfile::tempdir().unwrap();
        let place = below(folder.path(), SWITCH_RUNTIME);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(FILE), text).unwrap();
        fs::set_permissions(place.join(FILE), fs::Permissions::from_mode(mode)).unwrap();
        reports(folder.path(), &interfaces())
    }

    #[test]
    fn settings_are_read_as_root_has_written_them() {
        let of_link = SourceReport { link: LinkNaming::Index(9), settings: full() };
        let by_name =
            SourceReport { link: LinkNaming::Name("wlan0".to_owned()), ..of_link.clone() };
        let of_machine = SourceReport { link: LinkNaming::Machine, settings: full() };
        let absent = SourceReport { link: LinkNaming::Index(77), settings: full() };
        let empty = DnsSettings::of(FactSource::Resolved);
        let empty = SourceReport { link: LinkNaming::Machine, settings: empty };
        let written = text(
            &[of_link.clone(), by_name.clone(), of_machine.clone(), absent, empty],
            &interfaces(),
        );
        let by_index = SourceReport { link: LinkNaming::Index(3), ..by_name };
        assert_eq!(read(&written, 0o644), [of_link, by_index, of_machine]);
        assert!(read(&written, 0o666).is_empty(), "every user could have written the file");
    }

    #[test]
    fn a_file_beyond_the_form_or_the_limits_is_refused_as_a_whole() {
        let with = |settings: &str| format!(r#"{{"format":1,"settings":[{settings}]}}"#);
        assert_eq!(
            read(with(r#"{"source":"resolved","dhcp_domain":"lan"}"#).as_bytes(), 0o644).len(),
            1
        );
        let many = |count: usize, item: &str| vec![item; count].join(",");
        let long = "x".repeat(MAX_NAME + 1);
        for text in [
            String::new(),
            "{}".to_owned(),
            with(r#"{"source":"resolved","dhcp_domain":"lan","note":1}"#),
            with(r#"{"source":"hearsay","dhcp_domain":"lan"}"#),
            with(r#"{"source":"resolved","dhcp_domain":"l an"}"#),
            with(&format!(r#"{{"source":"resolved","dhcp_domain":"{long}"}}"#)),
            with(r#"{"source":"resolved","nat64_prefixes":[["64:ff9b::",129]]}"#),
            with(&format!(
                r#"{{"source":"resolved","resolvers":[{}]}}"#,
                many(MAX_ADDRESSES + 1, r#"{"address":"192.0.2.1:53"}"#)
            )),
            with(&format!(
                r#"{{"source":"resolved","search_domains":[{}]}}"#,
                many(MAX_DOMAINS + 1, r#""lan""#)
            )),
            with(&many(MAX_SETTINGS + 1, r#"{"source":"resolved","dhcp_domain":"lan"}"#)),
            with(r#"{"source":"resolved"}"#).replace("\"format\":1", "\"format\":2"),
        ] {
            assert!(read(text.as_bytes(), 0o644).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_reader_accepts_whatever_a_manager_told_root() {
        let many = DnsSettings {
            resolvers: vec![full().resolvers[0].clone(); 100],
            search_domains: vec!["a".repeat(300), "b c".to_owned(), "ok.example".to_owned()],
            routing_domains: vec!["x".repeat(200); 1000],
            portal_api: Some("https://x/".repeat(1000)),
            ..full()
        };
        let report = SourceReport { link: LinkNaming::Index(9), settings: many };
        let read = read(&text(&vec![report; 1000], &interfaces()), 0o644);
        assert!(!read.is_empty());
        assert_eq!(read[0].settings.search_domains, ["ok.example"]);
        assert_eq!(read[0].settings.resolvers.len(), MAX_ADDRESSES);
        assert_eq!(read[0].settings.portal_api, None);
    }
}
