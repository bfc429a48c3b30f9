//! What the readers gather together.

use std::path::{Path, PathBuf};

use crate::imported::{Imported, Origin};
use crate::lists::Lists;
use crate::reading::Reading;
use crate::tree::{Kind, Node, walk};
use crate::upstreams::Upstreams;

pub(crate) struct Gathered {
    pub(crate) reading: Reading,
    pub(crate) imported: Imported,
    pub(crate) upstreams: Upstreams,
    pub(crate) lists: Lists,
    /// Whether answers of forwarders for all names are validated.
    pub(crate) validates: bool,
}

impl Gathered {
    pub(crate) fn new(reading: Reading) -> Self {
        let (imported, upstreams, lists) =
            (Imported::default(), Upstreams::default(), Lists::default());
        Gathered { reading, imported, upstreams, lists, validates: false }
    }

    pub(crate) fn finish(mut self) -> Imported {
        self.upstreams.finish(self.validates, &mut self.imported);
        self.imported
    }

    /// Reads a tree: `take` knows some paths; `reasons` are told of others, where `key*` stands for every value whose
    /// path begins so, and a reason for a table stands for all in it. Values are never told, as some are secret.
    pub(crate) fn read_tree(
        &mut self,
        tree: &Node,
        file: &str,
        take: impl Fn(&mut Self, &Origin, &str, &Node) -> bool,
        reasons: &[(&str, &str)],
    ) {
        let mut unknown = Vec::new();
        let mut known = |path: &str, node: &Node| {
            let from = Origin::new(file, node.line, path);
            if node.is_empty() || take(self, &from, path, node) {
                return true;
            }
            let fits = |key: &str| match key.strip_suffix('*') {
                Some(beginning) => node.pairs().is_empty() && path.starts_with(beginning),
                None => path == key,
            };
            let reason = reasons.iter().find(|(key, _)| fits(key));
            reason.inspect(|(_, reason)| self.imported.leave(&from, *reason)).is_some()
        };
        walk(tree, "", &mut known, &mut |path, node| {
            unknown.push(Origin::new(file, node.line, path));
        });
        for from in unknown {
            self.imported.leave(&from, "no counterpart is known to this command");
        }
    }

    /// The texts of a list. A value of another form is told: no setting is left out in silence.
    pub(crate) fn texts<'node>(
        &mut self,
        from: &Origin,
        node: &'node Node,
    ) -> Vec<(Origin, &'node str)> {
        let Kind::List(items) = &node.kind else {
            self.imported.leave(from, "not understood: a list was expected");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            let from = Origin::new(&from.place.file, item.line, &*from.words);
            match &item.kind {
                Kind::Scalar(text) => texts.push((from, &**text)),
                _ => self.imported.leave(&from, "not understood: a text was expected"),
            }
        }
        texts
    }

    /// The tables of a list. A value of another form is told.
    pub(crate) fn tables<'node>(&mut self, from: &Origin, node: &'node Node) -> Vec<&'node Node> {
        let Kind::List(items) = &node.kind else {
            self.imported.leave(from, "not understood: a list was expected");
            return Vec::new();
        };
        let (tables, others): (Vec<_>, Vec<_>) =
            items.iter().partition(|item| matches!(item.kind, Kind::Table(_)));
        for other in others {
            let from = Origin::new(&from.place.file, other.line, &*from.words);
            self.imported.leave(&from, "not understood: a table was expected");
        }
        tables
    }

    /// The text of a file that another one names, with the path of that file.
    pub(crate) fn beside(&mut self, from: &Origin, name: &str) -> Option<(PathBuf, String)> {
        let folder = Path::new(&from.place.file).parent().unwrap_or(Path::new(""));
        let path = folder.join(name);
        match self.reading.included(&path, 1) {
            Ok(text) => Some((path, text)),
            Err(fault) => {
                self.imported.leave(from, format!("not read: {fault}"));
                None
            }
        }
    }
}

/// The lines of a text with their numbers, without comments and empty lines.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let bare = numbered.map(|(at, line)| (at, line.split('#').next().unwrap_or("").trim()));
    bare.filter(|(_, line)| !line.is_empty())
}
