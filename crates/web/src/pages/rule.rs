//! A rule of the operator: what it will do, done and taken back.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use maud::{Markup, html};
use zoners_api::words::grouped;
use zoners_api::{
    Admin, AdminError, AdminRequest, FinishedQuery, OperatorRuleChange, OperatorRuleEffect,
    OperatorRuleReport, OperatorRuleState, PolicyExplanation,
};
use zoners_http::{HttpRequest, Method, Route};

use super::decision::decision;
use super::{failure, percent, refused};
use crate::dashboard::Dashboard;
use crate::layout::{self, Refresh};
use crate::words::{name, of_them};

/// The most names told of the names under a rule.
const MAX_NAMES: usize = 8;

/// The page of a rule, and the form for a new rule.
pub(super) fn routes<A: Admin>(dashboard: &Arc<Dashboard<A>>) -> Vec<Route> {
    let page = dashboard.route(Method::GET, "/rule", |dashboard, request| async move {
        layout::page("/queries", Refresh::Never, &content(&dashboard, &request).await)
    });
    let change = dashboard.route(Method::POST, "/rule", |dashboard, form| async move {
        let change = match WantedRule::of(|field| form.field(field)) {
            Ok(wanted) => wanted.change(false),
            Err(error) => return refused(&error),
        };
        let back =
            if form.field("back").as_deref() == Some("policy") { "policy" } else { "queries" };
        let group = change
            .group
            .as_deref()
            .map_or(String::new(), |group| format!("&group={}", percent(group)));
        let way = format!("/{back}?rule={}{group}", percent(&change.name));
        match dashboard.ask(AdminRequest::PolicyRule(change)).await {
            Ok(_) => layout::redirect(&way),
            Err(error) => refused(&error),
        }
    });
    vec![page, change]
}

/// The rule in the fields of an address or a form.
struct WantedRule {
    /// The name of the row.
    asked: String,
    /// The name of the rule: the name of the row, or a name above.
    name: String,
    /// `None` takes the rule back.
    effect: Option<OperatorRuleEffect>,
    group: Option<String>,
    client: Option<String>,
}

impl WantedRule {
    fn of(field: impl Fn(&str) -> Option<String>) -> Result<Self, AdminError> {
        let field = |name: &str| {
            let text = field(name).map(|text| text.trim().to_owned());
            text.filter(|text| !text.is_empty())
        };
        let asked = field("name").ok_or_else(|| AdminError::invalid("name: write one"))?;
        let name = field("rule").unwrap_or_else(|| asked.clone());
        let effect = match field("effect").as_deref() {
            Some("block") => Some(OperatorRuleEffect::Block),
            Some("allow") => Some(OperatorRuleEffect::Allow),
            Some("remove") => None,
            _ => return Err(AdminError::invalid("effect: block, allow or remove")),
        };
        let client = field("client").filter(|client| client.parse::<IpAddr>().is_ok());
        Ok(WantedRule { asked, name, effect, group: field("group"), client })
    }

    fn change(&self, trial: bool) -> OperatorRuleChange {
        OperatorRuleChange {
            name: self.name.clone(),
            effect: self.effect,
            group: self.group.clone(),
            trial,
            asked: Some(self.asked.clone()),
            client: self.client.clone(),
        }
    }
}

/// The effect of the rule in the address, and the buttons.
async fn content<A: Admin>(dashboard: &Dashboard<A>, request: &HttpRequest) -> Markup {
    let wanted = match WantedRule::of(|field| request.parameter(field)) {
        Ok(wanted) => wanted,
        Err(error) => return failure(&error),
    };
    let trial = match dashboard.ask(AdminRequest::PolicyRule(wanted.change(true))).await {
        Ok(reply) => OperatorRuleReport::try_from(reply),
        Err(error) => Err(error),
    };
    let groups: Vec<String> =
        dashboard.admin.policy_lists().groups.into_iter().map(|group| group.name).collect();
    html! {
        h1 { "Block or allow " (name(&wanted.asked)) }
        (choice(&wanted, &groups))
        @match &trial {
            Ok(report) => (preview(&wanted, report, &dashboard.feed.recent())),
            Err(error) => (failure(error)),
        }
        p { a href="/queries" { "Back to the queries" } }
    }
}

/// The form for another rule.
fn choice(wanted: &WantedRule, groups: &[String]) -> Markup {
    let effects = [(OperatorRuleEffect::Block, "block"), (OperatorRuleEffect::Allow, "allow")];
    html! {
        form class="row" {
            input type="hidden" name="name" value=(wanted.asked);
            input type="hidden" name="client" value=(wanted.client.as_deref().unwrap_or_default());
            label { "Do"
                select name="effect" {
                    @for (effect, title) in effects {
                        option value=(title) selected[wanted.effect == Some(effect)] { (title) }
                    }
                }
            }
            label { "Name, with every name below"
                select name="rule" {
                    @for choice in names_above(&wanted.asked) {
                        option value=(choice) selected[choice == wanted.name] { (name(choice)) }
                    }
                }
            }
            @if groups.len() > 1 {
                label { "Clients"
                    select name="group" {
                        option value="" { "all" }
                        @for group in groups {
                            option value=(group) selected[wanted.group.as_ref() == Some(group)] { "group " (group) }
                        }
                    }
                }
            }
            button { "Show what that does" }
        }
    }
}

/// A name and the names above, down to two labels: a rule for a top-level domain is nothing for a click.
fn names_above(asked: &str) -> Vec<&str> {
    let starts = asked.match_indices('.').map(|(at, _)| at + 1);
    let above = starts.filter_map(|at| asked.get(at..));
    let above = above.filter(|above| above.trim_end_matches('.').contains('.'));
    [asked].into_iter().chain(above).collect()
}

fn preview(wanted: &WantedRule, report: &OperatorRuleReport, recent: &[FinishedQuery]) -> Markup {
    let verb = match wanted.effect {
        Some(OperatorRuleEffect::Block) => "Block",
        Some(OperatorRuleEffect::Allow) => "Allow",
        None => "Take back the rule for",
    };
    let effect = match wanted.effect {
        Some(OperatorRuleEffect::Block) => "block",
        Some(OperatorRuleEffect::Allow) => "allow",
        None => "remove",
    };
    html! {
        section class="card" {
            h2 { "What that does" }
            dl class="facts" {
                dt { "Now" } dd { (decision(&report.before)) }
                dt { "Then" } dd { (decision(&report.after)) @if is_unchanged(&report.before, &report.after) { ": no change" } }
                dt { "Asked by" } dd { (report.before.client) ", group " (report.before.group) }
                dt { "Concerns" } dd { (concerned(&wanted.name, recent)) }
                dt { "Kept in" } dd { (report.file.as_deref().unwrap_or("memory, until the server ends")) }
            }
            form class="row" method="post" action="/rule" {
                input type="hidden" name="name" value=(wanted.asked);
                input type="hidden" name="rule" value=(wanted.name);
                input type="hidden" name="group" value=(wanted.group.as_deref().unwrap_or_default());
                button class="main" name="effect" value=(effect) { (verb) " " (name(&wanted.name)) }
            }
        }
    }
}

fn is_unchanged(before: &PolicyExplanation, after: &PolicyExplanation) -> bool {
    let deciding = |explained: &PolicyExplanation| {
        explained.rules.first().map(|rule| (rule.allows, rule.action.clone()))
    };
    let is_answered =
        |explained: &PolicyExplanation| explained.rules.first().is_none_or(|rule| rule.allows);
    deciding(before) == deciding(after) || is_answered(before) && is_answered(after)
}

/// The names of recent queries at and below a name.
fn concerned(of: &str, recent: &[FinishedQuery]) -> Markup {
    let of = name(of).to_ascii_lowercase();
    let below = format!(".{of}");
    let mut names = BTreeMap::<String, u64>::new();
    for asked in recent.iter().filter_map(|query| query.name.as_deref()) {
        let asked = name(asked).to_ascii_lowercase();
        if asked == of || asked.ends_with(&below) {
            *names.entry(asked).or_default() += 1;
        }
    }
    let queries = names.values().sum();
    html! {
        @if names.is_empty() { "none of the latest queries" } @else {
            (of_them(queries, "query", "queries")) " of the latest " (grouped(recent.len() as u64)) ", for "
            @for (at, known) in names.keys().take(MAX_NAMES).enumerate() { @if at > 0 { ", " } (known) }
            @if names.len() > MAX_NAMES { " and " (of_them((names.len() - MAX_NAMES) as u64, "more name", "more names")) }
        }
    }
}

/// The outcome of the form, with the way back.
pub(super) fn outcome<A: Admin>(admin: &A, request: &HttpRequest) -> Markup {
    let Some(of) = request.parameter("rule") else { return html! {} };
    let group = request.parameter("group");
    let rules = admin.policy_lists().operator_rules;
    let is_of = |rule: &&OperatorRuleState| {
        name(&rule.name).eq_ignore_ascii_case(name(&of)) && rule.group == group
    };
    html! {
        section class="card problem notice" role="status" {
            @match rules.iter().find(is_of) {
                Some(rule) => { p { (in_words(rule)) ", from now on." } (take_back(rule, "queries")) }
                None => p { "There is no rule of yours for " (name(&of)) "." },
            }
        }
    }
}

/// The rules of the operator, each with a button to take it back.
pub(super) fn table(rules: &[OperatorRuleState]) -> Markup {
    html! {
        @if !rules.is_empty() {
            h2 { "Your rules" }
            p class="soft" { "Made here or by " code { "zoners policy block" } " and " code { "allow" } "; they go before every list." }
            table {
                thead { tr { th { "Rule" } th { span class="unseen" { "Change" } } } }
                tbody { @for rule in rules { tr { td class="name" { (in_words(rule)) } td { (take_back(rule, "policy")) } } } }
            }
        }
    }
}

fn in_words(rule: &OperatorRuleState) -> Markup {
    html! {
        (name(&rule.name)) " and every name below "
        @match rule.effect {
            OperatorRuleEffect::Block => "are blocked",
            OperatorRuleEffect::Allow => "are allowed",
        }
        @if let Some(group) = &rule.group { " for group " (group) }
    }
}

fn take_back(rule: &OperatorRuleState, back: &str) -> Markup {
    html! {
        form method="post" action="/rule" {
            input type="hidden" name="name" value=(rule.name);
            input type="hidden" name="group" value=(rule.group.as_deref().unwrap_or_default());
            input type="hidden" name="back" value=(back);
            button name="effect" value="remove" { "Take back the rule for " (name(&rule.name)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_for_the_name_or_a_name_above_but_for_no_top_level_domain() {
        assert_eq!(names_above("a.b.example."), ["a.b.example.", "b.example."]);
        assert_eq!(names_above("b.example"), ["b.example"]);
        assert_eq!(names_above("com."), ["com."]);
    }

    #[test]
    fn a_rule_concerns_the_name_and_names_below() {
        let query = |name: &str| FinishedQuery {
            received_s: 0,
            client: "192.0.2.7".into(),
            transport: "udp".into(),
            name: Some(name.into()),
            r#type: None,
            outcome: None,
            rcode: None,
            ede: None,
            failed: false,
            took_ms: 0.1,
        };
        let recent =
            ["Ads.example.", "a.ads.example.", "a.ads.example.", "bads.example."].map(query);
        let told = concerned("ads.example.", &recent).into_string();
        assert_eq!(told, "3 queries of the latest 4, for a.ads.example, ads.example");
        assert_eq!(concerned("other.example", &recent).into_string(), "none of the latest queries");
    }
}
