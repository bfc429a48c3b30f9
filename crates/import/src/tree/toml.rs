//! TOML as a tree.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Kind, Node};

/// The tree of a text.
///
/// # Errors
/// The first fault in words, with its line.
pub(crate) fn read(text: &str) -> Result<Node, String> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        format!("line {}: {}", Lines::of(text).at(at), error.message())
    })?;
    Ok(of_table(table.get_ref(), 1, &Lines::of(text)))
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Lines(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn at(&self, octet: usize) -> usize {
        self.0.partition_point(|end| *end < octet) + 1
    }
}

fn of_table(table: &DeTable<'_>, line: usize, lines: &Lines) -> Node {
    let mut pairs: Vec<(String, Node)> = table
        .iter()
        .map(|(key, value)| {
            let line = lines.at(key.span().start);
            (key.get_ref().to_string(), of_value(value, line, lines))
        })
        .collect();
    // Of a map, in the order of the alphabet: people read files from the top.
    pairs.sort_by_key(|(_, node)| node.line);
    Node { line, kind: Kind::Table(pairs) }
}

fn of_value(value: &Spanned<DeValue<'_>>, line: usize, lines: &Lines) -> Node {
    let scalar = |text: String| Node { line, kind: Kind::Scalar(text) };
    match value.get_ref() {
        DeValue::String(text) => scalar(text.to_string()),
        DeValue::Integer(number) => scalar(number.to_string()),
        DeValue::Float(number) => scalar(number.to_string()),
        DeValue::Boolean(is) => scalar(is.to_string()),
        DeValue::Datetime(moment) => scalar(moment.to_string()),
        DeValue::Array(items) => {
            let item = |item| of_value(item, lines.at(item.span().start), lines);
            Node { line, kind: Kind::List(items.iter().map(item).collect()) }
        }
        DeValue::Table(table) => of_table(table, line, lines),
    }
}
