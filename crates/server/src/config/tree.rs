//! The tree of a file: values are found and taken out by their place in the text.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A value taken out of the tree.
pub(super) struct TakenValue<'i> {
    /// The keys on the way to the value.
    pub(super) path: Vec<String>,
    pub(super) value: DeValue<'i>,
    /// The place of the table around the value, if the table has a place.
    pub(super) of: Option<Range<usize>>,
}

/// Takes out the smallest entry at a place: by key, by value or by a part of the value.
pub(super) fn take_out<'i>(table: &mut DeTable<'i>, span: &Range<usize>) -> Option<TakenValue<'i>> {
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

/// Where the outermost list or text begins that goes on to an octet.
pub(super) fn value_around(table: &DeTable<'_>, at: usize) -> Option<usize> {
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
