//! Why an answer was slow or failed: the past resolutions of a name, and the worst of the last hour.

use maud::{Markup, html};
use zoners_api::words::grouped;
use zoners_api::{
    Admin, AdminError, HopEventReport, HopReport, ResolutionReport, StepOutcome, TroubleEntry,
    TroubleReport, WhyQuery, WhyReport,
};
use zoners_http::HttpRequest;

use super::{failure, percent};
use crate::dashboard::Dashboard;
use crate::words::{day_and_time, millis, name, of_them};

/// The time of the worst questions.
const SECONDS: u64 = 3600;
/// Rows of a table of the worst.
const MAX_ROWS: usize = 10;

/// The form, and the past of the name in the address, or the worst questions.
pub(super) async fn content<A: Admin>(dashboard: &Dashboard<A>, request: &HttpRequest) -> Markup {
    let asked = request.parameter("name").map(|text| text.trim().to_owned());
    let asked = asked.filter(|name| !name.is_empty());
    let admin = &*dashboard.admin;
    let result = match &asked {
        Some(asked) => {
            let query = WhyQuery { name: asked.clone(), ..WhyQuery::default() };
            past(&admin.why(&query).await)
        }
        None => {
            let (slow, failed) = (admin.troubles(false, SECONDS), admin.troubles(true, SECONDS));
            html! { (worst("Slow", &slow.await)) (worst("Failed", &failed.await)) }
        }
    };
    html! {
        h1 { "Why was it slow?" }
        form class="row" {
            label { "Name" input name="name" value=(asked.unwrap_or_default()) autocomplete="off" spellcheck="false"; }
            button { "Show its past" }
        }
        (result)
    }
}

fn past(report: &Result<WhyReport, AdminError>) -> Markup {
    let report = match report {
        Ok(report) => report,
        Err(error) => return failure(error),
    };
    html! {
        @if report.resolutions.is_empty() {
            p { "The history has no question for " b { (name(&report.name)) } ". The history keeps one answer from memory every ten seconds." }
        }
        @if !report.names_below.is_empty() {
            p { "Names below: "
                @for below in &report.names_below { a href=(format!("/why?name={}", percent(below))) { (name(below)) } " " } }
        }
        @for resolution in &report.resolutions { (resolution_card(resolution)) }
    }
}

fn resolution_card(resolution: &ResolutionReport) -> Markup {
    let class = if resolution.failed { "card problem error" } else { "card" };
    html! {
        section class=(class) {
            h2 { (resolution.verdict.text) }
            p class="soft" {
                (resolution.r#type) " for " (resolution.client) " at " (day_and_time(resolution.received_s)) " UTC: "
                (resolution.rcode.as_deref().unwrap_or("no response")) " after " (millis(resolution.took_ms))
                @if let Some(ede) = &resolution.ede { ", " (ede.meaning) }
            }
            @for evidence in &resolution.verdict.evidence { p { (evidence) } }
            @if !resolution.hops.is_empty() {
                table class="trace" {
                    thead { tr { th class="n" { "At" } th { "Hop" } } }
                    tbody { @for hop in &resolution.hops { (hop_row(hop)) } }
                }
            }
            @if resolution.more_hops > 0 { p class="soft" { "and " (of_them(resolution.more_hops, "hop", "hops")) " more" } }
        }
    }
}

fn hop_row(hop: &HopReport) -> Markup {
    html! {
        tr {
            td class="n" { (millis(hop.at_ms)) }
            td class=(format!("d{}", hop.depth.min(3))) {
                b { (hop.r#type) } " of " (name(&hop.zone)) ": "
                @match &hop.event {
                    HopEventReport::Query { server, address, transport, why, outcome, text } => {
                        span class=(class(*outcome)) { (text) } " in " (millis(hop.took_ms))
                        br;
                        span class="soft" { @if let Some(server) = server { (name(server)) " " } (address) " " (transport) ", " (why) }
                    }
                    HopEventReport::Wait {} => span class="soft" { "shared a wait of " (millis(hop.took_ms)) },
                    HopEventReport::Skip { address, text } => span class="soft" { (address) " left out: " (text) },
                }
            }
        }
    }
}

/// The class of the words on a reply.
pub(super) fn class(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Useful => "good",
        StepOutcome::Failed => "bad",
        StepOutcome::Outpaced => "note",
    }
}

fn worst(title: &str, report: &Result<TroubleReport, AdminError>) -> Markup {
    let report = match report {
        Ok(report) => report,
        Err(error) => return failure(error),
    };
    html! {
        h2 { (title) ", last hour" }
        @if report.hurt == 0 { p class="good" { "None of " (of_them(report.questions, "question", "questions")) "." } } @else {
            p { (grouped(report.hurt)) " of " (of_them(report.questions, "question", "questions")) ", of "
                (of_them(report.clients, "client", "clients")) "." }
            (entries("Name", &report.names))
            (entries("Provider or zone at fault", &report.providers))
        }
    }
}

fn entries(title: &str, entries: &[TroubleEntry]) -> Markup {
    html! {
        @if !entries.is_empty() {
            table {
                thead { tr { th { (title) } th class="n" { "Questions" } th class="n" { "Longest" } th { "Cause of the worst" } } }
                tbody {
                    @for entry in entries.iter().take(MAX_ROWS) {
                        tr {
                            td class="name" {
                                a href=(format!("/why?name={}", percent(&entry.name))) { (name(&entry.name)) }
                            }
                            td class="n" data-column="questions" { (grouped(entry.questions)) }
                            td class="n" data-column="longest" { (millis(entry.worst_ms)) }
                            td class="whole" { (entry.text) }
                        }
                    }
                }
            }
        }
    }
}
