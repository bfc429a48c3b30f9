//! The page behind the QR code: what to do on which device.

use super::profile::{PhoneResolver, Text, UsedOn};

/// The page. `fingerprint` is that of the authority, which the person compares.
pub(super) fn page(resolver: &PhoneResolver, fingerprint: Option<&str>) -> String {
    let name = Text(&resolver.name);
    let network = match &resolver.network {
        UsedOn::Every => "The device uses the server on every network.".to_owned(),
        UsedOn::Wifi(names) => {
            format!("The device uses the server on the Wi-Fi {} alone.", Text(&names.join(", ")))
        }
        UsedOn::Naming => {
            "The device uses the server on networks whose router names the server, and \
                           the DNS of the network elsewhere."
                .to_owned()
        }
    };
    let trust = fingerprint.map_or(String::new(), |fingerprint| {
        format!(
            "<li>The profile has the certificate of your private authority, with the fingerprint (SHA-256) that the \
             terminal shows:<br><code>{}</code></li>\
             <li>Settings, General, About, Certificate Trust Settings: switch the authority on.</li>",
            Text(fingerprint)
        )
    });
    let android = android(resolver);
    format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>DNS by {name}</title>\
         <style>body{{font:1.1rem/1.5 system-ui;max-width:34rem;margin:1rem auto;padding:0 1rem;color-scheme:light dark}}\
         code{{overflow-wrap:anywhere}}a.main{{display:inline-block;padding:.6rem 1rem;border:1px solid;border-radius:.5rem}}\
         </style><h1>DNS by {name}</h1><p>{network}</p>\
         <h2>iPhone, iPad, Mac</h2><p><a class=\"main\" href=\"dns.mobileconfig\">Load the profile</a></p><ol>\
         <li>Settings, General, VPN and Device Management: install the profile.</li>{trust}</ol>\
         <h2>Android</h2><ol>{android}</ol>\
         <h2>Windows, Linux, browsers</h2><p>They find the encrypted server by themselves where they ask the server in \
         clear (DDR), or take this address:</p><p><code>{}</code></p>{}</html>\n",
        Text(&template(resolver)),
        if fingerprint.is_some() {
            "<p><a href=\"ca.pem\">The certificate of the authority</a></p>"
        } else {
            ""
        },
    )
}

/// The steps for Android. Its resolver takes DNS over TLS at the usual port and the authorities of the system alone, and
/// asks a named server on every network.
fn android(resolver: &PhoneResolver) -> String {
    let is_everywhere = resolver.network == UsedOn::Every;
    if resolver.authority.is_none() && resolver.has_tls && is_everywhere {
        let name = Text(&resolver.name);
        return format!(
            "<li>Settings, Network and Internet, Private DNS: Private DNS provider hostname, and there \
             <code>{name}</code>.</li>"
        );
    }
    "<li>Private DNS stays at Automatic: Android encrypts queries to a server that the network names. A provider \
     hostname would count on every network, and needs a public certificate and DNS over TLS.</li>\
     <li>In the router, the address of this server is the DNS server of the network.</li>"
        .to_owned()
}

/// The address of the server as devices write it.
fn template(resolver: &PhoneResolver) -> String {
    match &resolver.https {
        Some((443, path)) => format!("https://{}{path}", resolver.name),
        Some((port, path)) => format!("https://{}:{port}{path}", resolver.name),
        None => format!("tls://{}", resolver.name),
    }
}

#[cfg(test)]
mod tests {
    use super::super::profile::tests::resolver;
    use super::*;

    #[test]
    fn a_private_authority_is_compared_and_android_stays_automatic() {
        let own = page(&resolver(), Some("AB:CD"));
        assert!(own.contains("AB:CD") && own.contains("Automatic") && own.contains("ca.pem"));
        let public = PhoneResolver { authority: None, network: UsedOn::Every, ..resolver() };
        for barred in [
            PhoneResolver { has_tls: false, ..public.clone() },
            PhoneResolver { network: UsedOn::Naming, ..public.clone() },
        ] {
            assert!(!page(&barred, None).contains("<li>Settings, Network"));
        }
        let public = page(&public, None);
        assert!(public.contains("<li>Settings, Network") && !public.contains("ca.pem"));
        assert!(public.contains("<code>https://dns.home.arpa/dns-query</code>"));
    }
}
