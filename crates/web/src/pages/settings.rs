//! The settings in force, to be read: they are changed in the configuration file.

use maud::{Markup, html};
use zoners_api::{DaemonStatus, SecondLevelState};

use super::list;
use crate::words::{count, name, octets};

/// The content of the page.
pub(super) fn content(status: &DaemonStatus) -> Markup {
    html! {
        h1 { "Settings" }
        p class="soft" {
            @match &status.config {
                Some(file) => { "Change them in " code { (file) } ", then type " code { "zoners reload" } "." }
                None => { "The server runs without a configuration file." }
            }
        }
        div class="card" {
            dl class="facts" {
                (fact("server.listen", &list(&status.listen, "none")))
                @if !status.awaited.is_empty() { (fact("waiting for an interface", &status.awaited.join(", "))) }
                (fact("server.http", &list(&status.http, "none")))
                (fact("server.allow", &list(&status.serves, "none")))
                (fact("server.threads", &count(status.workers)))
                (fact("cache.size", &octets(status.cache.limit_bytes)))
                (fact("dnssec", if status.validation.on { "validates" } else { "off" }))
                @match status.second_level {
                    Some(SecondLevelState::InUse) => (fact("cache.redis", "in use")),
                    Some(SecondLevelState::Broken) => (fact("cache.redis", "does not answer")),
                    None => (fact("cache.redis", "none")),
                }
            }
        }
        @for reason in &status.not_served { p class="bad" { (reason) } }
        @for effect in &status.side_effects { p class="note" { (effect) } }
        @if !status.zones.is_empty() {
            h2 { "Zones with a copy here" }
            table {
                thead { tr { th { "Zone" } th class="n" { "Serial" } th class="n" { "Names" } th { "State" } } }
                tbody {
                    @for zone in &status.zones {
                        tr {
                            td class="name" { (name(&zone.zone)) }
                            td class="n" data-column="serial" { @if let Some(serial) = zone.serial { (serial) } }
                            td class="n" data-column="names" { (count(zone.names)) }
                            td class="whole" { (zone.unavailable.as_deref().unwrap_or("in force")) }
                        }
                    }
                }
            }
        }
        h2 { "Sandbox" }
        div class="card" {
            dl class="facts" {
                @for layer in &status.sandbox {
                    dt { (layer.name) } dd class=[(!layer.on).then_some("note")] { (layer.text) }
                }
            }
            @if status.sandbox.is_empty() { p { "No layer is in force." } }
        }
    }
}

fn fact(key: &str, value: &str) -> Markup {
    html! { dt { (key) } dd { (value) } }
}
