//! The networks of the machine, and how questions become answers there.

use maud::{Markup, html};
use zoners_api::{DaemonStatus, LinkReport, LocalNetworks, OutageReport};

use super::list;
use crate::words::{name, span};

/// The content of the page.
pub(super) fn content(status: &DaemonStatus, networks: &LocalNetworks) -> Markup {
    let network = &status.network;
    html! {
        h1 { "Network" }
        div class="card" {
            dl class="facts" {
                @if let Some(strategy) = &network.strategy {
                    dt { "Strategy" } dd { (strategy.text) @if !strategy.resolvers.is_empty() { " (" (strategy.resolvers.join(", ")) ")" } }
                }
                dt { "Working" } dd { (ways(status, true)) }
                @if network.reachability.names(false).next().is_some() { dt { "Not working" } dd class="bad" { (ways(status, false)) } }
                dt { "Lost on the line" } dd { (format!("{:.1} %", network.loss * 100.0)) " of queries" }
                @if let Some(text) = &network.passage.text { dt { "Obstacle" } dd class="note" { (text) } }
                @if let Some(first) = &network.first_recursion { dt { "First recursion" } dd { (first.text) } }
            }
        }
        h2 { "Outages of the line, last 24 hours" }
        div class="card" { (outages(&network.outages)) }
        h2 { "Links" }
        @for link in &networks.links { (link_card(link)) }
        @if networks.links.is_empty() { p class="soft" { "No link is up, or the networks are not known." } }
        @if !networks.routes.is_empty() {
            h2 { "Names that resolvers of a network answer" }
            table {
                thead { tr { th { "Names below" } th { "Resolvers" } th { "Link" } th { "Reason" } th { "Proven" } } }
                tbody {
                    @for route in &networks.routes {
                        tr {
                            td class="name" { (name(&route.zone)) }
                            td { (route.servers.join(", ")) }
                            td data-column="link" { (route.link) }
                            td { (route.reason) }
                            td data-column="proven" { @if route.validate { "yes" } @else { "no" } }
                        }
                    }
                }
            }
        }
        p class="soft" { "Something is wrong with the line? Type " code { "zoners doctor" } " in a terminal." }
    }
}

fn ways(status: &DaemonStatus, works: bool) -> String {
    let names: Vec<String> = status.network.reachability.names(works).map(str::to_owned).collect();
    list(&names, "none")
}

fn outages(outages: &OutageReport) -> Markup {
    let classes = [
        ("under 5 s, as of a satellite or a Wi-Fi", outages.below_5_s),
        ("5 to 30 s", outages.below_30_s),
        ("half a minute to 5 minutes", outages.below_300_s),
        ("longer", outages.longer),
    ];
    html! {
        @if outages.count() == 0 { p { "None." } } @else {
            dl class="facts" {
                @for (class, number) in classes { @if number > 0 { dt { (number) } dd { (class) } } }
                dt { (span(outages.total_s)) } dd { "in all" }
            }
        }
    }
}

fn link_card(link: &LinkReport) -> Markup {
    html! {
        section class="card" {
            h3 { (link.name) " " span class="soft" { (link.kind) } }
            dl class="facts" {
                dt { "Addresses" } dd { (list(&link.addresses, "none")) }
                @if !link.gateways.is_empty() { dt { "Router" } dd { (link.gateways.join(", ")) } }
                @for settings in link.dns.iter().filter(|settings| settings.in_use) {
                    dt { "Resolvers" } dd { (list(&settings.resolvers, "none")) " " span class="soft" { "by " (settings.source) } }
                    @if !settings.search_domains.is_empty() { dt { "Search domains" } dd { (settings.search_domains.join(", ")) } }
                }
                @if let Some(domain) = &link.dhcp_domain { dt { "Domain" } dd { (domain) } }
            }
        }
    }
}
