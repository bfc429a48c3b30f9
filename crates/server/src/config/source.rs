//! The place of a value in the text of a configuration.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::renamed;

/// Columns shown of a line.
const WIDTH: usize = 100;

/// The text of a configuration.
#[derive(Clone, Default)]
pub struct ConfigSource {
    file: Arc<str>,
    text: Arc<str>,
}

/// Two configurations differ by their values, not by their files.
impl fmt::Debug for ConfigSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl ConfigSource {
    pub(super) fn new(file: &str, text: &str) -> Self {
        ConfigSource { file: file.into(), text: text.into() }
    }

    /// The name of the file, empty for none.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A fault of the value at `path`, such as `forward[1].zone`. Without the value in the file there is
    /// no line to show.
    pub(crate) fn fault(&self, path: &str, what: &str) -> String {
        let key = without_places(path);
        match (self.place(path), &*self.file) {
            (Some(span), _) => self.at(span, &format!("{key}: {what}")),
            (None, "") => format!("{key}: {what}"),
            (None, file) => format!("{file}: {key}: {what}"),
        }
    }

    /// The same in one line, for a remark.
    pub(crate) fn remark(&self, path: &str, what: &str) -> String {
        self.fault(path, what).lines().next().unwrap_or_default().to_owned()
    }

    /// A fault at a place: `file:line:column`, the fault, the line itself and a mark under the place.
    pub(super) fn at(&self, span: Range<usize>, what: &str) -> String {
        let (line, column) = self.line_and_column(span.start);
        let source = self.text.lines().nth(line - 1).unwrap_or_default();
        let part = self.text.get(span).and_then(|part| part.lines().next()).unwrap_or_default();
        let shown: String = source.chars().take(WIDTH).collect();
        let place = format!("{}:{line}:{column}", self.file);
        if column > WIDTH {
            return format!("{place}: {what}\n  {shown}");
        }
        let mark = "^".repeat(part.chars().count().clamp(1, WIDTH + 1 - column));
        let indent = " ".repeat(column - 1);
        format!("{place}: {what}\n  {shown}\n  {indent}{mark}")
    }

    /// The line and the column of an octet, from 1 on.
    pub(super) fn line_and_column(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        (line, column)
    }

    /// Whether the text has a value at a path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// The place of the value at a path, be the key written under its old name.
    fn place(&self, path: &str) -> Option<Range<usize>> {
        self.find(path).or_else(|| self.find(&renamed::old_path(path)?))
    }

    fn find(&self, path: &str) -> Option<Range<usize>> {
        let (table, _) = DeTable::parse_recoverable(&self.text);
        let mut span = None;
        let mut at = DeValue::Table(table.into_inner());
        for step in path.split(['.', '[']) {
            let next = match step.strip_suffix(']') {
                Some(place) => at.as_array()?.get(place.parse::<usize>().ok()?)?,
                None => at.as_table()?.get(step)?,
            };
            span = Some(next.span());
            at = next.get_ref().clone();
        }
        span
    }
}

/// A path as the name of a key, without numbers of lists: the line tells the item.
pub(super) fn without_places(path: &str) -> String {
    let steps = path.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest));
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[server]\nthreads = 3\n\n[[forward]]\nzone = \"a\"\n[[forward]]\nzone = \"b\"\n\
                        [local]\nrecords = [\n  \"one\",\n  \"zw\u{f6}lf\", \"two\",\n]\n";

    fn at(path: &str) -> String {
        let fault = ConfigSource::new("zoners.toml", TEXT).fault(path, "wrong");
        fault.lines().next().unwrap().to_owned()
    }

    #[test]
    fn a_value_is_found_by_its_path() {
        assert_eq!(at("server.threads"), "zoners.toml:2:11: server.threads: wrong");
        assert_eq!(at("forward[1].zone"), "zoners.toml:7:8: forward.zone: wrong");
        assert_eq!(at("local.records[0]"), "zoners.toml:10:3: local.records: wrong");
        assert_eq!(at("local.records[2]"), "zoners.toml:11:12: local.records: wrong");
        assert_eq!(at("forward[2].zone"), "zoners.toml: forward.zone: wrong");
        assert_eq!(at("server.user"), "zoners.toml: server.user: wrong");
        assert_eq!(ConfigSource::default().fault("server.user", "wrong"), "server.user: wrong");
    }

    #[test]
    fn the_line_is_shown_with_a_mark() {
        let source = ConfigSource::new("zoners.toml", TEXT);
        let fault = source.fault("local.records[1]", "wrong");
        let right = "  \"zw\u{f6}lf\", \"two\",\n    ^^^^^^^";
        assert!(fault.ends_with(right), "{fault}");
        let long = format!("records = [\"{}\", \"end\"]", "x".repeat(3 * WIDTH));
        let source = ConfigSource::new("zoners.toml", &long);
        for path in ["records[0]", "records[1]"] {
            let fault = source.fault(path, "wrong");
            assert!(fault.lines().all(|line| line.chars().count() <= WIDTH + 2), "{fault}");
        }
    }
}
