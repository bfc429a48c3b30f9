//! Messages, parsed into RRsets.
//!
//! Parsing costs a constant per octet of the message. Counts that cannot fit into the message are
//! rejected before any record is read, each name is walked once, and the limits on RRsets, owner
//! names and compression stop the parser at the first excess.

mod additional;
mod groups;
mod names;
mod owners;
mod record;
mod transfer;

use std::fmt;

use bytes::Bytes;
use domain::base::header::Header;
use domain::base::iana::{Class, OptRcode, Rtype};

use crate::edns::{COMPACT_OK, DNSSEC_OK, Edns};
use crate::question::Question;
use crate::rrset::RRset;
use groups::RRsetBuilder;
use names::{FlatName, NameReader};
use owners::OwnerTable;
use record::{MIN_RECORD_OCTETS, RawRecord};

pub use additional::{AdditionalSection, MAX_GLUE};
pub use groups::{MAX_RRSETS, MAX_SIGNATURES};
pub use names::MAX_POINTERS;
pub use owners::MAX_OWNERS;
pub use transfer::{TransferMessage, TsigRecord};

/// Octets of a header.
const HEADER_OCTETS: usize = 12;

/// A message whose records are grouped into RRsets with their signatures.
#[derive(Clone, Debug)]
pub struct Message {
    /// ID, opcode and flags.
    pub header: Header,
    /// RCODE with its extension from the OPT record.
    pub rcode: OptRcode,
    /// The question, if there is exactly one.
    pub question: Option<Question>,
    /// Answer section; RRsets in the order of first appearance.
    pub answer: Vec<RRset>,
    /// Authority section.
    pub authority: Vec<RRset>,
    /// Additional section, not parsed yet.
    pub additional: AdditionalSection,
    /// The OPT record, if there is one.
    pub edns: Option<Edns>,
    /// Octets on the wire.
    pub octets: usize,
    /// RRSIG records beyond [`MAX_SIGNATURES`] of an RRset, which were discarded.
    pub dropped_signatures: usize,
}

/// Why a message is unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// The message is shorter than a header.
    Short,
    /// A name, record or count exceeds the message, or breaks RFC 1035 section 4.
    Structure,
    /// The number of questions is neither 0 nor 1, or the question is malformed.
    Questions,
    /// Two OPT records, a truncated option, or too many options.
    Edns,
    /// A record of the answer or authority section has another class than the question, or
    /// malformed RDATA.
    Rdata,
    /// TC in a reply over a stream, which has room for every message.
    Truncated,
    /// More than [`MAX_RRSETS`] RRsets, or more than [`MAX_OWNERS`] owner names.
    TooManyRRsets,
    /// A name with more than [`MAX_POINTERS`] pointers, or names so compressed that reading all
    /// costs too much for the size of the message.
    Compression,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MessageError::Short => "shorter than a header",
            MessageError::Structure => "broken structure",
            MessageError::Questions => "not exactly one question",
            MessageError::Edns => "broken EDNS",
            MessageError::Rdata => "a broken record",
            MessageError::Truncated => "truncated over TCP",
            MessageError::TooManyRRsets => "too many RRsets or owner names",
            MessageError::Compression => "names that are compressed too much",
        })
    }
}

impl MessageError {
    /// Whether the message exceeds a limit, and is well-formed otherwise.
    #[must_use]
    pub fn is_limit(self) -> bool {
        matches!(self, MessageError::TooManyRRsets | MessageError::Compression)
    }
}

impl Message {
    /// Parses a message.
    ///
    /// A record of the wrong class or with malformed RDATA makes the whole message unusable:
    /// without the record, the message could look like a denial.
    ///
    /// # Errors
    /// The message is malformed, or exceeds a limit.
    pub fn parse(octets: &Bytes) -> Result<Self, MessageError> {
        let head = octets.first_chunk::<HEADER_OCTETS>().ok_or(MessageError::Short)?;
        let [_, _, _, _, q0, q1, a0, a1, n0, n1, r0, r1] = *head;
        let count = |high, low| u16::from_be_bytes([high, low]);
        let counts = [count(a0, a1), count(n0, n1), count(r0, r1)];
        if counts.map(usize::from).iter().sum::<usize>() * MIN_RECORD_OCTETS
            > octets.len() - HEADER_OCTETS
        {
            return Err(MessageError::Structure);
        }
        let mut names = NameReader::new(octets);
        let (question, at) = read_question(&mut names, count(q0, q1))?;
        let mut reader = MessageReader {
            class: question.as_ref().map_or(Class::IN, |question| question.class),
            owners: OwnerTable::new(question.as_ref().map(|question| &question.name)),
            names,
            at,
            edns: None,
            rrsets: 0,
            dropped_signatures: 0,
        };
        let raw = question.as_ref().is_some_and(|question| question.rtype == Rtype::RRSIG);
        let answer = reader.section(counts[0], raw)?;
        let authority = reader.section(counts[1], false)?;
        let additional = AdditionalSection::new(octets.clone(), reader.at, counts[2], reader.class);
        reader.skip(counts[2])?;
        let header = *Header::for_message_slice(octets);
        let (edns, extended) = reader.edns.unzip();
        let rcode = OptRcode::from_parts(header.rcode(), extended.unwrap_or(0));
        let (octets, dropped_signatures) = (octets.len(), reader.dropped_signatures);
        Ok(Message {
            header,
            rcode,
            question,
            answer,
            authority,
            additional,
            edns,
            octets,
            dropped_signatures,
        })
    }

    /// The ID of a message, if `octets` are long enough.
    #[must_use]
    pub fn id_of(octets: &[u8]) -> Option<u16> {
        octets.first_chunk::<2>().map(|id| u16::from_be_bytes(*id))
    }
}

/// The question, if the message has one, and the offset of the answer section.
fn read_question(
    names: &mut NameReader<'_>,
    count: u16,
) -> Result<(Option<Question>, usize), MessageError> {
    if count != 1 {
        let none = (None, HEADER_OCTETS);
        return if count == 0 { Ok(none) } else { Err(MessageError::Questions) };
    }
    let mut name = FlatName::EMPTY;
    let end = names.read(HEADER_OCTETS, &mut name).map_err(|_| MessageError::Questions)?;
    let fields = names.octets.get(end..).and_then(|rest| rest.first_chunk::<4>());
    let [t0, t1, c0, c1] = *fields.ok_or(MessageError::Questions)?;
    let (rtype, class) = (u16::from_be_bytes([t0, t1]), u16::from_be_bytes([c0, c1]));
    let (rtype, class) = (Rtype::from_int(rtype), Class::from_int(class));
    Ok((Some(Question { name: name.to_name(), rtype, class }), end + 4))
}

/// The upper bits of the RCODE, from the OPT record (RFC 6891 section 6.1.3).
type ExtendedRcode = u8;

/// A message, parsed up to offset `at`.
struct MessageReader<'a> {
    names: NameReader<'a>,
    at: usize,
    /// The class that records must have.
    class: Class,
    owners: OwnerTable,
    edns: Option<(Edns, ExtendedRcode)>,
    /// RRsets so far.
    rrsets: usize,
    dropped_signatures: usize,
}

impl<'a> MessageReader<'a> {
    /// The RRsets of a section of `records` records. With `raw`, RRSIG records also form RRsets of
    /// their own, because the question asks for RRSIG.
    fn section(&mut self, records: u16, raw: bool) -> Result<Vec<RRset>, MessageError> {
        let mut groups = RRsetBuilder::new(MAX_RRSETS - self.rrsets, raw);
        for _ in 0..records {
            let Some(record) = self.record()? else { continue };
            if record.class != self.class {
                return Err(MessageError::Rdata);
            }
            let owner = self.owners.number(&mut self.names, record.owner)?;
            groups.add(owner, &record, &mut self.names)?;
        }
        self.rrsets += groups.len();
        self.dropped_signatures += groups.dropped_signatures();
        Ok(groups.into_rrsets(&self.owners))
    }

    /// Skips `records` records, but reads an OPT record among them.
    fn skip(&mut self, records: u16) -> Result<(), MessageError> {
        for _ in 0..records {
            self.record()?;
        }
        Ok(())
    }

    /// The next record; `None` for an OPT record.
    fn record(&mut self) -> Result<Option<RawRecord<'a>>, MessageError> {
        let record = RawRecord::read(self.names.octets, self.at)?;
        self.at = record.end;
        if record.rtype != Rtype::OPT {
            return Ok(Some(record));
        }
        match self.edns.replace(read_opt(&record)?) {
            None => Ok(None),
            Some(_) => Err(MessageError::Edns),
        }
    }
}

fn read_opt(record: &RawRecord<'_>) -> Result<(Edns, ExtendedRcode), MessageError> {
    let ttl = record.ttl;
    let mut read = Edns {
        udp_payload_size: record.class.to_int(),
        version: (ttl >> 16) as u8,
        dnssec_ok: ttl & u32::from(DNSSEC_OK) != 0,
        compact_ok: ttl & u32::from(COMPACT_OK) != 0,
        ..Edns::default()
    };
    read.read_options(record.rdata).ok_or(MessageError::Edns)?;
    Ok((read, (ttl >> 24) as u8))
}

#[cfg(test)]
mod tests;
