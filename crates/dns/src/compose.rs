//! Responses on the wire, composed of RRsets.

use domain::base::iana::{Class, Opcode, OptRcode, Rtype};
use domain::base::message_builder::{HashCompressor, StaticCompressor};
use domain::base::wire::Composer;

use crate::edns::ResponseOpt;
use crate::name::{Name, NameSlice};
use crate::question::Question;
use crate::rrset::RRset;

/// The flags that depend on the content of a response. Flags that mirror the query are set when the
/// response is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseFlags {
    /// AA: the data is local.
    pub aa: bool,
    /// TC: records did not fit.
    pub tc: bool,
    /// RD, copied from the query.
    pub rd: bool,
    /// RA: recursion is available.
    pub ra: bool,
    /// AD: every record is secure.
    pub ad: bool,
    /// CD, copied from the query.
    pub cd: bool,
}

/// The content of a response, before a client's ID is written.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// The question.
    pub question: &'a Question,
    /// The RCODE with its extension.
    pub rcode: OptRcode,
    /// The flags.
    pub flags: ResponseFlags,
    /// Answer section.
    pub answer: &'a [RRset],
    /// Authority section.
    pub authority: &'a [RRset],
    /// Additional section, without OPT.
    pub additional: &'a [RRset],
    /// Whether RRSIG records and proofs of the authority section are written.
    pub signatures: bool,
}

impl<'a> Response<'a> {
    /// The response NOERROR with an answer section alone, signatures included, and without flags.
    #[must_use]
    pub fn plain(question: &'a Question, answer: &'a [RRset]) -> Self {
        Response {
            question,
            rcode: OptRcode::NOERROR,
            flags: ResponseFlags::default(),
            answer,
            authority: &[],
            additional: &[],
            signatures: true,
        }
    }
}

/// Composes a message with ID 0 and without OPT.
///
/// Names are compressed. Most answers have addresses of QNAME alone, and take no search for names. In a response with many
/// names, repeated names are found by hash, so that compression takes linear time (CVE-2024-8508). Records that do not
/// fit into 64 KiB are omitted, and TC is set.
#[must_use]
pub fn compose(reply: &Response<'_>) -> Vec<u8> {
    compose_within(reply, usize::from(u16::MAX))
}

/// Composes a message of at most `max_octets` octets. A response truncated for a UDP client need
/// not be written in full.
#[must_use]
pub fn compose_within(reply: &Response<'_>, max_octets: usize) -> Vec<u8> {
    let target = Vec::with_capacity(512);
    let qname = &reply.question.name;
    let sets = || reply.answer.iter().chain(authority(reply)).chain(reply.additional);
    if sets().all(|set| belongs_to(set, qname) && compressible(set.rtype).is_none()) {
        write(reply, target, max_octets)
    } else if sets().map(RRset::octets).sum::<usize>() <= LINEAR_SEARCH_OCTETS {
        write(reply, StaticCompressor::new(target), max_octets).map(StaticCompressor::into_target)
    } else {
        write(reply, HashCompressor::new(target), max_octets).map(HashCompressor::into_target)
    }
    .unwrap_or_default()
}

/// The pointer to QNAME, which is behind the header.
const QNAME_POINTER: u16 = 0xC00C;

/// Up to this many octets of RRsets, the few names are searched one by one for compression.
const LINEAR_SEARCH_OCTETS: usize = 256;

/// `None` if the target is full, which cannot happen to a vector.
fn write<T: Composer>(reply: &Response<'_>, target: T, max_octets: usize) -> Option<T> {
    let mut message = Writer { target, max_octets, qname: &reply.question.name };
    message.put(&[0; 12])?;
    message.target.append_compressed_name(&reply.question.name).ok()?;
    let (rtype, class) = (reply.question.rtype.to_int(), reply.question.class.to_int());
    message.put(&rtype.to_be_bytes())?;
    message.put(&class.to_be_bytes())?;
    let (mut answers, mut authorities, mut additional) = (0, 0, 0);
    let signatures = reply.signatures;
    let fits = message.put_all(reply.answer.iter(), signatures, &mut answers)?
        && message.put_all(authority(reply), signatures, &mut authorities)?;
    // Additional records are omitted without TC.
    if fits {
        message.put_all(reply.additional.iter(), signatures, &mut additional)?;
    }
    let flags = reply.flags;
    let head = [
        0x80 | Opcode::QUERY.to_int() << 3
            | u8::from(flags.aa) << 2
            | u8::from(flags.tc || !fits) << 1
            | u8::from(flags.rd),
        u8::from(flags.ra) << 7
            | u8::from(flags.ad) << 5
            | u8::from(flags.cd) << 4
            | reply.rcode.rcode().to_int(),
    ];
    let counts = [1, answers, authorities, additional].map(u16::to_be_bytes);
    let header = message.target.as_mut().get_mut(2..12)?;
    header[..2].copy_from_slice(&head);
    header[2..].copy_from_slice(counts.as_flattened());
    Some(message.target)
}

/// A message that grows to at most `max_octets` octets.
struct Writer<'a, T> {
    target: T,
    max_octets: usize,
    qname: &'a Name,
}

impl<T: Composer> Writer<'_, T> {
    /// Writes and counts the records of RRsets while room is left. Returns whether all records
    /// fitted.
    fn put_all<'a>(
        &mut self,
        sets: impl Iterator<Item = &'a RRset>,
        signatures: bool,
        count: &mut u16,
    ) -> Option<bool> {
        for set in sets {
            let mut owner = self.written_owner(set);
            let of_type = [(set.rtype, &set.records), (Rtype::RRSIG, &set.signatures)];
            for (rtype, records) in of_type.into_iter().take(1 + usize::from(signatures)) {
                for rdata in records.slices() {
                    let start = self.target.as_ref().len();
                    self.put_record(set, &mut owner, rtype, rdata)?;
                    if self.target.as_ref().len() > self.max_octets {
                        self.target.truncate(start);
                        return Some(false);
                    }
                    *count += 1;
                }
            }
        }
        Some(true)
    }

    fn put_record(
        &mut self,
        set: &RRset,
        owner: &mut OwnerPosition,
        rtype: Rtype,
        rdata: &[u8],
    ) -> Option<()> {
        self.put_owner(set, owner)?;
        self.put(&rtype.to_int().to_be_bytes())?;
        self.put(&Class::IN.to_int().to_be_bytes())?;
        self.put(&set.ttl.to_be_bytes())?;
        let start = self.target.as_ref().len();
        self.put(&[0; 2])?;
        self.put_rdata(rtype, rdata)?;
        let length = (self.target.as_ref().len() - start - 2) as u16;
        self.target.as_mut().get_mut(start..start + 2)?.copy_from_slice(&length.to_be_bytes());
        Some(())
    }

    /// Where the owner of the records of an RRset was written before.
    fn written_owner(&self, set: &RRset) -> OwnerPosition {
        match belongs_to(set, self.qname) {
            true => OwnerPosition::At(QNAME_POINTER),
            false => OwnerPosition::Unwritten,
        }
    }

    /// Writes the owner of a record. The owner of the first record is compressed; each further
    /// record of the RRset repeats that pointer, or points to the first owner.
    fn put_owner(&mut self, set: &RRset, owner: &mut OwnerPosition) -> Option<()> {
        if let OwnerPosition::At(pointer) = owner {
            return self.put(&pointer.to_be_bytes());
        }
        let start = self.target.as_ref().len();
        self.target.append_compressed_name(&set.owner).ok()?;
        let written = self.target.as_ref().get(start..)?;
        *owner = match *written {
            [high @ 0xC0..=0xFF, low] => OwnerPosition::At(u16::from_be_bytes([high, low])),
            // The owner is longer than a pointer, and starts within reach of a pointer (RFC 1035
            // section 4.1.4).
            [_, _, _, ..] if start < 0x4000 => OwnerPosition::At(0xC000 | start as u16),
            _ => OwnerPosition::Unwritten,
        };
        Some(())
    }

    /// Writes RDATA, in which names are compressed.
    fn put_rdata(&mut self, rtype: Rtype, rdata: &[u8]) -> Option<()> {
        let Some((before, names)) = compressible(rtype) else { return self.put(rdata) };
        let (before, mut rest) = rdata.split_at_checked(before).unwrap_or((rdata, &[]));
        self.put(before)?;
        for _ in 0..names {
            let Some((name, after)) = split_name(rest) else { break };
            self.target.append_compressed_name(name).ok()?;
            rest = after;
        }
        self.put(rest)
    }

    fn put(&mut self, octets: &[u8]) -> Option<()> {
        self.target.append_slice(octets).ok()
    }
}

/// Where the owner of the records of an RRset was written.
enum OwnerPosition {
    /// Not yet, or beyond the reach of a pointer.
    Unwritten,
    /// At the target of this pointer.
    At(u16),
}

/// Whether the records of an RRset belong to QNAME, in its spelling. The root is as short as can be, and no pointer leads
/// there.
fn belongs_to(set: &RRset, qname: &Name) -> bool {
    set.owner.as_slice() == qname.as_slice() && !qname.is_root()
}

/// The octets of RDATA before its names, and the number of names, in the types that allow compression (RFC 3597 section
/// 4).
fn compressible(rtype: Rtype) -> Option<(usize, usize)> {
    match rtype {
        Rtype::NS | Rtype::CNAME | Rtype::PTR => Some((0, 1)),
        Rtype::MX => Some((2, 1)),
        Rtype::SOA | Rtype::MINFO => Some((0, 2)),
        Rtype::MB | Rtype::MD | Rtype::MF | Rtype::MG | Rtype::MR => Some((0, 1)),
        _ => None,
    }
}

/// Splits octets after the uncompressed name at the beginning.
fn split_name(octets: &[u8]) -> Option<(&NameSlice, &[u8])> {
    let mut end = 0;
    while let length @ 1..=63 = *octets.get(end)? {
        end += 1 + usize::from(length);
    }
    let (name, rest) = octets.split_at_checked(end + 1)?;
    Some((NameSlice::from_slice(name).ok()?, rest))
}

/// The authority section, without proofs if the client did not set DO (RFC 4035 section 3.2.1).
fn authority<'a>(reply: &Response<'a>) -> impl Iterator<Item = &'a RRset> + use<'a> {
    let proof = |rtype| matches!(rtype, Rtype::NSEC | Rtype::NSEC3 | Rtype::DS | Rtype::RRSIG);
    let signatures = reply.signatures;
    reply.authority.iter().filter(move |set| signatures || !proof(set.rtype))
}

/// Appends an OPT record to a message without one.
pub fn add_opt(message: &mut Vec<u8>, opt: &ResponseOpt<'_>) {
    opt.append_to(message);
    if let Some(count) = message.get_mut(10..12).and_then(|c| c.first_chunk_mut::<2>()) {
        *count = u16::from_be_bytes(*count).saturating_add(1).to_be_bytes();
    }
}

#[cfg(test)]
mod tests;
