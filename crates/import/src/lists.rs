//! Policy lists.

use std::collections::BTreeSet;

use crate::imported::{Form, Imported, Origin};
use crate::write::quoted;

/// Names of lists that were given, as each is given once.
#[derive(Default)]
pub(crate) struct Lists(BTreeSet<String>);

impl Lists {
    /// A list from an address or a path; of a `title` the letters and digits make its name.
    pub(crate) fn add(
        &mut self,
        from: &Origin,
        (title, key, source): (&str, &'static str, &str),
        allows: bool,
        imported: &mut Imported,
    ) {
        let mut pairs = vec![("name", quoted(&self.name(title))), (key, quoted(source))];
        if allows {
            pairs.push(("action", quoted("allow")));
        }
        imported.take(from, Form::Entry { table: "policy.list", pairs });
    }

    fn name(&mut self, title: &str) -> String {
        let words = title.split(|letter: char| !letter.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let plain: String = words.join("-").to_ascii_lowercase().chars().take(40).collect();
        let plain = if plain.is_empty() { "list".to_owned() } else { plain };
        let mut name = plain.clone();
        while !self.0.insert(name.clone()) {
            name = format!("{plain}-{}", self.0.len());
        }
        name
    }
}
