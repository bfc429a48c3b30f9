//! The tables below the pictures: names, servers and clients, a row each.

use super::figures::Figures;
use super::recent::{Load, RECENT_MINUTES};
use super::sources::TROUBLE_SECONDS;
use zoners_api::words::grouped;

/// Rows of a table, at most: no person reads more.
const MAX_ROWS: usize = 200;

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pane {
    Names,
    Servers,
    Clients,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PaneRow {
    /// The name, or the address.
    pub(super) key: String,
    /// The columns before the key.
    pub(super) figures: String,
    pub(super) has_failed: bool,
}

impl Pane {
    pub(super) const ALL: [Pane; 3] = [Pane::Names, Pane::Servers, Pane::Clients];

    pub(super) const fn next(self) -> Self {
        match self {
            Pane::Names => Pane::Servers,
            Pane::Servers => Pane::Clients,
            Pane::Clients => Pane::Names,
        }
    }

    pub(super) fn title(self) -> String {
        match self {
            Pane::Names => format!("Slow and failed names, {RECENT_MINUTES} min"),
            Pane::Servers => format!("Servers at fault, {} min", TROUBLE_SECONDS / 60),
            Pane::Clients => format!("Clients, {RECENT_MINUTES} min"),
        }
    }

    /// The headings of the columns.
    pub(super) fn heading(self) -> String {
        match self {
            Pane::Names => columns("worst ms", "times", "name"),
            Pane::Servers => columns("worst ms", "times", "server"),
            Pane::Clients => columns("queries", "failed", "client"),
        }
    }

    /// The text of an empty table.
    pub(super) fn nothing(self, figures: &Figures) -> &'static str {
        match self {
            Pane::Names => "every answer was quick",
            Pane::Servers if !figures.has_history => "unknown: history.size is 0",
            Pane::Servers => "every server replies well",
            Pane::Clients => "no query yet",
        }
    }

    /// The rows, the first at the top.
    pub(super) fn rows(self, figures: &Figures) -> Vec<PaneRow> {
        match self {
            Pane::Names => figures.names.ranked().take(MAX_ROWS).map(name).collect(),
            Pane::Clients => figures.clients.ranked().take(MAX_ROWS).map(client).collect(),
            Pane::Servers => {
                let rows = figures.servers.iter().map(|entry| PaneRow {
                    key: entry.name.clone(),
                    figures: columns(&milliseconds(entry.worst_ms), &grouped(entry.questions), ""),
                    has_failed: false,
                });
                rows.collect()
            }
        }
    }
}

fn name((name, load): (&str, Load)) -> PaneRow {
    PaneRow {
        key: name.to_owned(),
        figures: columns(&milliseconds(load.worst_ms), &grouped(load.queries), ""),
        has_failed: load.failed > 0,
    }
}

fn client((client, load): (&str, Load)) -> PaneRow {
    PaneRow {
        key: client.to_owned(),
        figures: columns(&grouped(load.queries), &grouped(load.failed), ""),
        has_failed: load.failed > 0,
    }
}

fn columns(first: &str, second: &str, key: &str) -> String {
    format!("{first:>8} {second:>7}  {key}")
}

fn milliseconds(ms: f64) -> String {
    grouped(ms.round() as u64)
}
