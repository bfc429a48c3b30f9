//! What differs between two entries, for people.

use super::entry_state::{EntryState, target};

/// Lines of a difference, at most.
const MAX_LINES: usize = 40;

/// Removed lines of `before` (`-`) and new lines of `now` (`+`), between the first and the last difference.
pub(super) fn difference(before: &EntryState, now: &EntryState) -> Vec<String> {
    let (before, now) = (lines(before), lines(now));
    let same_start = before.iter().zip(&now).take_while(|(old, new)| old == new).count();
    let room = before.len().min(now.len()) - same_start;
    let ends = before.iter().rev().zip(now.iter().rev()).take(room);
    let same_end = ends.take_while(|(old, new)| old == new).count();
    let middle = |lines: &[String], sign: &str| -> Vec<String> {
        let middle = lines.get(same_start..lines.len() - same_end).unwrap_or_default();
        middle.iter().map(|line| format!("{sign}{line}")).collect()
    };
    let mut all = [middle(&before, "-"), middle(&now, "+")].concat();
    let left_out = all.len().saturating_sub(MAX_LINES);
    all.truncate(MAX_LINES);
    if left_out > 0 {
        all.push(format!("… and {left_out} lines more"));
    }
    all
}

/// An entry in lines. Control characters of a file must not reach a terminal.
fn lines(state: &EntryState) -> Vec<String> {
    let clean = |line: &str| -> String {
        line.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
    };
    match state {
        EntryState::Absent => Vec::new(),
        EntryState::Folder => vec!["(a folder)".to_owned()],
        EntryState::Link { target: to, .. } => {
            vec![clean(&format!("(a link to {})", target(to).to_string_lossy()))]
        }
        EntryState::File { content, .. } => match str::from_utf8(&content.0) {
            Ok(text) => text.lines().map(clean).collect(),
            Err(_) => vec![format!("({} octets)", content.0.len())],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{EntryOctets, FileAttributes};

    fn file(text: &str) -> EntryState {
        let attributes = FileAttributes::default();
        EntryState::File { content: EntryOctets(text.into()), attributes, in_place: false }
    }

    #[test]
    fn only_lines_between_the_first_and_the_last_difference_are_shown() {
        let shown = difference(&file("a\nb\nc\n"), &file("a\nx\ny\nc\n"));
        assert_eq!(shown, ["-b", "+x", "+y"]);
        assert_eq!(difference(&file("a\na\n"), &file("a\n")), ["-a"]);
        assert_eq!(difference(&file("a\u{1b}[2J"), &EntryState::Absent), ["-a?[2J"]);
        assert_eq!(difference(&file("a"), &EntryState::Folder), ["-a", "+(a folder)"]);
        let long = "x\n".repeat(100);
        assert_eq!(difference(&EntryState::Absent, &file(&long)).len(), MAX_LINES + 1);
    }
}
