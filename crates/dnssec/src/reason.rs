//! Why an answer is bogus.

use std::fmt;

use zoners_dns::EdeCode;

/// Why a chain of trust is broken, ordered from the least to the most specific reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BogusReason {
    /// The RRset must be signed and has no signature.
    NoSignature,
    /// No signature is made by the zone of the records.
    WrongSigner,
    /// No signature has a label count that is possible for the owner name (RFC 4035 section 5.3.1).
    WrongLabels,
    /// The DNSKEY RRset does not contain the key of the signature.
    NoKey,
    /// The key is not a zone key, is revoked, or has no valid format.
    UnusableKey,
    /// A limit on verifications or hashes was reached.
    TooMuchWork,
    /// The signature does not match the records.
    BadSignature,
    /// The signature is not valid yet.
    NotYetValid,
    /// The signature has expired.
    Expired,
    /// No key matches the DS RRset.
    NoMatchingDs,
    /// The proof of non-existence is missing, or proves something else.
    NoProof,
}

impl BogusReason {
    /// The extended DNS error for the reason (RFC 8914).
    #[must_use]
    pub fn code(self) -> EdeCode {
        match self {
            BogusReason::NoSignature => EdeCode::RRSIGS_MISSING,
            BogusReason::NoKey | BogusReason::NoMatchingDs => EdeCode::DNSKEY_MISSING,
            BogusReason::UnusableKey => EdeCode::NO_ZONE_KEY_BIT,
            BogusReason::NotYetValid => EdeCode::SIGNATURE_NOT_YET_VALID,
            BogusReason::Expired => EdeCode::SIGNATURE_EXPIRED,
            BogusReason::NoProof => EdeCode::NSEC_MISSING,
            BogusReason::WrongSigner
            | BogusReason::WrongLabels
            | BogusReason::TooMuchWork
            | BogusReason::BadSignature => EdeCode::BOGUS,
        }
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
