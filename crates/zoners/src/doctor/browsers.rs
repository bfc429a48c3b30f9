//! The DNS settings of browsers: policies of all users, and profiles of the calling user.
//!
//! Firefox has `DNSOverHTTPS` in policies and `network.trr.mode` in profiles: with 2 a resolver over HTTPS comes first,
//! with 3 no resolver but that one is asked. Chromium and its kin have `DnsOverHttpsMode` in policies and `dns_over_https`
//! in `Local State`: with `secure` a resolver over HTTPS alone is asked, with `automatic` a named resolver comes first.

use std::env::var_os;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zoners_doctor::{BrowserDnsMode, BrowserFamily, BrowserObservation};

/// Policies of Firefox (github.com/mozilla/policy-templates).
const FIREFOX_POLICIES: [&str; 5] = [
    "etc/firefox/policies/policies.json",
    "usr/lib/firefox/distribution/policies.json",
    "usr/lib/firefox-esr/distribution/policies.json",
    "usr/lib64/firefox/distribution/policies.json",
    "Applications/Firefox.app/Contents/Resources/distribution/policies.json",
];
/// Folders of the profiles of Firefox, below the home: of a package, a snap, a flatpak, and macOS.
const FIREFOX_PROFILES: [&str; 4] = [
    ".mozilla/firefox",
    "snap/firefox/common/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    "Library/Application Support/Firefox/Profiles",
];
/// Browsers of the Chromium family: the folder of the policies, and the folders of the settings below the home.
const CHROMIUM_KIN: [(&str, &str, &[&str]); 5] = [
    (
        "Chromium",
        "etc/chromium/policies/managed",
        &[
            ".config/chromium",
            "snap/chromium/common/chromium",
            "Library/Application Support/Chromium",
        ],
    ),
    (
        "Chrome",
        "etc/opt/chrome/policies/managed",
        &[".config/google-chrome", "Library/Application Support/Google/Chrome"],
    ),
    (
        "Brave",
        "etc/brave/policies/managed",
        &[
            ".config/BraveSoftware/Brave-Browser",
            "Library/Application Support/BraveSoftware/Brave-Browser",
        ],
    ),
    (
        "Edge",
        "etc/opt/edge/policies/managed",
        &[".config/microsoft-edge", "Library/Application Support/Microsoft Edge"],
    ),
    ("Vivaldi", "etc/opt/vivaldi/policies/managed", &[".config/vivaldi"]),
];
/// The most octets of a file.
const MAX_OCTETS: u64 = 4 << 20;

/// The browsers with DNS settings of their own.
pub(super) fn look() -> Vec<BrowserObservation> {
    look_in(Path::new("/"), home().as_deref())
}

/// The home of the calling user, with sudo(8) too.
fn home() -> Option<PathBuf> {
    let caller = var_os("SUDO_USER").and_then(|user| user.into_string().ok());
    let accounts = || fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of_caller = caller.and_then(|user| home_of(&user, &accounts()));
    of_caller.or_else(|| var_os("HOME").map(PathBuf::from))
}

/// The home of an account (passwd(5)).
fn home_of(user: &str, accounts: &str) -> Option<PathBuf> {
    let mut fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let fields = fields.find(|fields| fields.first() == Some(&user))?;
    fields.get(5).map(PathBuf::from)
}

fn look_in(root: &Path, home: Option<&Path>) -> Vec<BrowserObservation> {
    let mut found = firefox(root, home);
    for (browser, policies, settings) in CHROMIUM_KIN {
        found.extend(chromium(root, home, (browser, policies, settings)));
    }
    found
}

/// A locked policy outweighs the profiles, which outweigh an unlocked policy.
fn firefox(root: &Path, home: Option<&Path>) -> Vec<BrowserObservation> {
    let new = |place: &Path, is_policy, (mode, resolver)| BrowserObservation {
        browser: "Firefox".to_owned(),
        family: BrowserFamily::Firefox,
        place: place.display().to_string(),
        is_policy,
        mode,
        resolver,
    };
    let policies = FIREFOX_POLICIES.iter().map(|path| root.join(path));
    let policy = policies.filter_map(|path| Some((firefox_policy(&read(&path)?)?, path))).next();
    let policy = policy.map(|((setting, is_locked), path)| (new(&path, true, setting), is_locked));
    if let Some((policy, true)) = policy {
        return vec![policy];
    }
    let folders = home.into_iter().flat_map(|home| FIREFOX_PROFILES.map(|path| home.join(path)));
    let profiles: Vec<BrowserObservation> = folders
        .flat_map(|folder| entries(&folder))
        .filter_map(|profile| {
            // user.js is read after prefs.js at each start.
            let (own, saved) = (profile.join("user.js"), profile.join("prefs.js"));
            let text = [read(&saved), read(&own)].into_iter().flatten().collect::<String>();
            Some(new(&saved, false, firefox_preferences(&text)?))
        })
        .collect();
    match (policy, profiles.is_empty()) {
        (Some((policy, _)), true) => vec![policy],
        _ => profiles,
    }
}

type BrowserSetting = (BrowserDnsMode, Option<String>);

/// `DNSOverHTTPS` of a policy, and whether profiles cannot change it.
fn firefox_policy(text: &str) -> Option<(BrowserSetting, bool)> {
    let policy: Value = serde_json::from_str(text).ok()?;
    let dns = policy.get("policies")?.get("DNSOverHTTPS")?;
    let is = |key: &str| dns.get(key).and_then(Value::as_bool);
    let mode = match (is("Enabled")?, is("Fallback")) {
        (false, _) => BrowserDnsMode::System,
        (true, Some(false)) => BrowserDnsMode::HttpsOnly,
        (true, _) => BrowserDnsMode::HttpsFirst,
    };
    let resolver = dns.get("ProviderURL").and_then(Value::as_str).map(str::to_owned);
    Some(((mode, resolver), is("Locked").unwrap_or(false)))
}

/// The preferences of a profile; `None` if nothing is set.
fn firefox_preferences(text: &str) -> Option<BrowserSetting> {
    let value = |name: &str| {
        let head = format!("user_pref(\"{name}\",");
        let mut lines = text.lines().filter_map(|line| line.trim().strip_prefix(&head));
        lines
            .next_back()
            .and_then(|rest| Some(rest.split_once(')')?.0.trim().trim_matches('"').to_owned()))
    };
    // The second preference is set by an automatic rollout; the first preference overrules the rollout.
    let mode = value("network.trr.mode").filter(|mode| mode != "0");
    let mode = match mode.or_else(|| value("doh-rollout.mode"))?.as_str() {
        "2" => BrowserDnsMode::HttpsFirst,
        "3" => BrowserDnsMode::HttpsOnly,
        _ => BrowserDnsMode::System,
    };
    let resolver = value("network.trr.custom_uri").filter(|uri| !uri.is_empty());
    Some((mode, resolver.or_else(|| value("network.trr.uri")).filter(|uri| !uri.is_empty())))
}

/// A policy outweighs the settings.
fn chromium(
    root: &Path,
    home: Option<&Path>,
    (browser, policies, settings): (&str, &str, &[&str]),
) -> Option<BrowserObservation> {
    let new = |place: &Path, is_policy, (mode, resolver)| BrowserObservation {
        browser: browser.to_owned(),
        family: BrowserFamily::Chromium,
        place: place.display().to_string(),
        is_policy,
        mode,
        resolver,
    };
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let policy = entries(&root.join(policies)).into_iter().filter(is_json).find_map(|path| {
        let policy: Value = serde_json::from_str(&read(&path)?).ok()?;
        let words = [policy.get("DnsOverHttpsMode"), policy.get("DnsOverHttpsTemplates")];
        Some(new(&path, true, chromium_mode(words)?))
    });
    policy.or_else(|| {
        let places =
            settings.iter().map(|path| home.map(|home| home.join(path).join("Local State")));
        places.flatten().find_map(|path| {
            let state: Value = serde_json::from_str(&read(&path)?).ok()?;
            let dns = state.get("dns_over_https")?;
            Some(new(&path, false, chromium_mode([dns.get("mode"), dns.get("templates")])?))
        })
    })
}

/// The mode and the resolver, by the values of both keys.
fn chromium_mode([mode, resolver]: [Option<&Value>; 2]) -> Option<BrowserSetting> {
    let resolver = resolver.and_then(Value::as_str).filter(|text| !text.is_empty());
    let mode = match mode?.as_str()? {
        "secure" => BrowserDnsMode::HttpsOnly,
        "automatic" if resolver.is_some() => BrowserDnsMode::HttpsFirst,
        _ => BrowserDnsMode::System,
    };
    Some((mode, resolver.map(str::to_owned)))
}

/// The text of a file of bounded length.
fn read(path: &Path) -> Option<String> {
    let about = fs::metadata(path).ok().filter(|about| about.is_file())?;
    (about.len() <= MAX_OCTETS)
        .then(|| fs::read(path).ok())
        .flatten()
        .map(|octets| String::from_utf8_lossy(&octets).into_owned())
}

/// The entries of a folder, by name.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = read.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn modes_of_both_families_are_read() {
        use BrowserDnsMode::{HttpsFirst, HttpsOnly, System};
        for (text, expected) in [
            ("user_pref(\"network.trr.mode\", 3);", Some(HttpsOnly)),
            (
                "user_pref(\"network.trr.mode\", 2);\nuser_pref(\"network.trr.mode\", 5);",
                Some(System),
            ),
            ("user_pref(\"doh-rollout.mode\", 2);", Some(HttpsFirst)),
            ("user_pref(\"network.trr.mode\", 0);", None),
            ("user_pref(\"browser.x\", true);", None),
        ] {
            assert_eq!(firefox_preferences(text).map(|(mode, _)| mode), expected, "{text}");
        }
        let values = |mode: &str, resolver: &str| [Value::from(mode), Value::from(resolver)];
        for (mode, resolver, expected) in [
            ("secure", "https://dns.example/dns-query", HttpsOnly),
            ("automatic", "", System),
            ("automatic", "https://dns.example/dns-query", HttpsFirst),
            ("off", "", System),
        ] {
            let values = values(mode, resolver);
            let found = chromium_mode([Some(&values[0]), Some(&values[1])]).unwrap();
            assert_eq!(found.0, expected, "{mode} {resolver}");
        }
    }

    #[test]
    fn a_locked_policy_outweighs_a_profile_which_outweighs_other_policies() {
        let machine = tempfile::tempdir().unwrap();
        let (root, home) = (machine.path(), machine.path().join("home/a"));
        assert_eq!(look_in(root, Some(&home)), []);
        let url = "user_pref(\"network.trr.uri\", \"https://dns.example/\");";
        put(
            &home,
            ".mozilla/firefox/x.default/prefs.js",
            &format!("user_pref(\"network.trr.mode\", 2);\n{url}"),
        );
        let modes = || {
            let found = look_in(root, Some(&home)).into_iter();
            found.map(|browser| (browser.mode, browser.is_policy)).collect::<Vec<_>>()
        };
        assert_eq!(modes(), [(BrowserDnsMode::HttpsFirst, false)]);
        assert_eq!(look_in(root, Some(&home))[0].resolver.as_deref(), Some("https://dns.example/"));
        let policy = |rest: &str| {
            let text = format!("{{\"policies\":{{\"DNSOverHTTPS\":{{\"Enabled\":false{rest}}}}}}}");
            put(root, "etc/firefox/policies/policies.json", &text);
        };
        policy("");
        assert_eq!(modes(), [(BrowserDnsMode::HttpsFirst, false)]);
        policy(",\"Locked\":true");
        assert_eq!(modes(), [(BrowserDnsMode::System, true)]);
        let state = "{\"dns_over_https\":{\"mode\":\"secure\",\"templates\":\"\"}}";
        put(&home, ".config/chromium/Local State", state);
        assert_eq!(modes(), [(BrowserDnsMode::System, true), (BrowserDnsMode::HttpsOnly, false)]);
        put(root, "etc/chromium/policies/managed/dns.json", "{\"DnsOverHttpsMode\":\"off\"}");
        assert_eq!(modes(), [(BrowserDnsMode::System, true), (BrowserDnsMode::System, true)]);
    }

    #[test]
    fn the_home_behind_sudo_is_that_of_the_caller() {
        let accounts = "root:x:0:0::/root:/bin/sh\na:x:1000:1000:A:/home/a:/bin/sh\n";
        assert_eq!(home_of("a", accounts), Some(PathBuf::from("/home/a")));
        assert_eq!(home_of("b", accounts), None);
    }
}
