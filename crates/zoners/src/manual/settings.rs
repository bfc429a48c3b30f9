//! zoners.toml(5): the page of the settings, from the example configuration, so that neither misses a setting.

use roff::{Inline, Roff, bold, italic, roman};
use zoners_server::config::EXAMPLE;

/// A configuration that serves a home.
const HOME: &str = "\
[server]
listen = [\"192.168.1.2\"]

[[policy.list]]
list = \"oisd-small\"

[local]
records = [\"nas.home.arpa. A 192.168.1.3\"]";

/// A part of the example.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    /// The beginning of a table, with its prose.
    Table { header: &'a str, prose: Vec<&'a str> },
    /// Consecutive settings, with their prose.
    Settings { lines: Vec<&'a str>, prose: Vec<&'a str> },
}

/// The page, in roff.
pub(super) fn page() -> String {
    let mut page = Roff::new();
    let version = concat!("zoners ", env!("CARGO_PKG_VERSION"));
    page.control("TH", ["zoners.toml", "5", "", version]);
    page.control("SH", ["NAME"]).text([roman("zoners.toml - settings of Zoners")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([
        roman("Read from "),
        italic("/etc/zoners/zoners.toml"),
        roman(" or "),
        italic("~/.config/zoners/zoners.toml"),
        roman(", or from the file that "),
        bold("--config"),
        roman(" names; the form is TOML."),
    ]);
    let parts = parts(EXAMPLE);
    for part in &parts {
        match part {
            Part::Table { header, prose } => {
                page.control("SH", [*header]);
                page.text([roman(prose.join(" "))]);
            }
            Part::Settings { lines, prose } if lines.is_empty() => {
                page.control("PP", []).text([roman(prose.join(" "))]);
            }
            Part::Settings { lines, prose } => settings(&mut page, lines, prose),
        }
    }
    page.control("SH", ["EXAMPLE"])
        .text([roman("A server for a home, with a list that blocks advertisements:")]);
    page.control("PP", []).control("EX", []).text(verbatim(HOME)).control("EE", []);
    page.control("SH", ["SEE ALSO"]).text([
        bold("zoners"),
        roman("(1), "),
        bold("zoners-check"),
        roman("(1)"),
    ]);
    page.render()
}

/// Settings with the remarks behind their values, and with their prose.
fn settings(page: &mut Roff, lines: &[&str], prose: &[&str]) {
    for (at, line) in lines.iter().enumerate() {
        let (value, remark) = line.find("  #").map_or((*line, ""), |at| line.split_at(at));
        let macro_name = if at == 0 { "TP" } else { "TQ" };
        page.control(macro_name, []).text([bold(value), roman(remark)]);
    }
    page.text([roman(prose.join(" "))]);
}

fn verbatim(text: &str) -> Vec<Inline> {
    text.split_inclusive('\n').map(roman).collect()
}

/// The parts of an example configuration. Settings without a default are comments too.
fn parts(example: &str) -> Vec<Part<'_>> {
    let (mut parts, mut prose) = (Vec::new(), Vec::new());
    let mut lines = example.lines().peekable();
    while let Some(line) = lines.next() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        if line.trim().is_empty() || line == "#" {
            // Prose before an empty line belongs to no setting.
            if !prose.is_empty() {
                parts.push(Part::Settings { lines: Vec::new(), prose: std::mem::take(&mut prose) });
            }
        } else if is_header(bare) {
            parts.push(Part::Table { header: bare, prose: std::mem::take(&mut prose) });
        } else if is_setting(bare) || !line.starts_with('#') {
            let mut settings = vec![bare];
            let follows = |next: &&str| {
                let bare = next.strip_prefix("# ").unwrap_or(next);
                let is_rest_of_value = !next.starts_with('#') && !next.trim().is_empty();
                !is_header(bare) && (is_setting(bare) || is_rest_of_value)
            };
            while let Some(next) = lines.next_if(follows) {
                settings.push(next.strip_prefix("# ").unwrap_or(next));
            }
            parts.push(Part::Settings { lines: settings, prose: std::mem::take(&mut prose) });
        } else {
            prose.push(bare);
        }
    }
    parts
}

/// `[table]` or `[[table]]`.
fn is_header(line: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || "[].-".contains(letter);
    line.starts_with('[') && line.ends_with(']') && line.chars().all(is_letter)
}

/// `key = …`
fn is_setting(line: &str) -> bool {
    let is_letter =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    line.split_once(" = ").is_some_and(|(key, _)| !key.is_empty() && key.chars().all(is_letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_example_has_these_parts() {
        let example = "# About all.\n\n# Who may ask.\n[server]\n# Where.\n# listen = [\"::1\"]\nthreads = 1\n\n\
                       # One a zone.\n# [[zone]]\n# name = \"a\"   # the apex\n# Hosts.\nallow = [\n    # \"lan\",\n]\n";
        let expected = [
            Part::Settings { lines: vec![], prose: vec!["About all."] },
            Part::Table { header: "[server]", prose: vec!["Who may ask."] },
            Part::Settings {
                lines: vec!["listen = [\"::1\"]", "threads = 1"],
                prose: vec!["Where."],
            },
            Part::Table { header: "[[zone]]", prose: vec!["One a zone."] },
            Part::Settings { lines: vec!["name = \"a\"   # the apex"], prose: vec![] },
            Part::Settings {
                lines: vec!["allow = [", "    # \"lan\",", "]"],
                prose: vec!["Hosts."],
            },
        ];
        assert_eq!(parts(example), expected);
    }

    #[test]
    fn no_line_of_the_example_is_missing() {
        let parts = parts(EXAMPLE);
        let told = parts.iter().flat_map(|part| match part {
            Part::Table { header, prose } => [prose.clone(), vec![*header]].concat(),
            Part::Settings { lines, prose } => [prose.clone(), lines.clone()].concat(),
        });
        let bare = |line: &'static str| line.strip_prefix("# ").unwrap_or(line);
        let lines =
            EXAMPLE.lines().filter(|line| !line.trim().is_empty() && *line != "#").map(bare);
        assert_eq!(told.collect::<Vec<_>>(), lines.collect::<Vec<_>>());
        let tables = parts.iter().filter(|part| matches!(part, Part::Table { .. })).count();
        assert!(tables > 20, "{tables}");
        let page = page();
        assert!(
            page.contains(".SH [server]") || page.contains(".SH \"[server]\""),
            "{}",
            &page[..2000]
        );
    }
}
