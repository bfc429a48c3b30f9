//! Servers beside Unbound.

mod adguard_home;
mod dnscrypt_proxy;
mod dnsmasq;
mod pihole;

use self::adguard_home::ADGUARD;
use self::dnscrypt_proxy::DNSCRYPT;
use self::dnsmasq::DNSMASQ;
use self::pihole::PIHOLE;
use super::*;

/// The settings as TOML behind the comments, and the remarks; the file is `F`.
fn read_text(name: &str, text: &str) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    told(&import(&[file], None).unwrap(), &folder)
}

fn told(imported: &Imported, folder: &tempfile::TempDir) -> (String, Vec<String>) {
    let folder = format!("{}/", folder.path().display());
    let text = toml(imported).replace(&folder, "");
    let settings = text.find("\n\n[").map_or("", |at| &text[at + 1..]).to_owned();
    let remarks = remarks(imported).iter().map(|one| one.replace(&folder, "")).collect();
    (settings, remarks)
}

/// Each remark begins with its text.
fn begin(remarks: &[String], beginnings: &[&str]) {
    assert_eq!(remarks.len(), beginnings.len(), "{remarks:#?}");
    for (remark, beginning) in remarks.iter().zip(beginnings) {
        assert!(remark.starts_with(beginning), "{remark} does not begin {beginning}");
    }
}

#[test]
fn the_kind_is_found_by_the_text_or_said() {
    let kind = |text: &str| Kind::of("settings", text);
    assert_eq!(kind(HOME), Some(Kind::Unbound));
    assert_eq!(kind(DNSMASQ), Some(Kind::Dnsmasq));
    assert_eq!(kind(PIHOLE), Some(Kind::PiHole));
    assert_eq!(kind(ADGUARD), Some(Kind::AdguardHome));
    assert_eq!(kind(DNSCRYPT), Some(Kind::DnscryptProxy));
    assert_eq!(kind("max-cache-ttl=60\n"), None);
    let said = import_text("max-cache-ttl=60\n", "settings", Some(Kind::Dnsmasq)).unwrap();
    assert_eq!(said.settings.len(), 1);
}

#[test]
fn faults_of_form_have_a_line() {
    let fault = |name: &str, text: &str| import_text(text, name, None).unwrap_err().0;
    assert!(fault("pihole.toml", "[dns]\nx = \n").starts_with("pihole.toml: line 2: "));
    assert!(fault("AdGuardHome.yaml", "dns:\n  a: [1\n").starts_with("AdGuardHome.yaml: line "));
    let alias = fault("AdGuardHome.yaml", "a: &x [1]\nb: *x\n");
    assert_eq!(alias, "AdGuardHome.yaml: line 2: aliases are not understood");
    let nested = |depth: usize| {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        import_text(&text, "AdGuardHome.yaml", None)
    };
    assert!(nested(MAX_NESTING).is_ok());
    assert!(nested(MAX_NESTING + 1).unwrap_err().0.contains("over 32 lists and tables"));
    assert!(
        fault("pihole.toml", &format!("a = {}", "[".repeat(10_000))).starts_with("pihole.toml")
    );
}
