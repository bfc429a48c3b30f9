//! A text that every match of a regular expression contains.
//!
//! A search for a text takes nanoseconds where the regular expression takes microseconds, and nearly every name lacks the
//! text.

/// Classes that contain brackets, characters by number, and flags.
const RARE_SYNTAX: [&str; 9] = ["[]", "[^]", "[[", r"\x", r"\u", r"\U", r"\p", r"\P", "(?"];

/// The longest text that every match of a regular expression contains; empty if there is none, or none is evident.
pub(super) fn required_literal(regex: &str) -> String {
    if RARE_SYNTAX.iter().any(|rare| regex.contains(rare)) {
        return String::new();
    }
    let (mut best, mut run) = (String::new(), String::new());
    let (mut depth, mut is_class) = (0_u32, false);
    let mut rest = regex.chars().peekable();
    while let Some(c) = rest.next() {
        let literal = match c {
            '\\' => rest.next().filter(|escaped| !escaped.is_alphanumeric()),
            ']' if is_class => {
                is_class = false;
                None
            }
            _ if is_class => continue,
            '[' => {
                is_class = true;
                None
            }
            '(' => {
                depth += 1;
                None
            }
            ')' => {
                depth = depth.saturating_sub(1);
                None
            }
            // Either side may match.
            '|' if depth == 0 => return String::new(),
            '^' | '$' | '.' | '*' | '+' | '?' | '{' | '}' => None,
            c => Some(c),
        };
        // A character that may be absent ends the run without being a part of it.
        let is_optional = matches!(rest.peek(), Some('?' | '*' | '{'));
        match literal.filter(|_| depth == 0 && !is_class && !is_optional) {
            Some(literal) => run.push(literal),
            None => {
                if run.len() > best.len() {
                    best.clone_from(&run);
                }
                run.clear();
            }
        }
        if c == '{' {
            // The digits of a repetition are no text.
            while rest.next_if(|c| *c != '}').is_some() {}
        }
        if rest.peek() == Some(&'+') {
            // `a+b` has `a` and `b`, not always `ab`.
            if run.len() > best.len() {
                best.clone_from(&run);
            }
            run.clear();
        }
    }
    if run.len() > best.len() { run } else { best }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_text_of_every_match_is_found() {
        for (regex, expected) in [
            (r"^139\.45\.197\.[12]?\d?\d$", "139.45.197."),
            (r"^.*(tech|project).*\.top$", ".top"),
            (r"^ad[0-9]+\.", "ad"),
            (r"^(a|c)\.[0-9a-f]{56}\.com$", ".com"),
            (r"colou?r", "colo"),
            (r"ab*c", "a"),
            (r"xa+b", "xa"),
            (r"a{2}bcd", "bcd"),
            (r"[a-z]track", "track"),
            (r"a|b", ""),
            (r"(?i)ads", ""),
            (r"\d+\w", ""),
            (r"[]a]x", ""),
            (r"\x41dx", ""),
            (r"(https?:\/\/)?ads\.example", "ads.example"),
        ] {
            assert_eq!(required_literal(regex), expected, "{regex}");
        }
    }

    #[test]
    fn a_text_is_never_absent_from_a_match() {
        for (regex, matches) in [
            ("colou?r", "color"),
            ("ab*c", "ac"),
            ("(ad)?server", "server"),
            ("ads{0,1}x", "adx"),
            ("xa+b", "xaab"),
            ("(ads|track)x", "adsx"),
            (r"a\.b|c", "c"),
            ("(?i)ADS", "ads"),
        ] {
            assert!(regex_lite::Regex::new(regex).unwrap().is_match(matches), "{regex}");
            assert!(matches.contains(&required_literal(regex)), "{regex} {matches}");
        }
    }
}
