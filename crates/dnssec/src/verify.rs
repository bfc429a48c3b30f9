//! Whether the keys of a zone signed an RRset (RFC 4035 section 5.3).
//!
//! [`signature_checks`] discards signatures that cannot be valid. Each [`SignatureCheck`] that is
//! left costs one expensive verification, which the caller charges to its budget before it calls
//! [`SignatureCheck::verify`].

use zoners_dns::{Name, RRset, name};

use crate::algorithm;
use crate::dnskey::Dnskey;
use crate::reason::BogusReason;
use crate::rrsig::{Rrsig, Validity, labels};
use crate::signed_data;

/// Signatures read of an RRset.
pub const MAX_SIGNATURES: usize = 8;
/// Keys of one tag and algorithm tried for a signature. Tags collide by chance once, and on purpose
/// as often as an attacker likes (KeyTrap, CVE-2023-50387).
pub const MAX_COLLISIONS: usize = 2;

/// The time against which signatures are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidationTime {
    /// Seconds since 1970.
    pub now: u64,
    /// Seconds by which the clocks of this machine and of the signer may differ.
    pub skew: u32,
}

/// A signature and a key that may have made the signature.
#[derive(Clone, Debug)]
pub struct SignatureCheck<'a> {
    set: &'a RRset,
    key: &'a Dnskey,
    rrsig: Rrsig,
    left: u32,
}

/// The result of a valid signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Seconds for which the RRset may be cached: the least of the TTL, the original TTL and the
    /// remaining validity.
    pub ttl: u32,
    /// The closest encloser, if the RRset was expanded from the wildcard below. The RRset then
    /// counts only with a proof that no closer name exists.
    pub expanded_from: Option<Name>,
}

/// The pairs of a signature of `set` and a key of `zone` that are worth a verification.
///
/// # Errors
/// No pair is left; the error is the most specific reason that was found.
pub fn signature_checks<'a>(
    set: &'a RRset,
    zone: &Name,
    keys: &'a [Dnskey],
    time: ValidationTime,
) -> Result<Vec<SignatureCheck<'a>>, BogusReason> {
    let (mut found, mut reason) = (Vec::new(), BogusReason::NoSignature);
    for rdata in set.signatures.iter().take(MAX_SIGNATURES) {
        let Some(rrsig) = Rrsig::read(&rdata) else { continue };
        match of_signature(set, zone, keys, &rrsig, time) {
            Ok(candidates) => found.extend(candidates),
            Err(other) => reason = reason.max(other),
        }
    }
    if found.is_empty() { Err(reason) } else { Ok(found) }
}

fn of_signature<'a>(
    set: &'a RRset,
    zone: &Name,
    keys: &'a [Dnskey],
    rrsig: &Rrsig,
    time: ValidationTime,
) -> Result<Vec<SignatureCheck<'a>>, BogusReason> {
    if rrsig.covers != set.rtype || rrsig.signer != *zone || !name::is_within(&set.owner, zone) {
        return Err(BogusReason::WrongSigner);
    }
    // Fewer labels than the signer has would place the wildcard above the zone (CVE-2026-44690).
    let signed = usize::from(rrsig.labels);
    if signed > labels(&set.owner) || signed < name::depth(zone) {
        return Err(BogusReason::WrongLabels);
    }
    let left = match rrsig.period(time.now, time.skew) {
        Validity::Valid(left) => left,
        Validity::NotYetValid(_) => return Err(BogusReason::NotYetValid),
        Validity::Expired(_) => return Err(BogusReason::Expired),
    };
    if !algorithm::is_supported(rrsig.algorithm) {
        return Err(BogusReason::NoKey);
    }
    let matching = |key: &&Dnskey| key.tag == rrsig.key_tag && key.algorithm == rrsig.algorithm;
    let matching: Vec<&Dnskey> = keys.iter().filter(matching).take(MAX_COLLISIONS).collect();
    if matching.is_empty() {
        return Err(BogusReason::NoKey);
    }
    let usable: Vec<_> = matching
        .into_iter()
        .filter(|key| key.may_sign_zone())
        .map(|key| SignatureCheck { set, key, rrsig: rrsig.clone(), left })
        .collect();
    if usable.is_empty() { Err(BogusReason::UnusableKey) } else { Ok(usable) }
}

impl SignatureCheck<'_> {
    /// Verifies the signature with the key: one public-key operation.
    ///
    /// # Errors
    /// The key did not make the signature.
    pub fn verify(&self) -> Result<Verified, BogusReason> {
        let SignatureCheck { set, key, rrsig, left } = self;
        let data = signed_data::compose(set, rrsig);
        algorithm::verify(rrsig.algorithm, &key.key, &data, &rrsig.signature)?;
        let ttl = set.ttl.min(rrsig.original_ttl).min(*left);
        let expanded = rrsig.is_expanded(&set.owner);
        let expanded_from = expanded.then(|| name::ancestor(&set.owner, usize::from(rrsig.labels)));
        Ok(Verified { ttl, expanded_from })
    }

    /// The signatures of `set` that the revoked `key` may have made over its own revocation.
    #[must_use]
    pub fn of_revoked<'a>(
        set: &'a RRset,
        zone: &Name,
        key: &'a Dnskey,
        time: ValidationTime,
    ) -> Vec<SignatureCheck<'a>> {
        let signatures = set.signatures.iter().take(MAX_SIGNATURES);
        let rrsigs = signatures.filter_map(|rdata| Rrsig::read(&rdata)).filter(|rrsig| {
            rrsig.covers == set.rtype
                && rrsig.signer == *zone
                && rrsig.key_tag == key.tag
                && rrsig.algorithm == key.algorithm
        });
        let valid = rrsigs.filter_map(|rrsig| match rrsig.period(time.now, time.skew) {
            Validity::Valid(left) => Some(SignatureCheck { set, key, rrsig, left }),
            _ => None,
        });
        valid.take(MAX_COLLISIONS).collect()
    }

    /// The key of the check.
    #[must_use]
    pub fn key(&self) -> &Dnskey {
        self.key
    }
}
