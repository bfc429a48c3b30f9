//! Reading the file: every fault is reported at once, in our words.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize;
use toml::de::{DeTable, Deserializer, Error};
use toml::{Spanned, Table};

use super::source::ConfigSource;
use super::tree::{take_out, value_around};
use super::{Config, ConfigError, allowed, renamed, words};

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

/// Every fault: first text without TOML syntax, then wrong values, each taken out once reported.
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
            let what = words::value(&taken, error.message(), || allowed::words(&taken.path));
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

fn first_error(root: &DeTable<'_>) -> Option<Error> {
    deserialize(root.clone()).err()
}

fn deserialize(root: DeTable<'_>) -> Result<Config, Error> {
    Config::deserialize(Deserializer::from(Spanned::new(0..0, root)))
}
