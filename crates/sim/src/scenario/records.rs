//! Records and questions in the notation of scripts.

use zoners_dns::{Name, Question, RRset, Rtype, name, zonefile};

/// Reads records in zone-file syntax, their names relative to the root.
///
/// # Errors
/// The text breaks the syntax.
pub fn records(text: &str) -> Result<Vec<RRset>, String> {
    records_below(&name::root(), text)
}

/// Reads records in zone-file syntax, their names relative to `origin`.
pub(super) fn records_below(origin: &Name, text: &str) -> Result<Vec<RRset>, String> {
    zonefile::parse(text, origin).map_err(|error| format!("records: {error}"))
}

/// Parses a question, with or without TTL and class, its name relative to `origin`.
pub(super) fn question(origin: &Name, words: &[&str]) -> Result<Question, String> {
    let [text, rest @ ..] = words else { return Err("a question without a name".into()) };
    let is_ttl = |word: &&&str| word.parse::<u32>().is_ok();
    let mut rest = rest.iter().skip_while(is_ttl);
    let rtype = match (rest.next(), rest.next()) {
        (Some(&("IN" | "CH" | "ANY")), Some(rtype)) | (Some(rtype), _) => rtype,
        (None, _) => return Err(format!("{words:?} is no question")),
    };
    let rtype: Rtype = rtype.parse().map_err(|_| format!("{rtype}: no type"))?;
    let name = match text.ends_with('.') {
        true => name::parse(text)?,
        false => name::parse(&format!("{text}.{}", origin.fmt_with_dot()).replace("..", "."))?,
    };
    Ok(Question::new(name, rtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_may_have_a_ttl_and_be_relative() {
        let origin = name::parse("example.com").unwrap();
        for (origin, text, read) in [
            (&name::root(), ". 86400 IN NS", ". IN NS"),
            (&name::root(), "www.example.com A", "www.example.com. IN A"),
            (&name::root(), "www.example.com. IN ANY", "www.example.com. IN ANY"),
            (&origin, "www IN A", "www.example.com. IN A"),
            (&origin, "www. IN A", "www. IN A"),
        ] {
            let words: Vec<&str> = text.split_whitespace().collect();
            let question = question(origin, &words).unwrap();
            let owner = question.name.fmt_with_dot();
            assert_eq!(format!("{owner} {} {}", question.class, question.rtype), read);
        }
        assert!(question(&name::root(), &["www", "3600"]).is_err());
    }
}
