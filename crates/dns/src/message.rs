//! Messages taken apart into RRsets.

mod groups;

use std::collections::HashSet;
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

use crate::edns::{COMPACT_OK, DNSSEC_OK, Edns};
use crate::question::Question;
use crate::rrset::RRset;
use groups::Groups;

/// RRsets that a message may have, those of signatures included; one with more is refused whole. An
/// RRset may have as many records as fit into a message.
pub const MAX_RRSETS: usize = 1024;
/// Owner names that the RRsets of a message may have; one with more is refused whole.
pub const MAX_OWNERS: usize = 512;

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
    /// A record in the answer or authority section that is of another class than the question, or whose
    /// RDATA breaks its type's format.
    Rdata,
    /// TC in a reply over a stream, where everything has room.
    Truncated,
    /// More than [`MAX_RRSETS`] RRsets, or more than [`MAX_OWNERS`] owner names.
    TooManyRRsets,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Malformed::Short => "shorter than a header",
            Malformed::Structure => "broken structure",
            Malformed::Questions => "not exactly one question",
            Malformed::Edns => "broken EDNS",
            Malformed::Rdata => "a broken record",
            Malformed::Truncated => "truncated over TCP",
            Malformed::TooManyRRsets => "too many RRsets or owner names",
        })
    }
}

impl Message {
    /// Takes a message apart.
    ///
    /// Records of another class than the question's, and those whose RDATA breaks their type's format, are left out
    /// of the additional section. In the other sections they spoil the message: what is left would look
    /// like the denial of what it was meant to say.
    ///
    /// # Errors
    /// The octets break the structure of a message, a record's format or one of the bounds.
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
        let class = question.as_ref().map_or(Class::IN, |question| question.class);
        let raw = question.as_ref().is_some_and(|question| question.rtype == Rtype::RRSIG);
        let mut edns = None;
        let mut section = questions.answer().map_err(|_| Malformed::Structure)?;
        let answer = read_section(&mut section, &mut edns, (class, raw), Broken::Spoils)?;
        let mut section = next(section)?;
        let authority = read_section(&mut section, &mut edns, (class, false), Broken::Spoils)?;
        let mut section = next(section)?;
        let additional = read_section(&mut section, &mut edns, (class, false), Broken::LeftOut)?;
        check_bounds(&[&answer, &authority, &additional])?;
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

/// The treatment of a record with broken RDATA.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Broken {
    Spoils,
    LeftOut,
}

/// Records must be of the question's `class`. `raw`: RRSIG records stand alone, since they were asked
/// for.
fn read_section(
    section: &mut RecordSection<'_, Bytes>,
    edns: &mut Option<(Edns, ExtendedRcode)>,
    (class, raw): (Class, bool),
    broken: Broken,
) -> Result<Vec<RRset>, Malformed> {
    let mut groups = Groups::default();
    for record in section {
        let record = record.map_err(|_| Malformed::Structure)?;
        if record.rtype() == Rtype::OPT {
            read_opt(&record, edns)?;
            continue;
        }
        let in_class = record.class() == class;
        let rdata = match uncompressed(&record).filter(|_| in_class) {
            Some(rdata) => rdata,
            None if broken == Broken::LeftOut => continue,
            None => return Err(Malformed::Rdata),
        };
        // RRSIGs form a set for each type that they cover (RFC 4034 section 3.1.1).
        let covered = match (record.rtype(), rdata.first_chunk::<2>()) {
            (Rtype::RRSIG, Some(covered)) => Rtype::from_int(u16::from_be_bytes(*covered)),
            _ => record.rtype(),
        };
        groups.add(record.owner(), record.rtype(), covered, record.ttl().as_secs(), rdata);
    }
    Ok(groups.into_rrsets(raw))
}

/// Whether the sections have no more RRsets and owner names than a message may have.
fn check_bounds(sections: &[&[RRset]]) -> Result<(), Malformed> {
    let sets = || sections.iter().copied().flatten();
    let rrsets = sets().map(|set| 1 + usize::from(!set.signatures.is_empty())).sum::<usize>();
    // Fewer RRsets than that have no more owner names either.
    let many = rrsets > MAX_OWNERS
        && sets().map(|set| &set.owner).collect::<HashSet<_>>().len() > MAX_OWNERS;
    if rrsets > MAX_RRSETS || many { Err(Malformed::TooManyRRsets) } else { Ok(()) }
}

/// The RDATA with its names written out, or `None` if it breaks its type's format.
fn uncompressed(record: &ParsedRecord<'_, Bytes>) -> Option<Vec<u8>> {
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
        dnssec_ok: ttl & u32::from(DNSSEC_OK) != 0,
        compact_ok: ttl & u32::from(COMPACT_OK) != 0,
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
