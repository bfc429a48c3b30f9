//! `zoners policy catalogue`

use zoners_policy::{CatalogueEntry, catalogue};

use crate::print::{BOLD, DIM};

/// Every well-known list, and the lines that use one.
pub(super) fn page() -> Vec<String> {
    let width = catalogue().map(|entry| entry.name.len()).max().unwrap_or_default();
    let lines = catalogue().flat_map(|entry| {
        let CatalogueEntry { name, form, licence, url, purpose } = entry;
        let indent = " ".repeat(width);
        [
            format!("{BOLD}{name:width$}{BOLD:#}  {purpose}"),
            format!("{indent}  {DIM}{url} ({form}, {licence}){DIM:#}"),
        ]
    });
    let use_of_one = [
        "",
        "A licence with ? is told by others than the author: look at the list's own page.",
        "To use one, in the configuration:",
        "  [[policy.list]]",
        "  list = \"oisd-small\"",
    ];
    lines.chain(use_of_one.map(str::to_owned)).collect()
}
