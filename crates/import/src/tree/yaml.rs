//! YAML as a tree. Aliases are not followed, as a few of them can stand for any size.

use saphyr_parser::{Event, Parser};

use super::{Kind, MAX_NESTING, Node};

/// A list or a table that has begun.
enum Open {
    List(Vec<Node>),
    Table(Vec<(String, Node)>, Option<String>),
}

/// The tree of the first document of a text.
///
/// # Errors
/// The first fault in words, with its line.
pub(crate) fn read(text: &str) -> Result<Node, String> {
    let mut open: Vec<(usize, Open)> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        let line = span.start.line();
        let whole = match event {
            Event::SequenceStart(..) => {
                open.push((line, Open::List(Vec::new())));
                None
            }
            Event::MappingStart(..) => {
                open.push((line, Open::Table(Vec::new(), None)));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(closed),
            Event::Scalar(text, ..) => Some(Node { line, kind: Kind::Scalar(text.into_owned()) }),
            Event::Alias(_) => return Err(format!("line {line}: aliases are not understood")),
            _ => None,
        };
        if open.len() > MAX_NESTING {
            return Err(format!(
                "line {line}: over {MAX_NESTING} lists and tables inside each other"
            ));
        }
        let Some(whole) = whole else { continue };
        let Some((_, parent)) = open.last_mut() else { return Ok(whole) };
        put(parent, whole)?;
    }
    Ok(Node { line: 1, kind: Kind::Table(Vec::new()) })
}

fn closed((line, open): (usize, Open)) -> Node {
    let kind = match open {
        Open::List(items) => Kind::List(items),
        Open::Table(pairs, _) => Kind::Table(pairs),
    };
    Node { line, kind }
}

/// Puts a value into its list; of a table, keys and values come by turns.
fn put(parent: &mut Open, node: Node) -> Result<(), String> {
    match parent {
        Open::List(items) => items.push(node),
        Open::Table(pairs, key) => match (key.take(), node.kind) {
            (Some(name), kind) => pairs.push((name, Node { line: node.line, kind })),
            (None, Kind::Scalar(name)) => *key = Some(name),
            (None, _) => return Err(format!("line {}: a key is not a text", node.line)),
        },
    }
    Ok(())
}
