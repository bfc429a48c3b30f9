//! Well-known lists by name: address, form and licence.

use crate::form::ListForm;

const TEXT: &str = include_str!("catalogue.txt");

/// A well-known list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// The name in configurations.
    pub name: &'static str,
    /// The form.
    pub form: ListForm,
    /// The licence of the author, by its SPDX identifier if there is one; with `?` if known from other people alone.
    pub licence: &'static str,
    /// The address.
    pub url: &'static str,
    /// The purpose, in a few words.
    pub purpose: &'static str,
}

/// Every well-known list, by name.
pub fn catalogue() -> impl Iterator<Item = CatalogueEntry> {
    TEXT.lines().filter_map(entry)
}

/// The well-known list of a name.
#[must_use]
pub fn catalogue_entry(name: &str) -> Option<CatalogueEntry> {
    catalogue().find(|entry| entry.name == name)
}

fn entry(line: &'static str) -> Option<CatalogueEntry> {
    if line.starts_with('#') {
        return None;
    }
    let mut columns = line.split(" | ").map(str::trim);
    let mut column = || columns.next();
    let name = column()?;
    let form = column()?.parse().ok()?;
    Some(CatalogueEntry { name, form, licence: column()?, url: column()?, purpose: column()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_an_entry_with_a_name_of_its_own_and_a_secure_address() {
        let lines = TEXT.lines().filter(|line| !line.starts_with('#'));
        let entries: Vec<CatalogueEntry> = catalogue().collect();
        assert_eq!(entries.len(), lines.count());
        for pair in entries.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} is not in order", pair[1].name);
        }
        for entry in &entries {
            let CatalogueEntry { name, licence, url, purpose, .. } = entry;
            let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(name.chars().all(is_of_name) && !name.is_empty(), "{name}");
            assert!(url.starts_with("https://") && !url.contains(' '), "{name}: {url}");
            assert!(!licence.is_empty() && !licence.contains(' '), "{name}: {licence}");
            assert!(!purpose.is_empty() && purpose.len() <= 80, "{name}: {purpose}");
            assert_eq!(entries.iter().filter(|other| other.url == *url).count(), 1, "{url}");
        }
    }

    #[test]
    fn a_list_is_found_by_its_name() {
        assert_eq!(catalogue_entry("stevenblack").unwrap().form, ListForm::Hosts);
        assert_eq!(catalogue_entry("nothing"), None);
    }
}
