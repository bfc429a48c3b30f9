//! Why something is bogus.

use std::fmt;

use zoners_dns::EdeCode;

/// Why a chain of trust breaks, from the least telling to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BogusReason {
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

impl BogusReason {
    /// The extended error that tells it (RFC 8914).
    #[must_use]
    pub fn code(self) -> EdeCode {
        EdeCode(match self {
            BogusReason::NoSignature => 10,
            BogusReason::NoKey | BogusReason::NoMatchingDs => 9,
            BogusReason::UnusableKey => 11,
            BogusReason::NotYetValid => 8,
            BogusReason::Expired => 7,
            BogusReason::NoProof => 12,
            BogusReason::WrongSigner
            | BogusReason::WrongLabels
            | BogusReason::TooMuchWork
            | BogusReason::BadSignature => 6,
        })
    }
}

impl fmt::Display for BogusReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BogusReason::NoSignature => "no signature",
            BogusReason::WrongSigner => "not signed by its zone",
            BogusReason::WrongLabels => "signed for another name",
            BogusReason::NoKey => "no key for the signature",
            BogusReason::UnusableKey => "a key that may not sign",
            BogusReason::TooMuchWork => "too much work to verify",
            BogusReason::BadSignature => "the signature does not fit",
            BogusReason::NotYetValid => "the signature is not valid yet",
            BogusReason::Expired => "the signature has expired",
            BogusReason::NoMatchingDs => "no key matches the DS records",
            BogusReason::NoProof => "no proof that it does not exist",
        })
    }
}
