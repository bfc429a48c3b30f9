//! Servers: how fast, how reliable, and in what trouble.

use maud::{Markup, html};
use zoners_api::{AdminError, KnownServer, ServerList};

use super::failure;
use crate::words::{millis, name, of_them, span};

/// Rows of the table.
const MAX_ROWS: usize = 300;

/// The content of the page, for the servers of `zone` or all.
pub(super) fn content(zone: Option<&str>, list: Result<ServerList, AdminError>) -> Markup {
    let list = match list {
        Ok(list) => list,
        Err(error) => return html! { h1 { "Servers" } (form(zone)) (failure(&error)) },
    };
    let (total, troubled) = (
        list.servers.len(),
        list.servers.iter().filter(|server| !server.trouble.is_empty()).count(),
    );
    html! {
        h1 { "Servers" }
        p class="soft" { (of_them(total as u64, "server is known", "servers are known")) ", "
            (troubled) " of them with a recent trouble." }
        (form(zone))
        @if !list.silent_zones.is_empty() {
            h2 { "Zones without a responding server" }
            table {
                thead { tr { th { "Zone" } th { "Silent for" } th class="n" { "Queries meanwhile" } } }
                tbody {
                    @for silent in &list.silent_zones {
                        tr {
                            td class="name" { a href=(format!("/servers?zone={}", silent.zone)) { (name(&silent.zone)) } }
                            td { (span(silent.silent_s)) }
                            td class="n" data-column="queries" { (silent.queries) }
                        }
                    }
                }
            }
        }
        h2 { "Servers, the fastest first" }
        table {
            @if total > MAX_ROWS { caption { "The first " (MAX_ROWS) } }
            thead { tr { th { "Address" } th class="n" { "Round trip" } th class="n" { "Lost" } th { "Last reply" } th { "Trouble" } } }
            tbody { @for server in list.servers.iter().take(MAX_ROWS) { (row(server)) } }
        }
    }
}

fn form(zone: Option<&str>) -> Markup {
    html! {
        form class="row" {
            label { "Zone, or a name in it" input name="zone" value=(zone.unwrap_or_default()) autocomplete="off" spellcheck="false"; }
            button { "Show its servers" }
        }
    }
}

fn row(server: &KnownServer) -> Markup {
    let ago = server.replied_s.map_or("never".to_owned(), |ago| format!("{} ago", span(ago)));
    html! {
        tr {
            td class="name" {
                @if let Some(of) = &server.name { (name(of)) " " }
                (server.address) @if server.transport != "udp" { " " (server.transport) }
            }
            td class="n" data-column="round trip" { @match server.srtt_ms { Some(ms) => (millis(ms)), None => "–" } }
            td class="n" data-column="lost" { (format!("{:.0} %", server.loss * 100.0)) }
            td data-column="last reply" { (ago) }
            td class="whole" {
                @if server.lame { "lame: does not serve the zone" } @else { (server.trouble) }
                @if let Some(left) = server.backoff_s { " (asked again in " (span(left)) ")" }
            }
        }
    }
}
