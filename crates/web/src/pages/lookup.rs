//! A look-up with the way: which server was asked, how long each took, and what the policy says.

use maud::{Markup, html};
use zoners_api::{
    Admin, AdminError, AnswerSource, DnssecStatus, LookupReport, PolicyExplanation, TraceEvent,
    TraceStep,
};
use zoners_http::HttpRequest;

use super::failure;
use super::why::class;
use crate::dashboard::Dashboard;
use crate::words::{millis, name};

/// Steps that are shown.
const MAX_STEPS: usize = 200;

/// The form, and the result for the name in the address.
pub(super) async fn content<A: Admin>(dashboard: &Dashboard<A>, request: &HttpRequest) -> Markup {
    let field = |key| request.parameter(key).map(|text| text.trim().to_owned());
    let asked = field("name").filter(|name| !name.is_empty());
    let rtype = field("type").filter(|rtype| !rtype.is_empty()).unwrap_or_else(|| "A".into());
    let client = field("client").filter(|client| !client.is_empty());
    let admin = &*dashboard.admin;
    let result = match &asked {
        Some(asked) => {
            let policy = admin.explain_policy(asked, &rtype, client.as_deref());
            html! { (answer(&admin.lookup(asked, &rtype).await)) (policy_of(&policy)) }
        }
        None => {
            html! { p class="soft" { "The server resolves the name now, and shows each step." } }
        }
    };
    html! {
        h1 { "Look up a name" }
        form class="row" {
            label { "Name" input name="name" value=(asked.unwrap_or_default()) required autocomplete="off" spellcheck="false"; }
            label { "Type" input name="type" value=(rtype) size="8" list="types" autocomplete="off"; }
            datalist id="types" { @for rtype in ["A", "AAAA", "HTTPS", "MX", "TXT", "NS", "PTR"] { option value=(rtype) {} } }
            label { "Policy for the client" input name="client" value=(client.unwrap_or_default()) placeholder="this machine"; }
            button { "Look up" }
        }
        (result)
    }
}

fn answer(report: &Result<LookupReport, AdminError>) -> Markup {
    let report = match report {
        Ok(report) => report,
        Err(error) => return failure(error),
    };
    html! {
        section class="card" {
            h2 { (report.rcode) " in " (millis(report.took_ms)) ", " (source(report.source)) }
            p { (dnssec(report.dnssec)) }
            @if let Some(ede) = &report.ede { p class="note" { (ede.meaning) @if !ede.text.is_empty() { ": " (ede.text) } } }
            @if !report.answer.is_empty() { pre { code { (report.answer.join("\n")) } } }
            @if report.answer.is_empty() && !report.authority.is_empty() { pre { code { (report.authority.join("\n")) } } }
        }
        @if let Some(steps) = &report.trace { @if !steps.is_empty() { (way(steps)) } }
    }
}

fn way(steps: &[TraceStep]) -> Markup {
    html! {
        h2 { "The way" }
        div class="card" {
            table class="trace" {
                thead { tr { th class="n" { "At" } th { "Step" } } }
                tbody {
                    @for step in steps.iter().take(MAX_STEPS) {
                        tr {
                            td class="n" { (millis(step.at_ms)) }
                            td class=(format!("d{}", step.depth.min(3))) { (event(&step.event)) }
                        }
                    }
                }
            }
        }
    }
}

fn event(event: &TraceEvent) -> Markup {
    match event {
        TraceEvent::Note { text } => html! { span class="soft" { (text) } },
        TraceEvent::Wait { zone, question, took_ms } => html! {
            span class="soft" { "shared a wait of " (millis(*took_ms)) " for " (question) " of " (name(zone)) }
        },
        TraceEvent::Query {
            zone,
            question,
            server,
            address,
            transport,
            why,
            took_ms,
            outcome,
            text,
        } => {
            html! {
                b { (question) } " of " (name(zone)) ": " span class=(class(*outcome)) { (text) } " in " (millis(*took_ms))
                br;
                span class="soft" { @if server != "." { (name(server)) " " } (address) " " (transport) ", " (why) }
            }
        }
    }
}

fn policy_of(policy: &Result<PolicyExplanation, AdminError>) -> Markup {
    // Without a policy there is nothing to explain.
    let Ok(policy) = policy else { return html! {} };
    html! {
        h2 { "The policy" }
        div class="card" {
            p { "Client " (policy.client) ", group " (policy.group)
                @if policy.paused { ": the policy is paused" }
                @else if policy.rules.is_empty() { ": no rule matches" } }
            @if !policy.rules.is_empty() {
                table {
                    thead { tr { th { "Rule" } th { "Of" } th { "Reply" } } }
                    tbody {
                        @for (at, rule) in policy.rules.iter().enumerate() {
                            tr {
                                td class="name" { code { (rule.rule) } @if at == 0 { " " b { "decides" } } }
                                td { (rule.place()) }
                                td { (rule.action) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn source(source: AnswerSource) -> &'static str {
    match source {
        AnswerSource::Cache => "from the cache",
        AnswerSource::Stale => "from expired records",
        AnswerSource::Network => "from servers",
        AnswerSource::Local => "from local data",
        AnswerSource::Server => "from a resolver",
    }
}

fn dnssec(status: DnssecStatus) -> &'static str {
    match status {
        DnssecStatus::Secure => "Proven by signatures from the root down.",
        DnssecStatus::Insecure => "The zone is not signed.",
        DnssecStatus::Bogus => "The signatures are wrong or missing.",
        DnssecStatus::Unchecked => "Not validated.",
    }
}
