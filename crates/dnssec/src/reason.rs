//! Why something is bogus.

use std::fmt;

use zoners_dns::EdeCode;

/// Why a chain of trust breaks, from the least telling to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nothing is signed that must be.
    NoSignature,
    /// No signature is by the zone that the records belong to.
    WrongSigner,
    /// No signature has the labels that its owner can have (RFC 4035 section 5.3.1).
    WrongLabels,
    /// The DNSKEY RRset has no key that made the signature.
    NoKey,
    /// The key is no zone key, revoked, or cannot be one.
    UnusableKey,
    /// A limit on the work stopped it.
    TooMuchWork,
    /// The signature does not fit the records.
    BadSignature,
    /// The signature is not valid yet.
    NotYetValid,
    /// The signature has expired.
    Expired,
    /// No key matches the DS RRset.
    NoMatchingDs,
    /// The proof that something does not exist is missing or proves something else.
    NoProof,
}

impl Reason {
    /// The extended error that tells it (RFC 8914).
    #[must_use]
    pub fn code(self) -> EdeCode {
        EdeCode(match self {
            Reason::NoSignature => 10,
            Reason::NoKey | Reason::NoMatchingDs => 9,
            Reason::UnusableKey => 11,
            Reason::NotYetValid => 8,
            Reason::Expired => 7,
            Reason::NoProof => 12,
            Reason::WrongSigner
            | Reason::WrongLabels
            | Reason::TooMuchWork
            | Reason::BadSignature => 6,
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::NoSignature => "no signature",
            Reason::WrongSigner => "not signed by its zone",
            Reason::WrongLabels => "signed for another name",
            Reason::NoKey => "no key for the signature",
            Reason::UnusableKey => "a key that may not sign",
            Reason::TooMuchWork => "too much work to verify",
            Reason::BadSignature => "the signature does not fit",
            Reason::NotYetValid => "the signature is not valid yet",
            Reason::Expired => "the signature has expired",
            Reason::NoMatchingDs => "no key matches the DS records",
            Reason::NoProof => "no proof that it does not exist",
        })
    }
}
