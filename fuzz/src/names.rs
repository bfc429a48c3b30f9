//! NameList as people write them, alone and in lists, logs and histories.

use std::collections::HashSet;

use zoners_bench::names::{Format, NameList};
use zoners_dns::{Prefix, name};

/// Reads `octets` as a name, as a prefix, and as lists of names.
pub fn run(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    if let Ok(name) = name::parse(text) {
        let shown = name.fmt_with_dot().to_string();
        assert!(shown.is_ascii() && !shown.contains(char::is_control), "{shown:?}");
        let again = name::parse(&shown).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.as_slice(), name.as_slice(), "{shown}");
    }
    if let Ok(prefix) = text.parse::<Prefix>() {
        assert_eq!(prefix.to_string().parse(), Ok(prefix));
    }
    for format in [Format::List, Format::QueryLog, Format::History] {
        let Ok(names) = NameList::read(text, format, "fuzz") else { continue };
        assert!(!names.list.is_empty() && names.list.len() <= octets.len());
        let different: HashSet<_> = names.list.iter().collect();
        assert_eq!(different.len(), names.list.len(), "each once");
        assert!(names.list.iter().all(|name| !name.is_root()));
    }
}
