//! Reading the file: every fault is reported at once, in our words.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error};
use toml::{Spanned, Table};

use super::source::ConfigSource;
use super::{Config, ConfigError, renamed, words};

/// Wrong values reported by one reading.
const MOST: usize = 200;

/// Reads a configuration.
pub(super) fn read(text: &str, file: &str) -> Result<Config, ConfigError> {
    let source = ConfigSource::new(file, text);
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut root = root.into_inner();
    let given_twice = renamed::apply(&mut root);
    if errors.is_empty()
        && given_twice.is_empty()
        && let Ok(config) = deserialize(root)
    {
        return Ok(Config { source, ..config });
    }
    Err(faults(&source))
}

/// The tables of a file, with new names in place of old ones.
pub(super) fn with_new_names(text: &str) -> Result<Table, Error> {
    let mut root = DeTable::parse(text)?.into_inner();
    renamed::apply(&mut root);
    Table::deserialize(Deserializer::from(Spanned::new(0..0, root)))
}

/// Every fault: first text that is no TOML, then wrong values, each taken out once reported.
fn faults(source: &ConfigSource) -> ConfigError {
    let (root, errors) = DeTable::parse_recoverable(source.text());
    let mut root = root.into_inner();
    let lost = errors.iter().filter_map(|error| lost_at(error, &root)).min();
    // Text after an open bracket or quote has no certain meaning.
    let counts = |span: &Range<usize>| lost.is_none_or(|lost| span.start < lost);
    let mut found: Vec<(usize, String)> = Vec::new();
    for (span, what) in renamed::apply(&mut root) {
        found.push((span.start, source.at(span, &what)));
    }
    let mut lines = BTreeSet::new();
    for error in in_order(&errors) {
        let span = error.span().unwrap_or_default();
        let (line, _) = source.line_and_column(span.start);
        if counts(&span) && lines.insert(line) {
            let part = source.text().get(span.clone()).unwrap_or_default();
            found
                .push((span.start, source.at(span.clone(), &words::syntax(error.message(), part))));
        }
    }
    if let Some(lost) = lost {
        found.push((lost, source.at(lost..lost + 1, words::OPEN)));
    }
    let mut gone = Vec::new();
    for _ in 0..MOST {
        let Some(error) = first_error(&root) else { break };
        let Some((span, taken)) = error.span().and_then(|span| {
            let taken = take_out(&mut root, &span)?;
            Some((span, taken))
        }) else {
            break;
        };
        let (line, _) = source.line_and_column(span.start);
        // The value was taken out and reported: serde calls the key missing.
        let was_taken = |(of, key): &(Range<usize>, String)| {
            *of == span && error.message() == format!("missing field `{key}`")
        };
        let is_readable = !lines.contains(&line) || words::is_unknown_key(&taken, error.message());
        if counts(&span) && is_readable && !gone.iter().any(was_taken) {
            let what = words::value(&taken, error.message(), || variants(&taken));
            found.push((span.start, source.at(span, &what)));
        }
        gone.extend(taken.of.zip(taken.path.last().cloned()));
    }
    if found.is_empty() {
        found.push((0, source.at(0..1, words::UNREADABLE)));
    }
    found.sort_by_key(|(place, _)| *place);
    let mut faults = ConfigError::default();
    found.into_iter().for_each(|(_, fault)| faults.add(fault));
    faults
}

fn in_order(errors: &[Error]) -> Vec<&Error> {
    let mut errors: Vec<&Error> = errors.iter().collect();
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    errors
}

/// Where an unclosed value begins, for an error about an unclosed value.
fn lost_at(error: &Error, root: &DeTable<'_>) -> Option<usize> {
    let at = error.span().filter(|_| words::is_open(error.message()))?.start;
    Some(value_around(root, at).unwrap_or(at))
}

/// Where the outermost list or text begins that goes on to an octet.
fn value_around(table: &DeTable<'_>, at: usize) -> Option<usize> {
    table.values().find_map(|value| match value.get_ref() {
        DeValue::Table(table) => value_around(table, at),
        DeValue::Array(_) | DeValue::String(_)
            if value.span().start < at && at <= value.span().end =>
        {
            Some(value.span().start)
        }
        // A list of tables has the place of its first heading.
        DeValue::Array(array) => {
            let mut tables = array.iter().filter_map(|item| item.get_ref().as_table());
            tables.find_map(|table| value_around(table, at))
        }
        _ => None,
    })
}

fn first_error(root: &DeTable<'_>) -> Option<Error> {
    deserialize(root.clone()).err()
}

fn deserialize(root: DeTable<'_>) -> Result<Config, Error> {
    Config::deserialize(Deserializer::from(Spanned::new(0..0, root)))
}

/// A value taken out of the tree.
pub(super) struct TakenValue<'i> {
    /// The keys on the way to the value.
    pub(super) path: Vec<String>,
    pub(super) value: DeValue<'i>,
    /// The place of the table around the value, if the table has a place.
    of: Option<Range<usize>>,
}

/// Takes out the smallest entry at a place: by key, by value or by a part of the value.
fn take_out<'i>(table: &mut DeTable<'i>, span: &Range<usize>) -> Option<TakenValue<'i>> {
    let by_key = table.keys().find(|key| key.span() == *span).map(|key| key.get_ref().to_string());
    let key = match by_key {
        Some(key) => key,
        None => {
            let mut inside = None;
            for (key, value) in table.iter_mut() {
                inside = inside.or_else(|| Some((key.to_string(), take_from(value, span)?)));
            }
            let (key, inside) = inside?;
            if let Inside::Part(mut taken) = inside {
                taken.path.insert(0, key);
                return Some(taken);
            }
            key
        }
    };
    let value = table.remove(key.as_str())?.into_inner();
    Some(TakenValue { path: vec![key], value, of: None })
}

/// The value at a place: the whole, or a part, which is taken out.
enum Inside<'i> {
    Whole,
    Part(TakenValue<'i>),
}

fn take_from<'i>(value: &mut Spanned<DeValue<'i>>, span: &Range<usize>) -> Option<Inside<'i>> {
    let place = value.span();
    let whole = place == *span;
    let inner = match value.get_mut() {
        DeValue::Table(table) => take_out(table, span)
            .map(|taken| TakenValue { of: taken.of.clone().or(Some(place)), ..taken }),
        DeValue::Array(array) => take_item(array, span),
        _ => None,
    };
    match inner {
        Some(taken) => Some(Inside::Part(taken)),
        None => whole.then_some(Inside::Whole),
    }
}

fn take_item<'i>(array: &mut DeArray<'i>, span: &Range<usize>) -> Option<TakenValue<'i>> {
    let mut found = None;
    for (place, item) in array.iter_mut().enumerate() {
        found = found.or_else(|| Some((place, take_from(item, span)?)));
    }
    match found? {
        (_, Inside::Part(taken)) => Some(taken),
        (place, Inside::Whole) => {
            let value = array.get(place)?.get_ref().clone();
            let mut rest = DeArray::new();
            let others = array.iter().enumerate().filter(|(other, _)| *other != place);
            others.for_each(|(_, item)| rest.push(item.clone()));
            *array = rest;
            Some(TakenValue { path: Vec::new(), value, of: None })
        }
    }
}

/// The words allowed for a key, if any: serde lists the words on an unknown word.
fn variants(taken: &TakenValue<'_>) -> Option<String> {
    let (key, tables) = taken.path.split_last()?;
    let text = format!("{}{key} = \"?\"\n", header(tables));
    let error = toml::from_str::<Config>(&text).err()?;
    error.message().starts_with("unknown variant").then(|| error.message().to_owned())
}

/// The keys of a table, such as `["cache", "redis"]`: serde lists the keys on an unknown key.
pub(super) fn keys(tables: &[String]) -> Vec<String> {
    let text = format!("{}no-such-key = 0\n", header(tables));
    let error = toml::from_str::<Config>(&text).err();
    let message = error.map(|error| error.message().to_owned()).unwrap_or_default();
    let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
    match quoted.next() {
        Some(unknown) if unknown == "no-such-key" => quoted.collect(),
        _ => Vec::new(),
    }
}

/// The first line of such a table.
pub(super) fn header(tables: &[String]) -> String {
    match tables.join(".").as_str() {
        "" => String::new(),
        list @ ("forward" | "stub") => format!("[[{list}]]\n"),
        table => format!("[{table}]\n"),
    }
}
