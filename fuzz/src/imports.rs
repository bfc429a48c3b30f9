//! Files of other servers: whatever they say, what is written has no control characters, and every setting has its place.
//!
//! The first octet says the kind of the file.

use zoners_import::{Kind, import_text, toml};

/// Names by which the readers of one kind tell its files apart.
const NAMES: [&str; 8] = [
    "unbound.conf",
    "pihole.toml",
    "setupVars.conf",
    "adlist.json",
    "adlists.list",
    "AdGuardHome.yaml",
    "dnsmasq.conf",
    "dnscrypt-proxy.toml",
];

/// Reads the octets behind the first as a file.
pub fn run(octets: &[u8]) {
    let Some((head, text)) = octets.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let name = NAMES[usize::from(*head) % NAMES.len()];
    let kind = match name {
        "unbound.conf" => Kind::Unbound,
        "AdGuardHome.yaml" => Kind::AdguardHome,
        "dnsmasq.conf" => Kind::Dnsmasq,
        "dnscrypt-proxy.toml" => Kind::DnscryptProxy,
        _ => Kind::PiHole,
    };
    let Ok(imported) = import_text(&text, name, Some(kind)) else { return };
    let written = toml(&imported);
    assert!(written.chars().all(|letter| letter == '\n' || !letter.is_control()), "{written:?}");
    let lines = text.lines().count().max(1);
    let remarks = imported.remarks.iter().map(|one| &one.place);
    for place in imported.settings.iter().map(|one| &one.place).chain(remarks) {
        // The end of a text may be the place of an empty value.
        assert!(place.file == name && (1..=lines + 1).contains(&place.line), "{place}");
    }
}
