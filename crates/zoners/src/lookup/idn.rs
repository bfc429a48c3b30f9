//! Internationalised names (IDNA 2008, UTS 46): typed and shown in their own script, sent as `xn--…`.

/// The prefix of such labels on the wire.
const PREFIX: &str = "xn--";

/// A name in its form on the wire: ASCII stays as typed.
///
/// # Errors
/// The name has characters without a place in domain names.
pub(super) fn to_wire(name: &str) -> Result<String, String> {
    if name.is_ascii() {
        return Ok(name.to_owned());
    }
    let has_gap = name.chars().any(|letter| letter.is_control() || letter.is_whitespace());
    idna::domain_to_ascii(name)
        .ok()
        .filter(|_| !has_gap)
        .ok_or_else(|| format!("`{name}` is no domain name: it has characters that none may have"))
}

/// A name in its own script, if that differs from its ASCII form and the name is well-formed.
pub(super) fn to_script(name: &str) -> Option<String> {
    if !has_encoded_label(name) {
        return None;
    }
    let (text, checked) = idna::domain_to_unicode(name);
    (checked.is_ok() && text != name).then_some(text)
}

/// A line in zone-file format with its names in their own script. Quoted strings stay.
pub(super) fn line_to_script(line: &str) -> String {
    if !has_encoded_label(line) {
        return line.to_owned();
    }
    let shown = |word: &str| match word.starts_with('"') {
        true => word.to_owned(),
        false => to_script(word).unwrap_or_else(|| word.to_owned()),
    };
    line.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

fn has_encoded_label(text: &str) -> bool {
    let is_encoded =
        |label: &str| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    text.split(['.', ' ']).any(is_encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sent_in_ascii_and_shown_in_their_script() {
        assert_eq!(to_wire("bücher.example"), Ok("xn--bcher-kva.example".to_owned()));
        assert_eq!(to_wire("BÜCHER.example"), Ok("xn--bcher-kva.example".to_owned()));
        assert_eq!(to_wire("_dmarc.Example"), Ok("_dmarc.Example".to_owned()));
        assert_eq!(to_script("xn--bcher-kva.example."), Some("bücher.example.".to_owned()));
        assert_eq!(to_script("example."), None);
        assert_eq!(to_script("xn--a-ecp.example."), None, "no valid label");
        assert!(to_wire("a\u{2e3a}\u{0}ü").is_err());
    }

    #[test]
    fn lines_are_shown_with_names_in_their_script() {
        let line = "xn--bcher-kva.example. 60 IN MX 10 mx.xn--bcher-kva.example.";
        assert_eq!(line_to_script(line), "bücher.example. 60 IN MX 10 mx.bücher.example.");
        let text = "a.example. 60 IN TXT \"xn--bcher-kva.example.\"";
        assert_eq!(line_to_script(text), text);
    }
}
