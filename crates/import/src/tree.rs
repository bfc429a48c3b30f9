//! Values of TOML and YAML with their lines, as one kind of tree. JSON is a part of YAML.

mod toml;
mod yaml;

pub(crate) use self::toml::read as toml;
pub(crate) use self::yaml::read as yaml;

/// Lists and tables of YAML inside each other; TOML has a limit of its own.
pub const MAX_NESTING: usize = 32;

/// A value and the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar(String),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

impl Node {
    /// A text, number or truth value as text; nothing of lists and tables.
    pub(crate) fn text(&self) -> &str {
        if let Kind::Scalar(text) = &self.kind { text } else { "" }
    }

    /// The values of a list.
    pub(crate) fn items(&self) -> &[Node] {
        if let Kind::List(items) = &self.kind { items } else { &[] }
    }

    /// The keys of a table with their values.
    pub(crate) fn pairs(&self) -> &[(String, Node)] {
        if let Kind::Table(pairs) = &self.kind { pairs } else { &[] }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.pairs().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The text of a key, or nothing.
    pub(crate) fn text_of(&self, key: &str) -> &str {
        self.get(key).map_or("", Node::text)
    }

    /// Whether nothing is set.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Scalar(text) => matches!(text.as_str(), "" | "~" | "null"),
            Kind::List(items) => items.is_empty(),
            Kind::Table(pairs) => pairs.is_empty(),
        }
    }
}

/// Shows each value to `known`, by its path with dots, until `known` says that it needs no further look. A value that
/// is no table, and of which nothing is known, goes to `other`.
pub(crate) fn walk(
    node: &Node,
    path: &str,
    known: &mut impl FnMut(&str, &Node) -> bool,
    other: &mut impl FnMut(&str, &Node),
) {
    if !path.is_empty() && known(path, node) {
        return;
    }
    match &node.kind {
        Kind::Table(pairs) => {
            for (key, value) in pairs {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(value, &path, known, other);
            }
        }
        _ => other(path, node),
    }
}
