//! The reader of unbound.conf.

mod clause;
mod prefix;
mod reasons;
mod server;

use std::path::Path;

use crate::imported::{Imported, Place, Remark};
use crate::reading::{MAX_FILES, Reading};
use clause::Route;
use server::Server;

/// The names of clauses.
const CLAUSES: [&str; 12] = [
    "server",
    "remote-control",
    "forward-zone",
    "stub-zone",
    "auth-zone",
    "view",
    "rpz",
    "python",
    "dynlib",
    "dnscrypt",
    "cachedb",
    "dnstap",
];

/// Whether a text has a clause of Unbound, or an include.
pub(crate) fn recognised(text: &str) -> bool {
    text.lines().any(|line| {
        let Some((key, _)) = key_and_values(line) else { return false };
        CLAUSES.contains(&key.as_str()) || matches!(key.as_str(), "include" | "include-toplevel")
    })
}

/// A line of unbound.conf.
pub(crate) struct Line {
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
    pub(crate) place: Place,
}

impl Line {
    /// The first value, or nothing.
    pub(crate) fn value(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    /// The line in the words of Unbound.
    pub(crate) fn words(&self) -> String {
        format!("{}: {}", self.key, self.values.join(" "))
    }
}

/// What was read so far.
#[derive(Default)]
pub(crate) struct Reader {
    clause: String,
    server: Server,
    routes: Vec<Route>,
    imported: Imported,
}

impl Reader {
    /// Reads a text, and the files that the text includes.
    pub(crate) fn read(&mut self, text: &str, file: &str, reading: &mut Reading, depth: usize) {
        for (at, line) in text.lines().enumerate() {
            let Some((key, values)) = key_and_values(line) else { continue };
            let place = Place { file: file.to_owned(), line: at + 1 };
            let line = Line { key, values, place };
            match line.key.as_str() {
                "include" | "include-toplevel" => self.include(&line, reading, depth),
                // A setting may stand behind the name of the clause.
                key if CLAUSES.contains(&key) => {
                    self.open(&line);
                    if let Some((key, values)) = key_and_values(&line.values.join(" ")) {
                        self.setting(&Line { key, values, place: line.place });
                    }
                }
                _ => self.setting(&line),
            }
        }
    }

    fn include(&mut self, line: &Line, reading: &mut Reading, depth: usize) {
        let files = reading.matching(line.value());
        if files.is_empty() {
            self.remark(line, "no file has such a name");
        }
        if files.len() > MAX_FILES {
            self.remark(line, &format!("only the first {MAX_FILES} files are read"));
        }
        for path in files.iter().take(MAX_FILES) {
            match reading.included(path, depth + 1) {
                Ok(text) => self.read(&text, &file_name(path), reading, depth + 1),
                Err(fault) => self.remark(line, &format!("not read: {fault}")),
            }
        }
    }

    fn open(&mut self, line: &Line) {
        self.clause.clone_from(&line.key);
        match line.key.as_str() {
            "forward-zone" => self.routes.push(Route::new("forward", &line.place)),
            "stub-zone" => self.routes.push(Route::new("stub", &line.place)),
            "server" => {}
            clause => self.remark(line, reasons::of_clause(clause)),
        }
    }

    fn setting(&mut self, line: &Line) {
        match self.clause.as_str() {
            "server" | "" => self.server.setting(line, &mut self.imported),
            "forward-zone" | "stub-zone" => {
                if let Some(route) = self.routes.last_mut() {
                    route.setting(line, &mut self.imported);
                }
            }
            // The remark on the clause stands for every line.
            _ => {}
        }
    }

    fn remark(&mut self, line: &Line, reason: &str) {
        remark(&mut self.imported, line, line.words(), reason);
    }

    /// Everything that was read.
    pub(crate) fn finish(mut self) -> Imported {
        let validates = self.server.validates();
        self.server.finish(&mut self.imported);
        for route in self.routes {
            route.finish(validates, &mut self.imported);
        }
        self.imported
    }
}

fn file_name(path: &Path) -> String {
    path.display().to_string()
}

/// Adds a remark on a line.
fn remark(imported: &mut Imported, line: &Line, setting: String, reason: &str) {
    let (place, reason) = (line.place.clone(), reason.to_owned());
    imported.remarks.push(Remark { place, setting, reason });
}

/// The key and the values of a line; none without a key. A `#` begins a comment where a word would begin, so
/// `192.0.2.1@853#dns.example` is one word.
fn key_and_values(line: &str) -> Option<(String, Vec<String>)> {
    let (key, mut rest) = line.trim_start().split_once(':')?;
    if key.is_empty() || !key.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
        return None;
    }
    let mut values = Vec::new();
    loop {
        rest = rest.trim_start();
        let first = rest.chars().next().filter(|letter| *letter != '#');
        let Some(first) = first else { break };
        let (value, after) = if matches!(first, '"' | '\'') {
            let inside = rest.get(1..).unwrap_or_default();
            inside.split_once(first).unwrap_or((inside, ""))
        } else {
            rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()))
        };
        values.push(value.to_owned());
        rest = after;
    }
    Some((key.to_owned(), values))
}
