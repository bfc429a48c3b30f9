//! Browsers that ask a resolver of their own over HTTPS (RFC 8484), past Zoners.

use zoners_api::Severity;

use super::{CheckInput, CheckOutput};
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::{BrowserDnsMode, BrowserFamily, BrowserObservation};

pub(super) fn check(input: &CheckInput, output: &mut CheckOutput) {
    let (settings, daemon) = (&input.seen.settings, &input.seen.daemon);
    // Without Zoners as the resolver of the machine, nothing is passed by.
    if !settings.asks_zoners {
        return;
    }
    let past: Vec<&BrowserObservation> =
        settings.browsers.iter().filter(|browser| browser.mode != BrowserDnsMode::System).collect();
    if let Some(first) = past.first() {
        let (advice, command) = back_to_system(first);
        let mut names: Vec<&str> = past.iter().map(|browser| browser.browser.as_str()).collect();
        names.dedup();
        let ask = if names.len() == 1 {
            "asks a resolver of its own"
        } else {
            "ask resolvers of their own"
        };
        let sentence = format!("{} {ask} over HTTPS, and not Zoners.", names.join(" and "));
        let finding = DoctorFinding::new(
            "browser-beside-zoners",
            Culprit::Settings,
            Severity::Warning,
            sentence,
        );
        let finding =
            past.iter().map(|browser| evidence(browser)).fold(finding, DoctorFinding::because);
        output.find(finding.advise(advice, command));
    } else if !daemon.resolved_canaries.is_empty() {
        let names = daemon.resolved_canaries.join(" and ");
        let text =
            format!("ask Zoners unless told otherwise; {names} resolves (policy.firefox-canary)");
        output.is_sound("Browsers", text);
    }
}

fn evidence(browser: &BrowserObservation) -> String {
    let how = match browser.mode {
        BrowserDnsMode::HttpsOnly => "alone",
        BrowserDnsMode::HttpsFirst | BrowserDnsMode::System => "first",
    };
    let resolver = browser.resolver.as_deref().unwrap_or("its usual resolver");
    let kind = if browser.is_policy { "policy" } else { "setting" };
    format!("{}: {resolver} {how}, by the {kind} in {}.", browser.browser, browser.place)
}

/// The advice and the line to type, by which a browser asks the resolver of the system.
fn back_to_system(browser: &BrowserObservation) -> (&'static str, String) {
    let place = &browser.place;
    match (browser.family, browser.is_policy) {
        (BrowserFamily::Firefox, true) => {
            ("Set Enabled to false in DNSOverHTTPS.", format!("sudo nano '{place}'"))
        }
        (BrowserFamily::Chromium, true) => {
            ("Set DnsOverHttpsMode to \"off\".", format!("sudo nano '{place}'"))
        }
        (BrowserFamily::Firefox, false) => {
            let folder = place.rsplit_once('/').map_or("", |(folder, _)| folder);
            let preference = "user_pref(\"network.trr.mode\", 5);";
            (
                "Switch off DNS over HTTPS in its settings, or by this line; then start it anew.",
                format!("echo '{preference}' >> '{folder}/user.js'"),
            )
        }
        (BrowserFamily::Chromium, false) => (
            "Switch off secure DNS in its settings (Privacy and security, Security).",
            "xdg-open chrome://settings/security".to_owned(),
        ),
    }
}
