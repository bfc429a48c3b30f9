//! The profile by which devices of Apple take a resolver: a property list (Apple, "DNSSettings" payload).

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use zoners_dns::Random;

/// The name under which the profile stands; a new profile of the name replaces the old one.
const IDENTIFIER: &str = "net.zoners.dns";

/// A resolver for a phone.
#[derive(Clone, Debug)]
pub(super) struct PhoneResolver {
    /// The name in the certificate.
    pub(super) name: String,
    /// The addresses of the resolver.
    pub(super) addresses: Vec<IpAddr>,
    /// The port and path of DNS over HTTPS; without, DNS over TLS at port 853.
    pub(super) https: Option<(u16, String)>,
    /// Whether the server has DNS over TLS at the usual port.
    pub(super) has_tls: bool,
    /// The certificate of a private authority, in PEM form.
    pub(super) authority: Option<String>,
    /// The network on which the resolver is used.
    pub(super) network: UsedOn,
}

/// The networks on which a device uses the resolver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UsedOn {
    /// Every network: the resolver has a public address.
    Every,
    /// Networks of these names (SSID).
    Wifi(Vec<String>),
    /// Networks that name the resolver by themselves.
    Naming,
}

impl PhoneResolver {
    /// The profile, with random identifiers.
    pub(super) fn profile(&self, random: &Random) -> String {
        let mut payloads = self.dns_payload(random);
        if let Some(authority) = &self.authority {
            payloads += &authority_payload(authority, random);
        }
        let name = format!("DNS by {}", Text(&self.name));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
             <plist version=\"1.0\"><dict>\n\
             <key>PayloadContent</key><array>\n{payloads}</array>\n{}\
             <key>PayloadDisplayName</key><string>{name}</string>\n\
             <key>PayloadDescription</key><string>Names are resolved by your DNS server, encrypted.</string>\n\
             <key>PayloadRemovalDisallowed</key><false/>\n\
             </dict></plist>\n",
            head("Configuration", IDENTIFIER, random),
        )
    }

    fn dns_payload(&self, random: &Random) -> String {
        let name = Text(&self.name);
        let way = match &self.https {
            Some((port, path)) => {
                let port = if *port == 443 { String::new() } else { format!(":{port}") };
                format!(
                    "<key>DNSProtocol</key><string>HTTPS</string>\n\
                     <key>ServerURL</key><string>https://{name}{port}{}</string>\n",
                    Text(path)
                )
            }
            None => format!(
                "<key>DNSProtocol</key><string>TLS</string>\n<key>ServerName</key><string>{name}</string>\n"
            ),
        };
        let addresses = strings(self.addresses.iter().map(ToString::to_string));
        format!(
            "<dict>\n{}<key>PayloadDisplayName</key><string>DNS by {name}</string>\n\
             <key>DNSSettings</key><dict>\n{way}<key>ServerAddresses</key>{addresses}\n</dict>\n{}</dict>\n",
            head("com.apple.dnsSettings.managed", &format!("{IDENTIFIER}.settings"), random),
            self.rules(),
        )
    }

    /// The networks. A private address reaches nothing from elsewhere, so the device would have no DNS there.
    fn rules(&self) -> String {
        let matching = match &self.network {
            UsedOn::Every => return String::new(),
            UsedOn::Wifi(names) => format!(
                "<key>InterfaceTypeMatch</key><string>WiFi</string><key>SSIDMatch</key>{}",
                strings(names.iter().cloned())
            ),
            UsedOn::Naming => {
                let addresses = self.addresses.iter().map(ToString::to_string);
                format!("<key>DNSServerAddressMatch</key>{}", strings(addresses))
            }
        };
        format!(
            "<key>OnDemandRules</key><array>\n\
             <dict><key>Action</key><string>Connect</string>{matching}</dict>\n\
             <dict><key>Action</key><string>Disconnect</string></dict>\n</array>\n"
        )
    }
}

fn authority_payload(pem: &str, random: &Random) -> String {
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    format!(
        "<dict>\n{}<key>PayloadDisplayName</key><string>Authority of the DNS server</string>\n\
         <key>PayloadContent</key><data>{}</data>\n</dict>\n",
        head("com.apple.security.root", &format!("{IDENTIFIER}.authority"), random),
        Text(&base64),
    )
}

/// The keys of every payload.
fn head(kind: &str, identifier: &str, random: &Random) -> String {
    format!(
        "<key>PayloadType</key><string>{kind}</string>\n<key>PayloadVersion</key><integer>1</integer>\n\
         <key>PayloadIdentifier</key><string>{identifier}</string>\n\
         <key>PayloadUUID</key><string>{}</string>\n",
        uuid(random)
    )
}

/// A random UUID (RFC 9562 section 5.4).
fn uuid(random: &Random) -> String {
    let (high, low) = (random.bits(), random.bits());
    let version = high & 0x0FFF | 0x4000;
    let variant = low >> 48 & 0x3FFF | 0x8000;
    format!(
        "{:08X}-{:04X}-{version:04X}-{variant:04X}-{:012X}",
        high >> 32,
        high >> 16 & 0xFFFF,
        low & 0xFFFF_FFFF_FFFF
    )
}

fn strings(texts: impl Iterator<Item = String>) -> String {
    let all: String = texts.map(|text| format!("<string>{}</string>", Text(&text))).collect();
    format!("<array>{all}</array>")
}

/// A text within XML or HTML.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            // Control characters are none of XML's.
            letter if letter.is_control() => f.write_char('\u{FFFD}'),
            letter => f.write_char(letter),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn resolver() -> PhoneResolver {
        PhoneResolver {
            name: "dns.home.arpa".into(),
            addresses: vec!["192.168.1.2".parse().unwrap()],
            https: Some((443, "/dns-query".into())),
            has_tls: true,
            authority: Some(
                "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n".into(),
            ),
            network: UsedOn::Naming,
        }
    }

    #[test]
    fn a_profile_is_a_property_list_of_the_resolver() {
        insta::assert_snapshot!("profile", resolver().profile(&Random::seeded(1)));
    }

    #[test]
    fn ways_networks_and_strange_letters_are_told_as_they_are() {
        let random = Random::seeded(1);
        let tls = PhoneResolver { https: None, authority: None, ..resolver() };
        let told = tls.profile(&random);
        assert!(told.contains("<key>ServerName</key><string>dns.home.arpa</string>"), "{told}");
        assert!(!told.contains("com.apple.security.root"), "{told}");
        let port = PhoneResolver { https: Some((8443, "/q".into())), ..resolver() };
        assert!(port.profile(&random).contains("https://dns.home.arpa:8443/q"));
        let wifi = UsedOn::Wifi(vec!["Tom & <Jo>\u{7}".into()]);
        let told = PhoneResolver { network: wifi, ..resolver() }.profile(&random);
        assert!(told.contains("<string>Tom &amp; &lt;Jo&gt;\u{FFFD}</string>"), "{told}");
        let every = PhoneResolver { network: UsedOn::Every, ..resolver() };
        assert!(!every.profile(&random).contains("OnDemandRules"));
    }

    #[test]
    fn an_identifier_is_of_version_4() {
        let random = Random::seeded(7);
        for _ in 0..100 {
            let text = uuid(&random);
            let parts: Vec<usize> = text.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{text}");
            assert!(text[14..].starts_with('4') && "89AB".contains(&text[19..20]), "{text}");
        }
    }
}
