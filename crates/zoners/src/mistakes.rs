//! Mistakes on the command line: the probable meaning, beyond the suggestions of `clap`.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use zoners_dns::name;

/// The least similarity of a mistyped word (1: equal).
const ALIKE: f64 = 0.75;

/// The error, with a hint where a name stands in place of a command.
pub(crate) fn with_hint(mut error: clap::Error) -> clap::Error {
    let is_command = error.kind() == ErrorKind::InvalidSubcommand;
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
        && is_command
        && error.get(ContextKind::SuggestedSubcommand).is_none()
        && looks_like_a_name(word)
    {
        let hint = format!("to look up a name, write `zoners lookup {word}`");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

/// Whether a word without a command is a name or a server to be asked.
fn looks_like_a_name(word: &str) -> bool {
    word.starts_with('@') || word.contains(['.', ':']) && name::parse(word).is_ok()
}

/// The word of `known` most similar to `word`, if similar enough.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = known.into_iter().map(|known| (strsim::jaro_winkler(word, known), known));
    let (alike, known) = alike.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (alike >= ALIKE).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_place_of_a_command_is_recognised() {
        for word in ["example.com", "@1.1.1.1", "8.8.8.8", "2001:db8::1"] {
            assert!(looks_like_a_name(word), "{word}");
        }
        assert!(!["lokup", "a..b", ""].into_iter().any(looks_like_a_name));
    }

    #[test]
    fn the_nearest_word_is_found_if_there_is_one() {
        let known = ["short", "trace", "dnssec"];
        assert_eq!(nearest("shrot", known), Some("short"));
        assert_eq!(nearest("dnsec", known), Some("dnssec"));
        assert_eq!(nearest("xyz", known), None);
    }
}
