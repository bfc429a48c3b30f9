//! A record in the octets of a message, and its RDATA with uncompressed names.

use domain::base::iana::{Class, Rtype};
use domain::base::name::ParsedName;
use domain::base::rdata::ParseAnyRecordData;
use domain::dep::octseq::Parser;
use domain::rdata::AllRecordData;

use super::names::{FlatName, NameReader};
use crate::message::MessageError;
use crate::packet::skip_name;
use crate::rrset::is_sound;

/// Octets of the shortest record: root name, type, class, TTL, RDLENGTH (RFC 1035 section 4.1.3).
pub(super) const MIN_RECORD_OCTETS: usize = 11;

/// A record of which only the fields of fixed length are read.
#[derive(Clone, Copy)]
pub(super) struct RawRecord<'a> {
    /// The offset of the owner name.
    pub(super) owner: usize,
    pub(super) rtype: Rtype,
    pub(super) class: Class,
    pub(super) ttl: u32,
    pub(super) rdata: &'a [u8],
    /// The offset of the next record.
    pub(super) end: usize,
}

impl<'a> RawRecord<'a> {
    /// Reads the record at an offset of a message.
    pub(super) fn read(octets: &'a [u8], owner: usize) -> Result<Self, MessageError> {
        Self::try_read(octets, owner).ok_or(MessageError::Structure)
    }

    fn try_read(octets: &'a [u8], owner: usize) -> Option<Self> {
        let fields = skip_name(octets, owner)?;
        let fixed = octets.get(fields..)?.first_chunk::<10>()?;
        let [t0, t1, c0, c1, ttl @ .., l0, l1] = *fixed;
        let start = fields + fixed.len();
        let end = start + usize::from(u16::from_be_bytes([l0, l1]));
        Some(RawRecord {
            owner,
            rtype: Rtype::from_int(u16::from_be_bytes([t0, t1])),
            class: Class::from_int(u16::from_be_bytes([c0, c1])),
            ttl: u32::from_be_bytes(ttl),
            rdata: octets.get(start..end)?,
            end,
        })
    }

    /// The type of the RRset. RRSIG records form one RRset for each covered type (RFC 4034 section
    /// 3.1.1).
    pub(super) fn covered(&self) -> Rtype {
        match (self.rtype, self.rdata.first_chunk::<2>()) {
            (Rtype::RRSIG, Some(covered)) => Rtype::from_int(u16::from_be_bytes(*covered)),
            (rtype, _) => rtype,
        }
    }

    /// Appends the RDATA to `out`, with names uncompressed.
    ///
    /// # Errors
    /// The RDATA is malformed ([`MessageError::Rdata`]), or its names cost too much.
    pub(super) fn write_rdata(
        &self,
        names: &mut NameReader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), MessageError> {
        let (rtype, rdata) = (self.rtype, self.rdata);
        let Some((before, count, rest)) = layout(rtype, rdata) else {
            let fits = match rtype {
                Rtype::A => rdata.len() == 4,
                Rtype::AAAA => rdata.len() == 16,
                // Names in these types must not be compressed, but the parser of `domain` would
                // accept pointers.
                Rtype::IPSECKEY | Rtype::TSIG => is_sound(rtype, &rdata.to_vec().into()),
                _ => has_format(rtype, rdata),
            };
            out.extend_from_slice(rdata);
            return if fits { Ok(()) } else { Err(MessageError::Rdata) };
        };
        let (start, first, mut flat) = (out.len(), self.end - rdata.len(), FlatName::EMPTY);
        out.extend_from_slice(rdata.get(..before).ok_or(MessageError::Rdata)?);
        let mut at = first + before;
        for _ in 0..count {
            at = match names.read(at, &mut flat) {
                Err(MessageError::Structure) => return Err(MessageError::Rdata),
                end => end?,
            };
            out.extend_from_slice(flat.as_slice());
        }
        let after = rdata.get(at - first..).ok_or(MessageError::Rdata)?;
        out.extend_from_slice(after);
        let fits = match rest {
            AfterNames::Octets(octets) => after.len() == octets,
            AfterNames::Any => true,
            AfterNames::Format => has_format(rtype, &out[start..]),
        };
        if fits { Ok(()) } else { Err(MessageError::Rdata) }
    }
}

/// What follows after the names in RDATA.
enum AfterNames {
    /// A fixed number of octets.
    Octets(usize),
    /// Any octets.
    Any,
    /// Fields in the format of the type.
    Format,
}

/// The names in the RDATA of a type: octets before the first name, number of names, and what
/// follows. `None` if the type has no names.
fn layout(rtype: Rtype, rdata: &[u8]) -> Option<(usize, usize, AfterNames)> {
    Some(match rtype {
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::DNAME => (0, 1, AfterNames::Octets(0)),
        Rtype::MB | Rtype::MD | Rtype::MF | Rtype::MG | Rtype::MR => (0, 1, AfterNames::Octets(0)),
        Rtype::MINFO | Rtype::RP => (0, 2, AfterNames::Octets(0)),
        Rtype::MX => (2, 1, AfterNames::Octets(0)),
        Rtype::SRV => (6, 1, AfterNames::Octets(0)),
        Rtype::SOA => (0, 2, AfterNames::Octets(20)),
        Rtype::RRSIG => (18, 1, AfterNames::Any),
        Rtype::NSEC => (0, 1, AfterNames::Format),
        Rtype::SVCB | Rtype::HTTPS => (2, 1, AfterNames::Format),
        Rtype::NAPTR => (before_replacement(rdata), 1, AfterNames::Octets(0)),
        _ => return None,
    })
}

/// Octets of a NAPTR record before the replacement name: order, preference and three strings (RFC
/// 3403 section 4.1).
fn before_replacement(rdata: &[u8]) -> usize {
    let string = |at: usize| at + 1 + rdata.get(at).map_or(0, |length| usize::from(*length));
    string(string(string(4)))
}

/// Whether RDATA without compressed names is well-formed for its type.
fn has_format(rtype: Rtype, rdata: &[u8]) -> bool {
    type Parsed<'a> = AllRecordData<&'a [u8], ParsedName<&'a [u8]>>;
    let mut parser = Parser::from_ref(rdata);
    Parsed::parse_any_rdata(rtype, &mut parser).is_ok() && parser.remaining() == 0
}

#[cfg(test)]
mod tests;
