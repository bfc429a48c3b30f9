//! The names to ask: bundled names, or names of a list, a query log or a browser's history.

use std::collections::HashSet;
use std::fmt;

use zoners_dns::{Name, name};

/// A thousand popular names; `names/build` documents their origin.
const POPULAR: &str = include_str!("../names/popular.txt");
/// The largest accepted list: no user asks for more names.
pub const MOST: usize = 100_000;

/// NameList to be asked for, each once, in the order of first appearance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameList {
    /// The origin of the names, for a person.
    pub source: String,
    /// The names.
    pub list: Vec<Name>,
}

/// Why there are no names to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamesError {
    /// A line of a list is no name.
    NoName {
        /// Which line, from 1.
        line: usize,
        /// The text of the line, cut.
        text: String,
    },
    /// The file has no name.
    Empty,
    /// There are more than [`MOST`].
    TooMany,
}

impl fmt::Display for NamesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamesError::NoName { line, text } => {
                write!(f, "line {line}: {text:?} is no name; one name a line, `#` begins a comment")
            }
            NamesError::Empty => f.write_str("there is no name in it"),
            NamesError::TooMany => write!(f, "there are more than {MOST} names in it"),
        }
    }
}

/// How names lie in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One name on each line.
    List,
    /// Text with host names among other words: the query logs of dnsmasq, Unbound, BIND and
    /// Pi-hole, where a name stands before or after a type, or in brackets.
    QueryLog,
    /// Anything with addresses of pages: the exported history or bookmarks of a browser, as JSON, CSV
    /// or HTML.
    History,
}

impl NameList {
    /// The bundled names.
    ///
    /// # Errors
    /// None, as a test shows.
    pub fn popular() -> Result<Self, NamesError> {
        NameList::read(POPULAR, Format::List, "the bundled list")
    }

    /// The names in `text`, which comes from `source`.
    ///
    /// # Errors
    /// There are none, or too many, or a line of a list is none.
    pub fn read(text: &str, format: Format, source: &str) -> Result<Self, NamesError> {
        let (mut list, mut seen) = (Vec::new(), HashSet::new());
        for (line, text) in text.lines().enumerate() {
            let found = match format {
                Format::List => listed(line + 1, text)?,
                Format::QueryLog => asked(text).into_iter().collect(),
                Format::History => visited(text),
            };
            list.extend(found.into_iter().filter(|name| seen.insert(name.clone())));
            if list.len() > MOST {
                return Err(NamesError::TooMany);
            }
        }
        if list.is_empty() {
            return Err(NamesError::Empty);
        }
        Ok(NameList { source: source.into(), list })
    }

    /// Keeps the first `count` names.
    pub fn truncate(&mut self, count: usize) {
        self.list.truncate(count);
    }

    /// A number that identifies the list: runs over different names must not be compared.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        fingerprint(self.list.iter().flat_map(|name| name.as_slice().to_ascii_lowercase()))
    }
}

/// A hash of octets, the same on every machine and in every version (FNV-1a).
pub fn fingerprint(octets: impl IntoIterator<Item = u8>) -> u64 {
    octets.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn listed(line: usize, text: &str) -> Result<Vec<Name>, NamesError> {
    let text = text.split('#').next().unwrap_or_default().trim();
    // dnsperf's lists have a type after the name.
    let mut words = text.split_whitespace();
    let Some(word) = words.next() else { return Ok(Vec::new()) };
    match name::parse(word) {
        Ok(name) if !name.is_root() && words.count() < 2 => Ok(vec![name]),
        _ => Err(NamesError::NoName { line, text: text.chars().take(60).collect() }),
    }
}

/// The name in a line of a query log.
fn asked(line: &str) -> Option<Name> {
    let words: Vec<&str> = line
        .split(|at: char| at.is_whitespace() || "()[]\"',;".contains(at))
        .filter(|word| !word.is_empty())
        .collect();
    let is_type = |word: &&str| {
        ["A", "AAAA", "HTTPS", "CNAME", "MX", "TXT", "PTR", "SRV", "NS", "SOA"].contains(word)
    };
    let at = words.iter().position(is_type)?;
    // The name stands before the type, perhaps with a class in between; or after the type, as in
    // dnsmasq's log.
    let before = words[..at].iter().rev().filter(|word| **word != "IN").take(1);
    let candidates = before.chain(words.get(at + 1));
    candidates.copied().find_map(host)
}

/// The hosts of the URLs in a line.
fn visited(line: &str) -> Vec<Name> {
    let after = |scheme: &'static str| {
        line.match_indices(scheme).map(move |(at, _)| &line[at + scheme.len()..])
    };
    let rests = after("https://").chain(after("http://"));
    rests
        .filter_map(|rest| {
            let end = rest.find(|at: char| !(at.is_ascii_alphanumeric() || "-._".contains(at)));
            host(&rest[..end.unwrap_or(rest.len())])
        })
        .collect()
}

/// A host name as users visit: with a dot, and no IP address.
fn host(word: &str) -> Option<Name> {
    let text = word.trim_end_matches('.');
    let of_letters = text.rsplit('.').next()?.chars().any(|c| c.is_ascii_alphabetic());
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    (text.contains('.') && of_letters && plain).then(|| name::parse(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, format: Format) -> Result<Vec<String>, NamesError> {
        let names = NameList::read(text, format, "a test")?;
        Ok(names.list.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_thousand_names_are_bundled() {
        let names = NameList::popular().unwrap();
        assert_eq!(names.list.len(), 1000);
        let domains: HashSet<_> = names
            .list
            .iter()
            .map(|name| name.to_string().rsplit('.').next().map(str::to_owned))
            .collect();
        assert!(domains.len() > 30, "names of many countries");
    }

    #[test]
    fn a_list_has_one_name_a_line() {
        let names = read(
            "# mine\nexample.com\n\nwww.example.net AAAA # and more\nEXAMPLE.com\n",
            Format::List,
        );
        assert_eq!(names.unwrap(), ["example.com", "www.example.net"]);
        let wrong = read("example.com\nthree words here\n", Format::List).unwrap_err();
        assert_eq!(wrong, NamesError::NoName { line: 2, text: "three words here".into() });
        assert!(wrong.to_string().contains("line 2"));
        assert_eq!(read("# nothing\n", Format::List), Err(NamesError::Empty));
        assert_eq!(
            read("a..b\n", Format::List).map_err(|e| e.to_string().contains("line 1")),
            Err(true)
        );
        let many: String = (0..=MOST).map(|number| format!("n{number}.test\n")).collect();
        assert_eq!(read(&many, Format::List), Err(NamesError::TooMany));
        assert!(read(&many[..many.rfind('n').unwrap()], Format::List).is_ok());
    }

    #[test]
    fn query_logs_are_understood() {
        let log = "\
Nov 24 10:00:01 dnsmasq[811]: query[A] www.example.com from 192.168.1.5
Nov 24 10:00:01 dnsmasq[811]: forwarded www.example.com to 9.9.9.9
Nov 24 10:00:02 unbound[9:0] info: 127.0.0.1 mail.example.org. AAAA IN
24-Nov-2026 10:00:03.000 client @0x7f 127.0.0.1#4321 (example.net): query: example.net IN HTTPS +E(0)K (127.0.0.1)
what has nothing to do with it
";
        assert_eq!(
            read(log, Format::QueryLog).unwrap(),
            ["www.example.com", "mail.example.org", "example.net"]
        );
    }

    #[test]
    fn histories_are_understood() {
        let history = r#"{"Browser History": [{"url": "https://www.example.com/a?b=http://x.example.net/"},
{"url":"http://192.0.2.1/"},{"url":"https://localhost:8080/"}]}
Mozilla;"https://example.org:443/page",12
"#;
        let names = read(history, Format::History).unwrap();
        assert_eq!(names, ["www.example.com", "x.example.net", "example.org"]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_in_a_file_breaks_it(text in "(?s).{0,300}", lines in "([a-zé.:/ \\[\\]()A\t\n]|https://|query\\[A\\] ){0,80}") {
            for format in [Format::List, Format::QueryLog, Format::History] {
                for text in [&text, &lines] {
                    let Ok(names) = NameList::read(text, format, "") else { continue };
                    proptest::prop_assert!(!names.list.is_empty());
                    proptest::prop_assert!(names.list.iter().all(|name| !name.is_root()));
                }
            }
        }
    }

    #[test]
    fn lists_are_told_apart() {
        let of = |text: &str| NameList::read(text, Format::List, "").unwrap().fingerprint();
        assert_eq!(of("a.test\nb.test"), of("A.test\nb.test"));
        assert_ne!(of("a.test\nb.test"), of("b.test\na.test"));
    }
}
