//! What the parser accepts for a key, found out by asking the parser: so no second description of the values exists.

use super::allowed::{header, keys};
use super::{Config, values, words};

/// Beginnings of serde's messages on a value of a wrong type.
const WRONG_TYPE: [&str; 3] = ["invalid type: ", "wanted ", "expected "];

/// A type of JSON, with a value in TOML.
const TYPES: [(&str, &str); 5] =
    [("boolean", "true"), ("integer", "1"), ("string", "\"?\""), ("array", "[]"), ("object", "{}")];

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The value of the key.
    Key,
    /// An item of the list that is the value of the key.
    Item,
}

/// A key of a table, of which the parser is asked.
pub(super) struct KeyProbe<'a> {
    pub(super) tables: &'a [String],
    pub(super) key: &'a str,
}

impl KeyProbe<'_> {
    /// The message of serde on a value, in TOML; none if the value is accepted.
    pub(super) fn fault(&self, place: Place, value: &str) -> Option<String> {
        let before = format!("{}{} = ", header(self.tables), self.key);
        let value = match place {
            Place::Key => value.to_owned(),
            Place::Item => format!("[{value}]"),
        };
        let error = toml::from_str::<Config>(&format!("{before}{value}\n")).err()?;
        // A missing key is a fault of the table.
        let is_of_value = error.span().is_some_and(|span| span.start >= before.len());
        is_of_value.then(|| error.message().to_owned())
    }

    /// The types that a value may have.
    pub(super) fn types(&self, place: Place) -> Vec<&'static str> {
        let types = TYPES.iter().filter(|(_, value)| !self.is_wrong_type(place, value));
        types.map(|(name, _)| *name).collect()
    }

    /// The allowed values in words, as an error tells them.
    pub(super) fn allowed(&self, place: Place) -> Option<String> {
        let (_, value) = TYPES.iter().find(|(_, value)| self.is_wrong_type(place, value))?;
        let fault = self.fault(place, value)?;
        fault.rsplit_once(", expected ").map(|(_, expected)| words::allowed(expected))
    }

    /// The words of a key that takes nothing else.
    pub(super) fn words(&self, place: Place) -> Option<Vec<String>> {
        let fault = self.fault(place, "\"?\"")?;
        let found: Vec<String> = match fault.starts_with("unknown variant ") {
            true => fault.split('`').skip(1).step_by(2).skip(1).map(str::to_owned).collect(),
            false => only_words(fault.rsplit_once(", expected ")?.1)?,
        };
        let is_accepted = |word: &String| self.fault(place, &format!("{word:?}")).is_none();
        (!found.is_empty() && found.iter().all(is_accepted)).then_some(found)
    }

    /// The least and the greatest number, if there are bounds.
    pub(super) fn bounds(&self, place: Place) -> (Option<i64>, Option<i64>) {
        let allowed = self.allowed(place).unwrap_or_default();
        // Behind the comma stand other ways to write a number.
        let clause = allowed.split(',').next().unwrap_or_default();
        let numbers = clause.split_whitespace().filter_map(number);
        let numbers: Vec<i64> = numbers.chain([0, 1]).collect();
        let fits = |number: Option<i64>| {
            number.is_some_and(|number| self.fault(place, &number.to_string()).is_none())
        };
        let is_least = |number: &&i64| fits(Some(**number)) && !fits(number.checked_sub(1));
        let is_most = |number: &&i64| fits(Some(**number)) && !fits(number.checked_add(1));
        (numbers.iter().find(is_least).copied(), numbers.iter().find(is_most).copied())
    }

    fn is_wrong_type(&self, place: Place, value: &str) -> bool {
        let fault = self.fault(place, value);
        fault.is_some_and(|fault| WRONG_TYPE.iter().any(|class| fault.starts_with(class)))
    }
}

/// The keys that a table must have. `line` gives a line with a right value of a key.
pub(super) fn required(tables: &[String], line: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let (mut text, mut found) = (header(tables), Vec::new());
    // serde tells one missing key at a time.
    for _ in keys(tables) {
        let error = toml::from_str::<Config>(&text).err();
        let missing = error.as_ref().and_then(|error| {
            let rest = error.message().strip_prefix("missing field `")?;
            rest.strip_suffix('`').map(str::to_owned)
        });
        let Some(missing) = missing else { break };
        let Some(line) = line(&missing) else { break };
        text.push_str(&line);
        found.push(missing);
    }
    found
}

/// A number, or the seconds of a duration in quotes.
fn number(word: &str) -> Option<i64> {
    let seconds = || i64::try_from(values::duration(word.trim_matches('"'))?.as_secs()).ok();
    word.parse().ok().or_else(seconds)
}

/// The quoted words of a text such as `"a", "b" or "c"`; none if there is anything else.
fn only_words(text: &str) -> Option<Vec<String>> {
    let is_between = |part: &str| ["", ", ", " or "].contains(&part);
    let parts: Vec<&str> = text.split('"').collect();
    let is_list = parts.iter().step_by(2).all(|part| is_between(part));
    is_list.then(|| parts.iter().skip(1).step_by(2).map(|word| (*word).to_owned()).collect())
}
