//! The page of `--report FILE`, for the support of a provider: verdict, findings and probes of the line.
//!
//! The page has no name of a question, and nothing of the settings of this machine.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use zoners_api::OutageReport;

use crate::examination::Examination;
use crate::finding::{Culprit, DoctorFinding};
use crate::observations::{FamilyObservation, Observations, ProbeCounts, ReplyTraits};
use crate::way_state::WayState;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;\
color:#1b1f24;background:#fff}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}\
td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #d5d9de;vertical-align:top}\
.finding{border-left:4px solid #b3261e;padding:.1rem 1rem;margin:1rem 0;background:#faf6f5}\
.verdict{font-size:1.25rem;font-weight:600}.soft{color:#57606a}\
@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#15181c}.finding{background:#241c1b}\
.soft{color:#a0a8b2}td,th{border-color:#3a4048}}";

/// The page. `when` is the time of the examination in words; `version` is the release of Zoners.
#[must_use]
pub fn page(examination: &Examination, seen: &Observations, when: &str, version: &str) -> String {
    let findings: Vec<&DoctorFinding> =
        examination.findings.iter().filter(|finding| is_of_the_line(finding)).collect();
    let verdict = match findings.first() {
        Some(worst) => format!("{}: {}", worst.culprit, worst.sentence),
        None => "The line carries DNS without faults.".to_owned(),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Examination of a line" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Examination of a line" }
                p class="verdict" { (verdict) }
                p class="soft" { "By Zoners " (version) ", " (when) ". DNS probes of root servers; no other name was asked." }
                @for finding in findings { (told(finding)) }
                @for family in &seen.families { (line(family)) }
                @if let Some(status) = &seen.daemon.status { (outages(&status.network.outages)) }
            }
        }
    };
    page.into_string()
}

/// Whether a finding concerns the provider, unlike the machine, its settings and names.
fn is_of_the_line(finding: &DoctorFinding) -> bool {
    matches!(finding.culprit, Culprit::Router | Culprit::Provider)
}

fn told(finding: &DoctorFinding) -> Markup {
    html! {
        div class="finding" {
            p { strong { (finding.culprit) ": " (finding.sentence) } }
            @for evidence in &finding.evidence { p class="soft" { (evidence) } }
        }
    }
}

fn line(seen: &FamilyObservation) -> Markup {
    let row = |topic: String, text: String| html! { tr { td { (topic) } td { (text) } } };
    let probes = |topic: String, counts: ProbeCounts| row(topic, counts.describe());
    html! {
        h2 { (seen.family) }
        @if WayState::of(seen) == WayState::Absent {
            p { "No route leads out." }
        } @else {
            table {
                @if let Some(router) = &seen.router {
                    @match router.echo {
                        Some(echo) => (probes(format!("Router {}, ping", router.address), echo)),
                        None => (row(format!("Router {}", router.address), alive(router.is_alive()))),
                    }
                }
                @if let Some(echo) = seen.echo { (probes("Root servers, ping".to_owned(), echo)) }
                @for server in &seen.servers { (probes(format!("{}, UDP", server.address), server.counts)) }
                (probes("Root servers, TCP".to_owned(), seen.tcp))
                @for size in &seen.sizes {
                    (row(
                        format!("Replies up to {} octets", size.offered),
                        format!("{} of {} replied, {} octets", size.replied, size.sent, size.octets),
                    ))
                }
                (row("Traits of the replies".to_owned(), traits(&seen.traits)))
                @if !seen.traits.identities.is_empty() {
                    (row("Names of the servers".to_owned(), seen.traits.identities.join(", ")))
                }
            }
        }
    }
}

/// A root server sets AA and never RA, and signs.
fn traits(traits: &ReplyTraits) -> String {
    let ReplyTraits { replies, not_authoritative, recursion_available, unsigned, failures, .. } =
        traits;
    format!(
        "{replies} replies: {not_authoritative} without AA, {recursion_available} with RA, {unsigned} without a \
         signature, {failures} failures"
    )
}

/// The outages of the last day by their length, as seen by the daemon.
fn outages(outages: &OutageReport) -> Markup {
    let OutageReport { below_5_s, below_30_s, below_300_s, longer, total_s } = outages;
    html! {
        h2 { "Outages of the last day" }
        table {
            @for (length, count) in [
                ("below 5 seconds", below_5_s),
                ("5 to 30 seconds", below_30_s),
                ("30 seconds to 5 minutes", below_300_s),
                ("5 minutes or more", longer),
            ] {
                tr { td { (length) } td { (count) } }
            }
            tr { td { "all together" } td { (total_s) " seconds" } }
        }
    }
}

fn alive(is_alive: bool) -> String {
    if is_alive { "responds" } else { "does not respond" }.to_owned()
}
