//! The reply of a zone to a question.

use zoners_dns::compose::{Response, ResponseFlags, compose};
use zoners_dns::{OptRcode, Question, RRset};

/// The reply of a zone, before encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneReply {
    /// NOERROR, NXDOMAIN or YXDOMAIN.
    pub rcode: OptRcode,
    /// How far the reply goes.
    pub kind: ReplyKind,
    /// Aliases in the order of the chain, then the records of the question.
    pub answer: Vec<RRset>,
    /// The SOA record of a denial, the NS and DS records of a referral, and proofs.
    pub authority: Vec<RRset>,
    /// Addresses of the nameservers of a referral.
    pub additional: Vec<RRset>,
}

/// How far a reply goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// The question is answered, or denied.
    Answer,
    /// The chain of aliases leaves the zone, or goes below a zone cut.
    Alias,
    /// The name lies below a zone cut.
    Referral,
}

impl ZoneReply {
    /// An empty reply.
    pub(crate) fn new() -> Self {
        ZoneReply {
            rcode: OptRcode::NOERROR,
            kind: ReplyKind::Answer,
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
        }
    }

    /// The message to a client with DO, with ID 0 and without OPT.
    #[must_use]
    pub fn message(&self, question: &Question) -> Vec<u8> {
        let aa = self.kind != ReplyKind::Referral;
        compose(&Response {
            question,
            rcode: self.rcode,
            flags: ResponseFlags { aa, ..ResponseFlags::default() },
            answer: &self.answer,
            authority: &self.authority,
            additional: &self.additional,
            signatures: true,
        })
    }
}
