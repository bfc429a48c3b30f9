//! Entries: the conditions on a message, and the message to send.

use std::collections::BTreeSet;
use std::time::Duration;

use zoners_dns::compose::{Response, ResponseFlags, add_opt, compose};
use zoners_dns::{Message, Name, OptRcode, Question, RRset, ResponseOpt, Transport, name};

use super::records::{question, records_below};

/// The lines of a script without comments and empty lines.
pub(super) struct Lines<'a>(std::str::Lines<'a>);

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Lines(text.lines())
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        self.0.by_ref().map(|line| without_comment(line).trim()).find(|line| !line.is_empty())
    }
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let end = line.char_indices().find(|(_, letter)| {
        quoted ^= *letter == '"';
        *letter == ';' && !quoted
    });
    end.map_or(line, |(end, _)| &line[..end])
}

/// A message of a script.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    matches: Vec<String>,
    adjusts: Vec<String>,
    reply: Vec<String>,
    /// The question.
    pub question: Option<Question>,
    answer: Vec<RRset>,
    authority: Vec<RRset>,
    additional: Vec<RRset>,
    raw: Option<Vec<u8>>,
    /// With an OPT record.
    edns: bool,
}

impl Entry {
    /// Parses an entry whose names are relative to `origin`.
    pub(super) fn parse(lines: &mut Lines<'_>, origin: &Name) -> Result<Self, String> {
        let mut entry = Entry::default();
        let mut sections: [String; 3] = Default::default();
        let mut section = None;
        let mut hex = None;
        while let Some(line) = lines.next() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let rest = || words.iter().skip(1).map(|word| (*word).to_owned());
            match words.as_slice() {
                ["ENTRY_END", ..] => {
                    let [answer, authority, additional] = sections;
                    entry.answer = records_below(origin, &answer)?;
                    entry.authority = records_below(origin, &authority)?;
                    entry.additional = records_below(origin, &additional)?;
                    return Ok(entry);
                }
                ["MATCH", ..] => entry.matches.extend(rest()),
                // MANDATORY entries are not checked for use.
                ["MANDATORY"] => {}
                ["ADJUST", ..] => entry.adjusts.extend(rest()),
                ["REPLY" | "FLAGS", ..] => entry.reply.extend(rest()),
                ["RAW", ..] | ["SECTION", "RAW", ..] | ["HEX_ANSWER_BEGIN", ..] => {
                    hex = Some(String::new());
                }
                ["HEX_ANSWER_END", ..] => {}
                ["HEX_EDNSDATA_BEGIN"] => {
                    entry.edns = true;
                    if lines.next() != Some("HEX_EDNSDATA_END") {
                        return Err("EDNS options are not played".into());
                    }
                }
                ["SECTION", name, ..] => section = Some(*name),
                ["EXTRA_PACKET", ..] => return Err("EXTRA_PACKET is not played".into()),
                _ if hex.is_some() => {
                    hex = hex.map(|hex: String| hex + line);
                    entry.raw = hex.as_deref().map(octets).transpose()?;
                }
                _ => match section {
                    Some("QUESTION") => entry.question = Some(question(origin, &words)?),
                    Some("ANSWER") => append(&mut sections[0], line),
                    Some("AUTHORITY") => append(&mut sections[1], line),
                    Some("ADDITIONAL") => append(&mut sections[2], line),
                    other => return Err(format!("{line:?} in section {other:?}")),
                },
            }
        }
        Err("ENTRY_END is missing".into())
    }

    /// Whether a query over `transport` matches this entry.
    #[must_use]
    pub fn is_for(&self, query: &Message, transport: Transport) -> bool {
        let (Some(asked), Some(own)) = (&query.question, &self.question) else { return false };
        self.matches.iter().all(|what| match what.as_str() {
            "qtype" => asked.rtype == own.rtype,
            "qname" => asked.name == own.name,
            "qcase" => asked.name.as_slice() == own.name.as_slice(),
            "question" => asked == own,
            "subdomain" => name::is_within(&asked.name, &own.name),
            "UDP" => transport == Transport::Udp,
            "TCP" => transport == Transport::Tcp,
            "DO" => query.edns.as_ref().is_some_and(|edns| edns.dnssec_ok),
            "noedns" => query.edns.is_none(),
            _ => true,
        })
    }

    /// The difference between the resolver's reply and the entry, if any.
    #[must_use]
    pub fn fault(&self, reply: &Message) -> Option<String> {
        let all = self.matches.iter().any(|what| what == "all");
        let checked = |what: &str| all || self.matches.iter().any(|other| other == what);
        if checked("rcode") && reply.rcode != self.rcode() {
            return Some(format!("{}, not {}", reply.rcode, self.rcode()));
        }
        if checked("question") && reply.question != self.question {
            return Some("another question".into());
        }
        if checked("flags") {
            let (has, wants) = (flags(reply), self.flags());
            if has != wants {
                return Some(format!("{has:?}, not {wants:?}"));
            }
        }
        let ttl = self.matches.iter().any(|what| what == "ttl");
        let additional = reply.additional.rrsets_of_all();
        let sections = [
            ("answer", &reply.answer, &self.answer),
            ("authority", &reply.authority, &self.authority),
            ("additional", &additional, &self.additional),
        ];
        for (section, has, wants) in sections {
            let (has, wants) = (as_set(has, ttl), as_set(wants, ttl));
            if checked(section) && has != wants {
                return Some(format!("{section} is {has:#?}, not {wants:#?}"));
            }
        }
        let ede = self.matches.iter().find_map(|what| what.strip_prefix("ede="))?;
        let has = reply.edns.iter().flat_map(|edns| &edns.errors).map(|error| error.code.0);
        let has: Vec<String> = has.map(|code| code.to_string()).collect();
        let right = if ede == "any" { !has.is_empty() } else { has.iter().any(|code| code == ede) };
        (!right).then(|| format!("EDE {has:?}, not {ede}"))
    }

    /// The answer to `query` on the wire, and after how long; `None` if there is to be none.
    #[must_use]
    pub fn answer_to(&self, query: &Message) -> Option<(Duration, Vec<u8>)> {
        let adjust = |what: &str| self.adjusts.iter().any(|other| other == what);
        if adjust("do_not_answer") {
            return None;
        }
        let sleep = self.adjusts.iter().find_map(|what| what.split_once("sleep=")?.1.parse().ok());
        let mut message = match &self.raw {
            Some(raw) => raw.clone(),
            None => {
                let asked = query.question.clone()?;
                let own = self.question.clone().unwrap_or(asked.clone());
                let spelled = Question { name: asked.name.clone(), ..own.clone() };
                let question = match (adjust("copy_query"), own.name == asked.name) {
                    (true, _) => asked,
                    (false, true) => spelled,
                    (false, false) => own,
                };
                self.message(&question)
            }
        };
        if adjust("copy_id") || adjust("raw_id") {
            let id = message.first_chunk_mut::<2>()?;
            *id = query.header.id().to_be_bytes();
        }
        Some((Duration::from_secs(sleep.unwrap_or(0)), message))
    }

    /// The entry as a query of a client.
    #[must_use]
    pub fn query(&self) -> Option<Vec<u8>> {
        if let Some(raw) = &self.raw {
            return Some(raw.clone());
        }
        let mut message = self.message(self.question.as_ref()?);
        // A query is no reply.
        *message.get_mut(2)? &= 0x7F;
        Some(message)
    }

    fn message(&self, question: &Question) -> Vec<u8> {
        let flag = |flag: &str| self.reply.iter().any(|word| word == flag);
        let [aa, tc, rd, ra, ad, cd] = self.flags();
        let mut message = compose(&Response {
            question,
            rcode: self.rcode(),
            flags: ResponseFlags { aa, tc, rd, ra, ad, cd },
            answer: &self.answer,
            authority: &self.authority,
            additional: &self.additional,
            signatures: true,
        });
        if flag("DO") || self.edns {
            add_opt(&mut message, &ResponseOpt { dnssec_ok: flag("DO"), ..ResponseOpt::default() });
        }
        message
    }

    fn flags(&self) -> [bool; 6] {
        ["AA", "TC", "RD", "RA", "AD", "CD"].map(|flag| self.reply.iter().any(|word| word == flag))
    }

    fn rcode(&self) -> OptRcode {
        let known = |word: &String| match word.as_str() {
            "NOTIMPL" => Some(OptRcode::NOTIMP),
            word => word.parse().ok(),
        };
        self.reply.iter().find_map(known).unwrap_or(OptRcode::NOERROR)
    }
}

fn flags(message: &Message) -> [bool; 6] {
    let header = message.header;
    [header.aa(), header.tc(), header.rd(), header.ra(), header.ad(), header.cd()]
}

fn as_set(sets: &[RRset], ttl: bool) -> BTreeSet<String> {
    let lines = |set: &RRset| {
        let lower = RRset { owner: name::lowercase(&set.owner), ..set.clone() };
        let shown = if ttl { lower } else { RRset { ttl: 0, ..lower } };
        shown.to_string().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    sets.iter().flat_map(lines).collect()
}

fn append(section: &mut String, line: &str) {
    section.push_str(line);
    section.push('\n');
}

fn octets(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = hex.chars().filter(char::is_ascii_hexdigit).collect();
    let octet = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
    digits.chunks(2).map(octet).collect::<Result<_, _>>().map_err(|error| error.to_string())
}
