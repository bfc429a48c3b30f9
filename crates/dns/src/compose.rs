//! RRsets put together into messages.

use domain::base::iana::{Opcode, OptRcode, Rtype};
use domain::base::message_builder::{HashCompressor, MessageBuilder, StaticCompressor};
use domain::base::wire::Composer;

use crate::edns::ReplyOpt;
use crate::question::Question;
use crate::rrset::RRset;

/// The flags of a reply that depend on what it says. Those that mirror the query are set when it
/// is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
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
pub struct Reply<'a> {
    /// The question.
    pub question: &'a Question,
    /// The RCODE, extended ones included.
    pub rcode: OptRcode,
    /// The flags.
    pub flags: Flags,
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
pub fn compose(reply: &Reply<'_>) -> Vec<u8> {
    let target = Vec::with_capacity(512);
    let sets = reply.answer.iter().chain(authority(reply)).chain(reply.additional);
    if sets.map(RRset::octets).sum::<usize>() <= FEW {
        write(reply, StaticCompressor::new(target)).map(StaticCompressor::into_target)
    } else {
        write(reply, HashCompressor::new(target)).map(HashCompressor::into_target)
    }
    .unwrap_or_default()
}

/// In RRsets of so many octets there are few names, and they are looked for one by one.
const FEW: usize = 256;

/// `None` if not even a header fits, which never happens.
fn write<T: Composer>(reply: &Reply<'_>, target: T) -> Option<T> {
    let mut builder = MessageBuilder::from_target(target).ok()?;
    builder.set_push_limit(usize::from(u16::MAX));
    let header = builder.header_mut();
    header.set_qr(true);
    header.set_opcode(Opcode::QUERY);
    header.set_rcode(reply.rcode.rcode());
    header.set_aa(reply.flags.aa);
    header.set_tc(reply.flags.tc);
    header.set_rd(reply.flags.rd);
    header.set_ra(reply.flags.ra);
    header.set_ad(reply.flags.ad);
    header.set_cd(reply.flags.cd);
    let mut builder = builder.question();
    let question = reply.question;
    let mut fits = builder.push((&question.name, question.rtype, question.class)).is_ok();
    let mut builder = builder.answer();
    fits &= push_all(reply.answer.iter(), reply.signatures, |record| builder.push(record).is_ok());
    let mut builder = builder.authority();
    fits &= push_all(authority(reply), reply.signatures, |record| builder.push(record).is_ok());
    let mut builder = builder.additional();
    let _optional =
        push_all(reply.additional.iter(), reply.signatures, |r| builder.push(r).is_ok());
    if !fits {
        builder.header_mut().set_tc(true);
    }
    Some(builder.finish())
}

type Record = domain::base::Record<crate::Name, crate::rrset::RecordData>;

fn push_all<'a>(
    mut sets: impl Iterator<Item = &'a RRset>,
    signatures: bool,
    mut push: impl FnMut(Record) -> bool,
) -> bool {
    sets.all(|set| {
        set.parsed().all(&mut push) && (!signatures || set.parsed_signatures().all(&mut push))
    })
}

/// The authority section, without proofs for those who did not ask for them (RFC 4035 section 3.2.1).
fn authority<'a>(reply: &Reply<'a>) -> impl Iterator<Item = &'a RRset> + use<'a> {
    let proof = |rtype| matches!(rtype, Rtype::NSEC | Rtype::NSEC3 | Rtype::DS | Rtype::RRSIG);
    let signatures = reply.signatures;
    reply.authority.iter().filter(move |set| signatures || !proof(set.rtype))
}

/// Puts an OPT record at the end of a message that has none.
pub fn add_opt(message: &mut Vec<u8>, opt: &ReplyOpt<'_>) {
    opt.append_to(message);
    if let Some(count) = message.get_mut(10..12).and_then(|c| c.first_chunk_mut::<2>()) {
        *count = u16::from_be_bytes(*count).saturating_add(1).to_be_bytes();
    }
}
