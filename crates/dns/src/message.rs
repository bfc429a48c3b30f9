//! Messages taken apart into RRsets.

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use domain::base::ParsedRecord;
use domain::base::header::Header;
use domain::base::iana::{Class, OptRcode, Rtype};
use domain::base::message::{Message as Wire, RecordSection};
use domain::base::name::{ParsedName, ToName};
use domain::base::opt::Opt;
use domain::base::rdata::ComposeRecordData;
use domain::rdata::AllRecordData;

use crate::edns::Edns;
use crate::name::Name;
use crate::question::Question;
use crate::rrset::{RRset, Records};

/// Records that one RRset may have; what sends more is refused whole (CVE-2024-1737).
pub const MAX_RECORDS_PER_RRSET: usize = 256;

/// A message, its records grouped into RRsets with their signatures.
#[derive(Clone, Debug)]
pub struct Message {
    /// ID, opcode and flags.
    pub header: Header,
    /// RCODE with its extension from the OPT record.
    pub rcode: OptRcode,
    /// The question, if there is exactly one.
    pub question: Option<Question>,
    /// Answer section, in the order of first appearance.
    pub answer: Vec<RRset>,
    /// Authority section.
    pub authority: Vec<RRset>,
    /// Additional section without OPT.
    pub additional: Vec<RRset>,
    /// The OPT record, if there is one.
    pub edns: Option<Edns>,
    /// Octets on the wire.
    pub octets: usize,
}

/// Why octets are no DNS message that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than a header.
    Short,
    /// A name, record or count runs over the end or breaks the rules of RFC 1035 section 4.
    Structure,
    /// Not exactly one question.
    Questions,
    /// More than one OPT record, a torn one, or too many options.
    Edns,
    /// More than [`MAX_RECORDS_PER_RRSET`] records of one name and type.
    TooManyRecords,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Malformed::Short => "shorter than a header",
            Malformed::Structure => "broken structure",
            Malformed::Questions => "not exactly one question",
            Malformed::Edns => "broken EDNS",
            Malformed::TooManyRecords => "too many records in one RRset",
        })
    }
}

impl Message {
    /// Takes a message apart.
    ///
    /// Records of another class than IN and records whose RDATA breaks their type's format are
    /// left out; the rest stands.
    ///
    /// # Errors
    /// The octets break the structure of a message or one of its bounds.
    pub fn parse(octets: &Bytes) -> Result<Self, Malformed> {
        let wire = Wire::from_octets(octets.clone()).map_err(|_| Malformed::Short)?;
        let mut questions = wire.question();
        let question = match (questions.next(), wire.header_counts().qdcount()) {
            (Some(Ok(question)), 1) => Some(Question {
                name: question.qname().to_name(),
                rtype: question.qtype(),
                class: question.qclass(),
            }),
            (None, 0) => None,
            _ => return Err(Malformed::Questions),
        };
        let raw = question.as_ref().is_some_and(|question| question.rtype == Rtype::RRSIG);
        let mut edns = None;
        let mut section = questions.answer().map_err(|_| Malformed::Structure)?;
        let answer = read_section(&mut section, &mut edns, raw)?;
        let mut section = next(section)?;
        let authority = read_section(&mut section, &mut edns, raw)?;
        let mut section = next(section)?;
        let additional = read_section(&mut section, &mut edns, raw)?;
        let header = wire.header();
        let (edns, extended) = edns.unzip();
        let rcode = OptRcode::from_parts(header.rcode(), extended.unwrap_or(0));
        let octets = octets.len();
        Ok(Message { header, rcode, question, answer, authority, additional, edns, octets })
    }

    /// The ID of the message in `octets`, if they hold one.
    #[must_use]
    pub fn id_of(octets: &[u8]) -> Option<u16> {
        octets.first_chunk::<2>().map(|id| u16::from_be_bytes(*id))
    }
}

fn next(section: RecordSection<'_, Bytes>) -> Result<RecordSection<'_, Bytes>, Malformed> {
    section.next_section().ok().flatten().ok_or(Malformed::Structure)
}

/// The upper bits of the RCODE, which an OPT record has (RFC 6891 section 6.1.3).
type ExtendedRcode = u8;

/// One RRset in the making.
struct Group {
    owner: Name,
    rtype: Rtype,
    covered: Rtype,
    ttl: u32,
    records: Vec<Vec<u8>>,
}

fn read_section(
    section: &mut RecordSection<'_, Bytes>,
    edns: &mut Option<(Edns, ExtendedRcode)>,
    raw: bool,
) -> Result<Vec<RRset>, Malformed> {
    let mut groups = Groups::default();
    for record in section {
        let record = record.map_err(|_| Malformed::Structure)?;
        if record.rtype() == Rtype::OPT {
            read_opt(&record, edns)?;
            continue;
        }
        let Some(rdata) = uncompressed(&record) else { continue };
        // RRSIGs form a set for each type that they cover (RFC 4034 section 3.1.1).
        let covered = match (record.rtype(), rdata.first_chunk::<2>()) {
            (Rtype::RRSIG, Some(covered)) => Rtype::from_int(u16::from_be_bytes(*covered)),
            _ => record.rtype(),
        };
        let ttl = effective_ttl(record.ttl().as_secs());
        let group = groups.of(record.owner(), record.rtype(), covered, ttl);
        group.ttl = group.ttl.min(ttl);
        // A set has no duplicates (RFC 2181 section 5).
        if !group.records.contains(&rdata) {
            group.records.push(rdata);
        }
        if group.records.len() > MAX_RECORDS_PER_RRSET {
            return Err(Malformed::TooManyRecords);
        }
    }
    Ok(join_signatures(groups.list, raw))
}

/// The RRsets of a section in the making.
#[derive(Default)]
struct Groups {
    list: Vec<Group>,
    /// Where each is, once they are many.
    index: HashMap<(Question, Rtype), usize>,
}

/// So many are looked through one by one; most sections have fewer.
const FEW: usize = 8;

impl Groups {
    /// The set of this owner and type, a new one if it is the first that is seen of it.
    fn of(
        &mut self,
        owner: ParsedName<&Bytes>,
        rtype: Rtype,
        covered: Rtype,
        ttl: u32,
    ) -> &mut Group {
        let same = |group: &Group| {
            group.rtype == rtype && group.covered == covered && owner.name_eq(&group.owner)
        };
        let found = if self.index.is_empty() {
            self.list.iter().rposition(same)
        } else {
            let key = (Question::new(owner.to_name(), rtype), covered);
            self.index.get(&key).copied()
        };
        let at = found.unwrap_or_else(|| {
            let owner = owner.to_name();
            self.list.push(Group { owner, rtype, covered, ttl, records: Vec::new() });
            self.remember();
            self.list.len() - 1
        });
        &mut self.list[at]
    }

    /// Puts those into the index that are not there yet, if there are more than a few.
    fn remember(&mut self) {
        if self.list.len() > FEW {
            for (at, group) in self.list.iter().enumerate().skip(self.index.len()) {
                let question = Question::new(group.owner.clone(), group.rtype);
                self.index.insert((question, group.covered), at);
            }
        }
    }
}

/// A TTL with the top bit set counts as zero (RFC 2181 section 8).
fn effective_ttl(ttl: u32) -> u32 {
    if ttl > i32::MAX as u32 { 0 } else { ttl }
}

/// Hangs each RRSIG set on the RRset that it covers. Signatures whose RRset is absent stand alone,
/// as all do when they themselves were asked for (`raw`).
fn join_signatures(groups: Vec<Group>, raw: bool) -> Vec<RRset> {
    let (mut sets, mut signatures) = (Vec::new(), Vec::new());
    for group in groups {
        let records = Records::from_iter(&group.records);
        let set = RRset::new(group.owner, group.rtype, group.ttl, records);
        if group.rtype == Rtype::RRSIG && !raw {
            signatures.push((group.covered, set));
        } else {
            sets.push(set);
        }
    }
    if signatures.is_empty() {
        return sets;
    }
    let of = |set: &RRset, rtype| Question::new(set.owner.clone(), rtype);
    let at: HashMap<Question, usize> =
        sets.iter().enumerate().map(|(at, set)| (of(set, set.rtype), at)).collect();
    for (covered, signature) in signatures {
        let covers = at.get(&of(&signature, covered)).and_then(|at| sets.get_mut(*at));
        match covers {
            Some(set) => set.signatures = signature.records,
            None => sets.push(signature),
        }
    }
    sets
}

/// The RDATA with its names written out, or `None` if it breaks its type's format.
fn uncompressed(record: &ParsedRecord<'_, Bytes>) -> Option<Vec<u8>> {
    if record.class() != Class::IN {
        return None;
    }
    let record = record.to_any_record::<AllRecordData<Bytes, ParsedName<Bytes>>>().ok()?;
    let mut rdata = Vec::new();
    record.data().compose_rdata(&mut rdata).ok()?;
    Some(rdata)
}

fn read_opt(
    record: &ParsedRecord<'_, Bytes>,
    edns: &mut Option<(Edns, ExtendedRcode)>,
) -> Result<(), Malformed> {
    let ttl = record.ttl().as_secs();
    let mut read = Edns {
        udp_payload_size: record.class().to_int(),
        version: (ttl >> 16) as u8,
        dnssec_ok: ttl & 0x8000 != 0,
        ..Edns::default()
    };
    let Ok(Some(options)) = record.to_record::<Opt<Bytes>>() else {
        return Err(Malformed::Edns);
    };
    let mut rdata = Vec::new();
    options.data().compose_rdata(&mut rdata).map_err(|_| Malformed::Edns)?;
    read.read_options(&rdata).ok_or(Malformed::Edns)?;
    match edns.replace((read, (ttl >> 24) as u8)) {
        None => Ok(()),
        Some(_) => Err(Malformed::Edns),
    }
}

#[cfg(test)]
mod tests;
