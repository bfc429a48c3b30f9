//! RRsets put together into messages.

use domain::base::iana::{Class, Opcode, OptRcode, Rtype};
use domain::base::message_builder::{HashCompressor, StaticCompressor};
use domain::base::wire::Composer;

use crate::edns::ResponseOpt;
use crate::name::NameSlice;
use crate::question::Question;
use crate::rrset::RRset;

/// The flags of a reply that depend on what it says. Those that mirror the query are set when it
/// is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseFlags {
    /// AA: the data is our own.
    pub aa: bool,
    /// TC: the rest did not fit.
    pub tc: bool,
    /// RD, copied from the query.
    pub rd: bool,
    /// RA: we recurse.
    pub ra: bool,
    /// AD: every record is proven.
    pub ad: bool,
    /// CD, copied from the query.
    pub cd: bool,
}

/// What a reply says, before it has an ID.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// The question.
    pub question: &'a Question,
    /// The RCODE, extended ones included.
    pub rcode: OptRcode,
    /// The flags.
    pub flags: ResponseFlags,
    /// Answer section.
    pub answer: &'a [RRset],
    /// Authority section.
    pub authority: &'a [RRset],
    /// Additional section, OPT not included.
    pub additional: &'a [RRset],
    /// Whether RRSIGs go along, and the proofs of the authority section.
    pub signatures: bool,
}

/// The message on the wire with ID 0 and without OPT.
///
/// Names are compressed; where there are many, through a hash of those written, so that they cost
/// linear time (CVE-2024-8508). Records that no message has room for are left out and TC is set.
#[must_use]
pub fn compose(reply: &Response<'_>) -> Vec<u8> {
    compose_within(reply, usize::from(u16::MAX))
}

/// The same, of so many octets at most: for a client that takes no more there is nothing to gain from
/// writing the rest.
#[must_use]
pub fn compose_within(reply: &Response<'_>, most: usize) -> Vec<u8> {
    let target = Vec::with_capacity(512);
    let sets = reply.answer.iter().chain(authority(reply)).chain(reply.additional);
    if sets.map(RRset::octets).sum::<usize>() <= FEW {
        write(reply, StaticCompressor::new(target), most).map(StaticCompressor::into_target)
    } else {
        write(reply, HashCompressor::new(target), most).map(HashCompressor::into_target)
    }
    .unwrap_or_default()
}

/// In RRsets of so many octets there are few names, and they are looked for one by one.
const FEW: usize = 256;

/// `None` if the target takes no more, which a vector never does.
fn write<T: Composer>(reply: &Response<'_>, target: T, most: usize) -> Option<T> {
    let mut message = Writer { target, most };
    message.put(&[0; 12])?;
    message.target.append_compressed_name(&reply.question.name).ok()?;
    let (rtype, class) = (reply.question.rtype.to_int(), reply.question.class.to_int());
    message.put(&rtype.to_be_bytes())?;
    message.put(&class.to_be_bytes())?;
    let (mut answers, mut authorities, mut additional) = (0, 0, 0);
    let signatures = reply.signatures;
    let fits = message.put_all(reply.answer.iter(), signatures, &mut answers)?
        && message.put_all(authority(reply), signatures, &mut authorities)?;
    // What is additional is left out in silence.
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

/// A message in the making, of at most so many octets.
struct Writer<T> {
    target: T,
    most: usize,
}

impl<T: Composer> Writer<T> {
    /// Writes the records of RRsets as long as there is room, and counts them; whether all had room.
    fn put_all<'a>(
        &mut self,
        sets: impl Iterator<Item = &'a RRset>,
        signatures: bool,
        count: &mut u16,
    ) -> Option<bool> {
        for set in sets {
            let mut owner = OwnerPosition::Unwritten;
            let of_type = [(set.rtype, &set.records), (Rtype::RRSIG, &set.signatures)];
            for (rtype, records) in of_type.into_iter().take(1 + usize::from(signatures)) {
                for rdata in records.slices() {
                    let start = self.target.as_ref().len();
                    self.put_record(set, &mut owner, rtype, rdata)?;
                    if self.target.as_ref().len() > self.most {
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

    /// The owner of the first record is looked for among the names written; the others point where that
    /// one does, or at it.
    fn put_owner(&mut self, set: &RRset, owner: &mut OwnerPosition) -> Option<()> {
        if let OwnerPosition::At(pointer) = owner {
            return self.put(&pointer.to_be_bytes());
        }
        let start = self.target.as_ref().len();
        self.target.append_compressed_name(&set.owner).ok()?;
        let written = self.target.as_ref().get(start..)?;
        *owner = match *written {
            [high @ 0xC0..=0xFF, low] => OwnerPosition::At(u16::from_be_bytes([high, low])),
            // Longer than a pointer, and where a pointer reaches (RFC 1035 section 4.1.4).
            [_, _, _, ..] if start < 0x4000 => OwnerPosition::At(0xC000 | start as u16),
            _ => OwnerPosition::Unwritten,
        };
        Some(())
    }

    /// RDATA with its names compressed, in those types where names may be (RFC 3597 section 4).
    fn put_rdata(&mut self, rtype: Rtype, rdata: &[u8]) -> Option<()> {
        let (before, names) = match rtype {
            Rtype::NS | Rtype::CNAME | Rtype::PTR => (0, 1),
            Rtype::MX => (2, 1),
            Rtype::SOA | Rtype::MINFO => (0, 2),
            Rtype::MB | Rtype::MD | Rtype::MF | Rtype::MG | Rtype::MR => (0, 1),
            _ => return self.put(rdata),
        };
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

/// Where the owner of an RRset's records was written.
enum OwnerPosition {
    /// Nowhere that a pointer reaches, or nowhere yet.
    Unwritten,
    /// There; the pointer itself.
    At(u16),
}

/// The uncompressed name that octets begin with, and what follows it.
fn split_name(octets: &[u8]) -> Option<(&NameSlice, &[u8])> {
    let mut end = 0;
    while let length @ 1..=63 = *octets.get(end)? {
        end += 1 + usize::from(length);
    }
    let (name, rest) = octets.split_at_checked(end + 1)?;
    Some((NameSlice::from_slice(name).ok()?, rest))
}

/// The authority section, without proofs for those who did not ask for them (RFC 4035 section 3.2.1).
fn authority<'a>(reply: &Response<'a>) -> impl Iterator<Item = &'a RRset> + use<'a> {
    let proof = |rtype| matches!(rtype, Rtype::NSEC | Rtype::NSEC3 | Rtype::DS | Rtype::RRSIG);
    let signatures = reply.signatures;
    reply.authority.iter().filter(move |set| signatures || !proof(set.rtype))
}

/// Puts an OPT record at the end of a message that has none.
pub fn add_opt(message: &mut Vec<u8>, opt: &ResponseOpt<'_>) {
    opt.append_to(message);
    if let Some(count) = message.get_mut(10..12).and_then(|c| c.first_chunk_mut::<2>()) {
        *count = u16::from_be_bytes(*count).saturating_add(1).to_be_bytes();
    }
}

#[cfg(test)]
mod tests;
