//! The policy: lists, groups, pauses.

use std::sync::Arc;

use maud::{Markup, html};
use zoners_api::words::grouped;
use zoners_api::{
    Admin, AdminError, AdminRequest, PolicyGroupState, PolicyListReport, PolicySourceReport,
};
use zoners_http::{Method, Route};

use super::{form, list, rule};
use crate::dashboard::Dashboard;
use crate::layout::{self, Refresh};
use crate::words::{octets, of_them, span};

/// The lengths of a pause, in seconds.
const PAUSES: [(u32, &str); 3] = [(300, "5 minutes"), (3600, "1 hour"), (86_400, "1 day")];

/// The page and its forms.
pub(super) fn routes<A: Admin>(dashboard: &Arc<Dashboard<A>>) -> Vec<Route> {
    let page = dashboard.route(Method::GET, "/policy", |dashboard, _| async move {
        layout::page("/policy", Refresh::Often, &content(&dashboard.admin.policy_lists()))
    });
    let pause = form(dashboard, "/policy/pause", |form| {
        let seconds = form.field("seconds").and_then(|text| text.parse().ok());
        let seconds = seconds.ok_or_else(|| AdminError::invalid("seconds: write a number"))?;
        let group = form.field("group").filter(|group| !group.is_empty());
        Ok((AdminRequest::PolicyPause { group, seconds }, "/policy"))
    });
    let update = form(dashboard, "/policy/update", |form| {
        let list = form.field("list").filter(|list| !list.is_empty());
        Ok((AdminRequest::PolicyUpdate { list }, "/policy"))
    });
    let accept = form(dashboard, "/policy/accept", |form| {
        let list = form.field("list").ok_or_else(|| AdminError::invalid("list: name one"))?;
        Ok((AdminRequest::PolicyAccept { list }, "/policy"))
    });
    vec![page, pause, update, accept]
}

fn content(report: &PolicyListReport) -> Markup {
    if report.lists.is_empty() && report.groups.is_empty() && report.operator_rules.is_empty() {
        return html! {
            h1 { "Policy" }
            p { "No policy is configured: every name is answered." }
            p class="soft" { "Lists that block advertisements or malware are set in zoners.toml; "
                code { "zoners policy catalogue" } " names well-known lists. A single name is blocked from its row in "
                a href="/queries" { "Queries" } "." }
        };
    }
    html! {
        h1 { "Policy" }
        p class="soft" { (of_them(report.names, "name", "names")) " with rules, in " (octets(report.memory_bytes)) "." }
        (rule::table(&report.operator_rules))
        h2 { "Groups of clients" }
        @for group in &report.groups { (group_card(group)) }
        @if !report.lists.is_empty() { (lists(report)) }
        @if !report.sources.is_empty() {
            h2 { "Origins" }
            @for source in &report.sources { (source_card(source)) }
        }
        p { "What decides on a name? " a href="/lookup" { "Look it up" } "." }
    }
}

fn lists(report: &PolicyListReport) -> Markup {
    html! {
        h2 { "Lists" }
        table {
            thead { tr { th { "List" } th { "Form" } th class="n" { "Rules" } th class="n" { "Lines not understood" } th { "Effect" } } }
            tbody {
                @for list in &report.lists {
                    tr {
                        td class="name" { (list.name) }
                        td { (list.form) }
                        td class="n" data-column="rules" { (grouped(list.rules.into())) }
                        td class="n" data-column="not understood" { (grouped(list.lost.into())) }
                        td { @if list.allows { "allows" } @else { "blocks" } }
                    }
                }
            }
        }
    }
}

fn group_card(group: &PolicyGroupState) -> Markup {
    let field = html! { input type="hidden" name="group" value=(group.name); };
    html! {
        section class="card" {
            h3 { (group.name) @if group.paused { " " span class="note" { "paused" } } }
            dl class="facts" {
                dt { "Clients" } dd { (list(&group.clients, "all without another group")) }
                dt { "Lists" } dd { (list(&group.lists, "none")) }
                @if !group.services.is_empty() { dt { "Blocked services" } dd { (group.services.join(", ")) } }
                @if !group.safe_search.is_empty() { dt { "Safe search" } dd { (group.safe_search.join(", ")) } }
                @if !group.schedules.is_empty() { dt { "Schedules in force" } dd { (group.schedules.join(", ")) } }
            }
            form class="row" method="post" action="/policy/pause" {
                (field)
                @if group.paused {
                    button name="seconds" value="0" { "End the pause of " (group.name) }
                } @else {
                    label { "Pause the policy of " (group.name) " for"
                        select name="seconds" { @for (seconds, title) in PAUSES { option value=(seconds) { (title) } } }
                    }
                    button { "Pause" }
                }
            }
        }
    }
}

fn source_card(source: &PolicySourceReport) -> Markup {
    let ago = |seconds: Option<u64>| {
        seconds.map_or("never".to_owned(), |ago| format!("{} ago", span(ago)))
    };
    html! {
        section class="card" {
            h3 { (source.name) }
            dl class="facts" {
                dt { "Origin" } dd { (source.origin) }
                dt { "Fetched" } dd { (ago(source.age_s)) }
                @if let Some(error) = &source.error { dt { "Trouble" } dd class="bad" { (error) } }
                @if let Some(held) = &source.held {
                    dt { "Waiting" } dd class="note" { (held.text) ", " (of_them(held.rules.into(), "rule", "rules"))
                        @if let Some(left) = held.left_s { ", in force in " (span(left)) } }
                }
            }
            div class="row" {
                form class="row" method="post" action="/policy/update" {
                    button name="list" value=(source.name) { "Fetch " (source.name) " now" }
                }
                @if source.held.is_some() {
                    form class="row" method="post" action="/policy/accept" {
                        button name="list" value=(source.name) { "Accept the waiting version" }
                    }
                }
            }
        }
    }
}
