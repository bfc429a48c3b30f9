//! The example configuration in parts, for the manual and for the schema.

/// A part of the example.
#[derive(Debug, PartialEq, Eq)]
pub enum ExamplePart<'a> {
    /// The beginning of a table, with its prose.
    Table {
        /// The title of the table, in its brackets.
        header: &'a str,
        /// The lines of a comment.
        prose: Vec<&'a str>,
    },
    /// Consecutive settings, with their prose; prose alone where there are no lines.
    Settings {
        /// The lines, without the mark of a comment.
        lines: Vec<&'a str>,
        /// The lines of a comment.
        prose: Vec<&'a str>,
    },
}

use ExamplePart as Part;

/// The parts of an example configuration. Settings without a default are comments too.
#[must_use]
pub fn example_parts(example: &str) -> Vec<ExamplePart<'_>> {
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
    let is_letter = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "[].-".contains(letter)
    };
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
    use super::super::EXAMPLE;
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
        assert_eq!(example_parts(example), expected);
    }

    #[test]
    fn no_line_of_the_example_is_missing() {
        let parts = example_parts(EXAMPLE);
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
        // The name of this table has digits.
        let is_dns64 = |part: &Part<'_>| matches!(part, Part::Table { header: "[dns64]", .. });
        assert!(parts.iter().any(is_dns64));
    }
}
