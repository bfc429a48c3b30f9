//! The words of the command line: names, types, classes, servers and `+` options, in any order.

use std::net::IpAddr;

use zoners_dns::{Class, Name, Question, Rtype, name};

use super::idn;
use super::options::PlusOptions;
use crate::mistakes::nearest;

/// Unsupported types: each stands for an action.
const ACTIONS: &[&str] = &["AXFR", "IXFR", "MAILA", "MAILB"];
/// Common types, for the hint at a misspelt type.
const COMMON_TYPES: &[&str] = &[
    "A", "AAAA", "ANY", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "NSEC",
    "PTR", "SOA", "SRV", "SSHFP", "SVCB", "TLSA", "TXT",
];

/// The request.
#[derive(Debug, Default)]
pub(super) struct LookupRequest {
    names: Vec<SoughtName>,
    types: Vec<Rtype>,
    class: Option<Class>,
    /// The server of an `@` word, without the `@`.
    pub(super) server: Option<String>,
    pub(super) options: PlusOptions,
}

/// A name to look up.
#[derive(Debug)]
struct SoughtName {
    name: Name,
    /// Whether the name stands for an address.
    reverse: bool,
    /// The word, if it was written without a dot, as types are.
    bare: Option<String>,
}

impl LookupRequest {
    /// Takes a word of any kind.
    ///
    /// # Errors
    /// The word has no meaning.
    pub(super) fn take(&mut self, word: &str) -> Result<(), String> {
        if let Some(server) = word.strip_prefix('@') {
            self.server = Some(server.to_owned());
            return Ok(());
        }
        if let Some(option) = word.strip_prefix('+') {
            return self.options.take(option);
        }
        if let Ok(rtype) = rtype(word) {
            return self.take_type(rtype, word);
        }
        match word.to_ascii_uppercase().as_str() {
            "IN" => self.class = Some(Class::IN),
            "CH" => self.class = Some(Class::CH),
            "HS" => self.class = Some(Class::HS),
            _ => return self.take_name(word),
        }
        Ok(())
    }

    /// Takes a name or an address.
    ///
    /// # Errors
    /// The word is neither.
    pub(super) fn take_name(&mut self, word: &str) -> Result<(), String> {
        if let Some(address) = address(word) {
            self.names.push(SoughtName { name: name::reverse(address), reverse: true, bare: None });
            return Ok(());
        }
        let name = name::parse(&idn::to_wire(word)?)?;
        let bare = (!word.contains('.')).then(|| word.to_owned());
        self.names.push(SoughtName { name, reverse: false, bare });
        Ok(())
    }

    /// Takes an address, for its name.
    ///
    /// # Errors
    /// The word is no address.
    pub(super) fn take_address(&mut self, word: &str) -> Result<(), String> {
        match address(word) {
            Some(_) => self.take_name(word),
            None => {
                Err(format!("-x {word}: must be an IP address, such as 192.0.2.1 or 2001:db8::1"))
            }
        }
    }

    /// Takes a type.
    ///
    /// # Errors
    /// The type is unknown, or stands for an unsupported action.
    pub(super) fn take_type_word(&mut self, word: &str) -> Result<(), String> {
        match rtype(word) {
            Ok(rtype) => self.take_type(rtype, word),
            Err(wrong) => Err(wrong),
        }
    }

    fn take_type(&mut self, rtype: Rtype, word: &str) -> Result<(), String> {
        if ACTIONS.contains(&word.to_ascii_uppercase().as_str()) {
            return Err(format!("{word} is a transfer of many records, which is not done here"));
        }
        self.types.push(rtype);
        Ok(())
    }

    /// The questions: each name with each type. Without a type, a name is asked for A and AAAA, and an address for
    /// PTR; types without a name are asked for the root zone, as in dig.
    ///
    /// # Errors
    /// Nothing is asked for.
    pub(super) fn questions(&self) -> Result<Vec<Question>, String> {
        if self.names.is_empty() && self.types.is_empty() {
            return Err("there is no name to look up, as in `zoners lookup example.com`".to_owned());
        }
        // Beside a name, a word without a dot is probably a misspelt type.
        let misspelt = self.names.iter().find_map(|sought| sought.bare.as_deref());
        if let (Some(word), 2..) = (misspelt, self.names.len()) {
            let wrong = rtype(word).err().unwrap_or_default();
            return Err(format!("{wrong}\n  or, if it is a name, write `{word}.`"));
        }
        let root = [SoughtName { name: name::root(), reverse: false, bare: None }];
        let names: &[SoughtName] = if self.names.is_empty() { &root } else { &self.names };
        let class = self.class.unwrap_or(Class::IN);
        let mut questions = Vec::new();
        for SoughtName { name, reverse, .. } in names {
            let types: &[Rtype] = match (self.types.as_slice(), reverse) {
                ([], true) => &[Rtype::PTR],
                ([], false) => &[Rtype::A, Rtype::AAAA],
                (types, _) => types,
            };
            questions.extend(
                types.iter().map(|rtype| Question { class, ..Question::new(name.clone(), *rtype) }),
            );
        }
        Ok(questions)
    }

    /// Whether the root zone is asked for since there are types and no name.
    pub(super) fn is_of_root(&self) -> bool {
        self.names.is_empty()
    }

    /// The class, if it is not IN.
    pub(super) fn other_class(&self) -> Option<Class> {
        self.class.filter(|class| *class != Class::IN)
    }
}

/// An address, perhaps in brackets or with a zone index, which reverse names lack.
fn address(word: &str) -> Option<IpAddr> {
    let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
    bare.parse().ok()
}

/// The type of a mnemonic, or of `TYPE65280`.
fn rtype(word: &str) -> Result<Rtype, String> {
    let upper = word.to_ascii_uppercase();
    // The library takes any number too, which on a command line is more likely a slip of the pen.
    let parsed = upper.parse().ok().filter(|_| !upper.starts_with(|c: char| c.is_ascii_digit()));
    parsed.ok_or_else(|| {
        let hint = match nearest(&upper, COMMON_TYPES.iter().copied()) {
            Some(known) => format!("did you mean {known}?"),
            None => "write A, MX, HTTPS, TYPE65280 or the like".to_owned(),
        };
        format!("`{word}` is no record type\n  {hint}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<Vec<String>, String> {
        let mut wanted = LookupRequest::default();
        words.iter().try_for_each(|word| wanted.take(word))?;
        let shown = |question: &Question| {
            format!("{} {} {}", question.name.fmt_with_dot(), question.class, question.rtype)
        };
        wanted.questions().map(|questions| questions.iter().map(shown).collect())
    }

    #[test]
    fn words_come_in_any_order() {
        let mail = Ok(vec!["example.com. IN MX".to_owned()]);
        assert_eq!(asked(&["example.com", "mx"]), mail);
        assert_eq!(asked(&["MX", "example.com"]), mail);
        assert_eq!(asked(&["@1.1.1.1", "+short", "IN", "example.com", "MX"]), mail);
        let addresses = ["example.com. IN A", "example.com. IN AAAA"].map(str::to_owned);
        assert_eq!(asked(&["example.com"]), Ok(addresses.to_vec()));
        assert_eq!(asked(&["a.test", "b.test", "TXT"]).unwrap().len(), 2);
        assert_eq!(
            asked(&["version.bind", "CH", "TXT"]),
            Ok(vec!["version.bind. CH TXT".to_owned()])
        );
        assert_eq!(asked(&["mx.", "A"]), Ok(vec!["mx. IN A".to_owned()]));
        assert_eq!(asked(&["NS"]), Ok(vec![". IN NS".to_owned()]), "as with dig");
    }

    #[test]
    fn addresses_are_looked_up_in_reverse() {
        assert_eq!(asked(&["8.8.4.4"]), Ok(vec!["4.4.8.8.in-addr.arpa. IN PTR".to_owned()]));
        for six in ["2001:db8::1", "[2001:db8::1]"] {
            let asked = asked(&[six]).unwrap();
            assert!(asked[0].starts_with("1.0.0.0.") && asked[0].ends_with(".ip6.arpa. IN PTR"));
        }
        let mut wanted = LookupRequest::default();
        wanted.take_address("192.0.2.1").unwrap();
        assert!(wanted.take_address("example.com").unwrap_err().contains("-x example.com"));
    }

    #[test]
    fn mistakes_are_told() {
        assert!(asked(&[]).unwrap_err().contains("no name"));
        assert!(asked(&["a..b"]).unwrap_err().contains("a..b"));
        let misspelt = asked(&["example.com", "AAA"]).unwrap_err();
        assert!(
            misspelt.contains("did you mean AAAA?") && misspelt.contains("`AAA.`"),
            "{misspelt}"
        );
        assert!(asked(&["localhost"]).is_ok());
        assert!(asked(&["example.com", "AXFR"]).unwrap_err().contains("transfer"));
        let mut wanted = LookupRequest::default();
        assert!(wanted.take_type_word("AAA").unwrap_err().contains("did you mean AAAA?"));
        assert!(wanted.take_type_word("28").unwrap_err().contains("TYPE65280"));
        assert!(wanted.take("+shrot").unwrap_err().contains("+short"));
    }
}
