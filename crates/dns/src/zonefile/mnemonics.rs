//! Mnemonics of DNSSEC algorithms and digests in zone files.
//!
//! DS, DNSKEY and RRSIG records may use mnemonics instead of numbers (RFC 4034 sections 2.2, 3.2
//! and 5.3). The parser of `domain` accepts only numbers.

use std::borrow::Cow;
use std::ops::Range;

use domain::base::iana::SecurityAlgorithm;

use super::ZonefileError;

/// Replaces mnemonics by numbers. Also returns the line number at which each record begins.
///
/// # Errors
/// An algorithm or a digest type is neither a number nor a known mnemonic, or a parenthesis is not
/// closed, on which the parser of `domain` would panic.
pub(super) fn to_numbers(text: &str) -> Result<(Cow<'_, str>, Vec<usize>), ZonefileError> {
    let mut lines = Vec::new();
    let mut out = String::new();
    let mut copied = 0;
    let mut scanner = Scanner { text, at: 0, line: 1, unclosed: None };
    while let Some(entry) = scanner.next_entry() {
        lines.extend(entry.line_of_record(text));
        for (word, kind) in fields(text, &entry) {
            let wrong = |what| ZonefileError { line: word.line, what };
            let written = text.get(word.range.clone()).unwrap_or_default();
            if let Some(number) = kind.number(written).map_err(wrong)? {
                out.push_str(&text[copied..word.range.start]);
                out.push_str(&number.to_string());
                copied = word.range.end;
            }
        }
    }
    if let Some(line) = scanner.unclosed {
        return Err(ZonefileError { line, what: "the parenthesis is not closed".into() });
    }
    if copied == 0 {
        return Ok((Cow::Borrowed(text), lines));
    }
    out.push_str(&text[copied..]);
    Ok((Cow::Owned(out), lines))
}

/// The meaning of a field.
#[derive(Clone, Copy)]
enum MnemonicField {
    Algorithm,
    Digest,
}

impl MnemonicField {
    /// The number of a mnemonic; `None` if the word is a number already.
    fn number(self, word: &str) -> Result<Option<u8>, String> {
        if word.bytes().all(|octet| octet.is_ascii_digit()) {
            return Ok(None);
        }
        let (number, kind) = match self {
            MnemonicField::Algorithm => (algorithm(word), "DNSSEC algorithm"),
            MnemonicField::Digest => (digest(word), "digest type of a DS record"),
        };
        number.map(Some).ok_or_else(|| format!("`{word}` is no {kind}"))
    }
}

/// The number of an algorithm, by the mnemonics of the IANA registry and of BIND.
fn algorithm(word: &str) -> Option<u8> {
    match word.to_ascii_uppercase().as_str() {
        "NSEC3DSA" => Some(6),
        "NSEC3RSASHA1" => Some(7),
        "ECCGOST" => Some(12),
        other => SecurityAlgorithm::from_mnemonic(other.as_bytes()).map(SecurityAlgorithm::to_int),
    }
}

/// The number of a digest type (IANA registry for RFC 4034 section 5.1.3), with or without hyphens.
fn digest(word: &str) -> Option<u8> {
    match word.to_ascii_uppercase().replace('-', "").as_str() {
        "SHA1" => Some(1),
        "SHA256" => Some(2),
        "GOST" => Some(3),
        "SHA384" => Some(4),
        "GOST12" => Some(5),
        "SM3" => Some(6),
        _ => None,
    }
}

/// The fields of a record in which mnemonics are allowed.
fn fields<'a>(text: &str, entry: &'a ZonefileEntry) -> Vec<(&'a Word, MnemonicField)> {
    let word = |at: usize| entry.words.get(at).and_then(|word| text.get(word.range.clone()));
    let owner = usize::from(!entry.indented);
    // TTL and class in either order; both are optional (RFC 1035 section 5.1).
    let before = (owner..).take(2).take_while(|at| word(*at).is_some_and(is_ttl_or_class)).count();
    let rdata = owner + before + 1;
    let Some(rtype) = word(rdata - 1) else { return Vec::new() };
    // RDATA as octets (RFC 3597 section 5).
    if word(rdata) == Some("\\#") {
        return Vec::new();
    }
    let places: &[(usize, MnemonicField)] = match rtype.to_ascii_uppercase().as_str() {
        "DS" | "CDS" | "DLV" => &[(1, MnemonicField::Algorithm), (2, MnemonicField::Digest)],
        "DNSKEY" | "CDNSKEY" | "KEY" => &[(2, MnemonicField::Algorithm)],
        "RRSIG" | "SIG" => &[(1, MnemonicField::Algorithm)],
        _ => &[],
    };
    let places = places.iter();
    places.filter_map(|(at, kind)| Some((entry.words.get(rdata + at)?, *kind))).collect()
}

fn is_ttl_or_class(word: &str) -> bool {
    let class = ["IN", "CH", "HS"].iter().any(|class| word.eq_ignore_ascii_case(class));
    class || word.bytes().all(|octet| octet.is_ascii_digit())
}

/// A word of a zone file, and its line number.
struct Word {
    range: Range<usize>,
    line: usize,
}

/// The words of a line, or of several lines in parentheses, without comments.
struct ZonefileEntry {
    words: Vec<Word>,
    /// Whether the line begins with a space, so that the owner is omitted.
    indented: bool,
}

impl ZonefileEntry {
    /// The line number of the record, if the entry is a record.
    fn line_of_record(&self, text: &str) -> Option<usize> {
        let first = self.words.first()?;
        let word = text.get(first.range.clone()).unwrap_or_default();
        let control = ["$ORIGIN", "$TTL"].iter().any(|name| word.eq_ignore_ascii_case(name));
        (!control).then_some(first.line)
    }
}

/// Splits zone-file text into words (RFC 1035 section 5.1).
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// The line of a parenthesis that is still open at the end of the text.
    unclosed: Option<usize>,
}

impl Scanner<'_> {
    fn next_entry(&mut self) -> Option<ZonefileEntry> {
        let first = self.peek()?;
        let mut entry =
            ZonefileEntry { words: Vec::new(), indented: first == b' ' || first == b'\t' };
        let (mut parentheses, mut opened) = (0_usize, self.line);
        while let Some(octet) = self.peek() {
            match octet {
                b';' => self.skip_while(|octet| octet != b'\n'),
                b'"' => entry.words.push(self.quoted()),
                b'(' | b')' | b' ' | b'\t' | b'\r' | b'\n' => {
                    self.at += 1;
                    match octet {
                        b'(' => {
                            opened = if parentheses == 0 { self.line } else { opened };
                            parentheses += 1;
                        }
                        b')' => parentheses = parentheses.saturating_sub(1),
                        b'\n' => {
                            self.line += 1;
                            if parentheses == 0 {
                                break;
                            }
                        }
                        _ => {}
                    }
                }
                _ => entry.words.push(self.plain()),
            }
        }
        self.unclosed = (parentheses > 0).then_some(opened);
        Some(entry)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_while(&mut self, more: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&more) {
            self.at += 1;
        }
    }

    /// A word, up to a space or a special character. A backslash escapes a special character.
    fn plain(&mut self) -> Word {
        let (start, line) = (self.at, self.line);
        while let Some(octet) = self.peek() {
            match octet {
                b'\\' => self.at += 2,
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"' => break,
                _ => self.at += 1,
            }
        }
        self.word(start, line)
    }

    fn quoted(&mut self) -> Word {
        let (start, line) = (self.at, self.line);
        self.at += 1;
        while let Some(octet) = self.peek() {
            self.at += if octet == b'\\' { 2 } else { 1 };
            match octet {
                b'"' => break,
                b'\n' => self.line += 1,
                _ => {}
            }
        }
        self.word(start, line)
    }

    fn word(&self, start: usize, line: usize) -> Word {
        Word { range: start..self.at.min(self.text.len()), line }
    }
}

#[cfg(test)]
mod tests;
