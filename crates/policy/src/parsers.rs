//! From the text of a list to rules, line by line.
//!
//! A parser sees line by line and allocates only for rules with options. A line without a rule is counted by the
//! reason ([`SkipReason`]); blank lines and comments are not counted.

pub(crate) mod adblock;
mod dnsmasq;
mod dnsmasq_records;
mod domains;
mod hosts;
mod lines;
mod name_buffer;
mod rpz;
mod rpz_entry;
mod skipped;
mod wildcards;

use std::io::{self, Read};

use crate::form::ListForm;
use crate::rule::ListRule;
use lines::ListLines;
pub use lines::MAX_LINE_OCTETS;
pub(crate) use name_buffer::NameBuffer;
pub use skipped::{SkipCounts, SkipReason};

/// Takes the rules of a line, or the reason why the line has none.
pub(crate) type Emit<'a> = dyn FnMut(Result<ListRule<'_>, SkipReason>) + 'a;

/// The parser of a form.
trait LineParser {
    /// Parses a line without the line end, and without blanks around.
    fn line(&mut self, line: &[u8], emit: &mut Emit<'_>);

    /// The end of the text.
    fn end(&mut self, _emit: &mut Emit<'_>) {}

    /// Whether blanks at the beginning of a line mean something.
    fn is_indented(&self) -> bool {
        false
    }
}

/// What the text of a list was like as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListText {
    /// Lines, blank ones and comments included.
    pub lines: u32,
    /// Octets of the text.
    pub octets: u64,
    /// Whether the text ends within a line, as a list cut off does.
    pub ends_within_line: bool,
}

/// Reads a list; `take` gets each rule, or the reason of each skipped line, with the number of the line from 1 on.
///
/// # Errors
/// The text cannot be read.
pub fn read_list(
    form: ListForm,
    text: &mut dyn Read,
    take: &mut dyn FnMut(u32, Result<ListRule<'_>, SkipReason>),
) -> io::Result<ListText> {
    let mut parser: Box<dyn LineParser> = match form {
        ListForm::Hosts => Box::new(hosts::HostsParser::default()),
        ListForm::Domains => Box::new(domains::DomainsParser::default()),
        ListForm::Wildcards => Box::new(wildcards::WildcardsParser::default()),
        ListForm::Adblock => Box::new(adblock::AdblockParser::default()),
        ListForm::Dnsmasq => Box::new(dnsmasq::DnsmasqParser::default()),
        ListForm::Rpz => Box::new(rpz::RpzParser::default()),
    };
    let mut lines = ListLines::new(text);
    let mut number = 0;
    while let Some(line) = lines.next()? {
        number = line.number;
        let emit = &mut |rule: Result<ListRule<'_>, SkipReason>| take(number, rule);
        match line.text {
            Err(reason) => emit(Err(reason)),
            Ok(text) if parser.is_indented() => parser.line(text.trim_ascii_end(), emit),
            Ok(text) => parser.line(text.trim_ascii(), emit),
        }
    }
    parser.end(&mut |rule| take(number, rule));
    Ok(lines.whole())
}

#[cfg(test)]
pub(crate) mod tests;
