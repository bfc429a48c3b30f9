//! Faults of `[acme]`.

use super::*;

/// A sound table, after listeners that answer its challenge.
const SOUND: &str = "[server]\nlisten = [\"https://192.0.2.1\"]\n[acme]\nnames = [\"dns.example.org\", \"203.0.113.7\"]\n\
                     accept-terms = true\n";

#[test]
fn a_certificate_by_acme_stands_in_for_files() {
    assert_eq!(prepared(SOUND), "");
    let config = Config::parse(SOUND, "z").unwrap();
    let terms = config.acme_terms().unwrap();
    assert_eq!(terms.directory.as_str(), "https://acme-v02.api.letsencrypt.org/directory");
    assert!(Config::default().acme_terms().is_none());
    assert!(config.remarks().is_empty());
}

#[test]
fn faults_of_a_certificate_by_acme_are_told() {
    for (from, to, told) in [
        (
            "[acme]",
            "refuse = \"drop\"\n[acme]",
            "acme.challenge: needs an address with https:// or tls://",
        ),
        (
            "accept-terms = true",
            "accept-terms = false",
            "z:5:16: acme.accept-terms: must be true: the ACME server https://acme-v02",
        ),
        (
            "[acme]",
            "certificate = \"/a\"\ncertificate-key = \"/b\"\n[acme]",
            "z:6:9: acme.names: must be absent",
        ),
        ("203.0.113.7", "192.168.1.2", "z:4:29: acme.names: 192.168.1.2 is a private address"),
        ("203.0.113.7", "DNS.example.org", "z:4:29: acme.names: dns.example.org is listed twice"),
        (
            "names = [\"dns.example.org\", \"203.0.113.7\"]",
            "names = []",
            "z:4:9: acme.names: must have 1 to 16 names",
        ),
        (
            "https://192.0.2.1",
            "quic://192.0.2.1",
            "acme.challenge: needs an address with https:// or tls://",
        ),
        (
            "[acme]",
            "[[listen]]\naddress = \"192.0.2.1:80\"\n[acme]\nchallenge = \"http-01\"",
            "acme.listen: 192.0.2.1:80 has that port",
        ),
        (
            "[acme]",
            "[acme]\nchallenge = \"http-01\"\nlisten = []",
            "acme.listen: must have an address",
        ),
    ] {
        let text = SOUND.replace(from, to);
        let message = prepared(&text);
        assert!(message.contains(told), "{text}{message}");
    }
    let required = SOUND.replace(
        "listen = [\"https://192.0.2.1\"]\n",
        "[[listen]]\naddress = \"https://192.0.2.1\"\nrequire-client-certificate = true\nclient-authority = \"/a\"\n",
    );
    assert!(prepared(&required).contains("acme.challenge: needs an address"), "{required}");
}

#[test]
fn words_of_a_certificate_by_acme_are_told() {
    for (from, to, told) in [
        ("dns.example.org", "*.example.org", "must be the name of a host without a wildcard"),
        (
            "[acme]",
            "[acme]\ndirectory = \"http://a.example/\"",
            "must be an address that begins with https://",
        ),
        ("[acme]", "[acme]\nchallenge = \"dns-01\"", "must be \"tls-alpn-01\" or \"http-01\""),
        ("[acme]", "[acme]\ncontact = [\"admin@example.org\"]", "that begins with \"mailto:\""),
    ] {
        let text = error(&SOUND.replace(from, to));
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn a_private_address_is_for_a_server_of_your_own() {
    let text = SOUND.replace("203.0.113.7", "192.168.1.2");
    let text = text.replace("[acme]", "[acme]\ndirectory-authority = \"/a\"");
    assert_eq!(prepared(&text), "");
}

#[test]
fn a_port_that_must_be_forwarded_is_told() {
    let remark = |text: &str| Config::parse(text, "z").unwrap().remarks().concat();
    let told = remark(&SOUND.replace("https://192.0.2.1", "https://192.0.2.1:8443"));
    assert!(told.contains("connects to port 443, where Zoners does not listen"), "{told}");
    let pages =
        SOUND.replace("[acme]", "[acme]\nchallenge = \"http-01\"\nlisten = [\"0.0.0.0:8080\"]");
    let told = remark(&pages);
    assert!(told.starts_with("z:5:10: acme.listen: ") && told.contains("port 80"), "{told}");
}
