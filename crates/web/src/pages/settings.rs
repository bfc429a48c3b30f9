//! The settings in force, to be read: they are changed in the configuration file.

use maud::{Markup, html};
use zoners_api::words::grouped;
use zoners_api::{DaemonStatus, SecondLevelState, SettingsReport};

use super::list;
use crate::words::{name, octets, of_them};

/// The content of the page.
pub(super) fn content(status: &DaemonStatus, settings: &SettingsReport) -> Markup {
    let listen = [&status.listen[..], &status.single_transport].concat();
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
                (fact("server.listen", &list(&listen, "none")))
                @if !status.awaited.is_empty() { (fact("waiting for an interface", &status.awaited.join(", "))) }
                (fact("server.http", &list(&status.http, "none")))
                (fact("server.allow", &list(&status.serves, "none")))
                (fact("server.threads", &grouped(status.workers)))
                (fact("cache.size", &octets(status.cache.limit_bytes)))
                (fact("dnssec", if status.validation.on { "validates" } else { "off" }))
                @match status.second_level {
                    Some(SecondLevelState::InUse) => (fact("cache.redis", "in use")),
                    Some(SecondLevelState::Broken) => (fact("cache.redis", "does not answer")),
                    None => (fact("cache.redis", "none")),
                }
            }
        }
        (of_the_file(settings))
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
                            td class="n" data-column="names" { (grouped(zone.names)) }
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

/// The settings in the file, each with its line, and the settings at their default values.
fn of_the_file(settings: &SettingsReport) -> Markup {
    html! {
        @if !settings.written.is_empty() {
            h2 { "In the file" }
            p class="soft" { "The line of each setting in " code { (settings.file.as_deref().unwrap_or("the file")) } "." }
            table {
                thead { tr { th class="n" { "Line" } th { "Setting" } th { "Value" } } }
                tbody { @for own in &settings.written {
                    tr { td class="n" data-column="line" { (own.line) } td class="name" { (own.key) } td class="whole" { code { (own.value) } } }
                } }
            }
        }
        @if !settings.defaults.is_empty() {
            details id="defaults" {
                summary { (of_them(settings.defaults.len() as u64, "setting", "settings")) " at the default value" }
                table {
                    thead { tr { th { "Setting" } th { "Value" } } }
                    tbody { @for own in &settings.defaults { tr { td class="name" { (own.key) } td class="whole" { code { (own.value) } } } } }
                }
            }
        }
    }
}

fn fact(key: &str, value: &str) -> Markup {
    html! { dt { (key) } dd { (value) } }
}
