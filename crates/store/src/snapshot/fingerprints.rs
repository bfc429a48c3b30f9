//! The origin of answers: what must be alike for a stored answer to count, as hashes.

use aws_lc_rs::digest::{SHA256, digest};

/// The most trust anchors that are told apart, which bounds the head of a file. Beyond this
/// number, each added or withdrawn trust anchor makes all proofs foreign.
pub(super) const MAX_ANCHORS: usize = 256;
/// Octets of the hash of a trust anchor.
pub(super) const ANCHOR_LENGTH: usize = 16;

/// The origin of the answers in a file, or of the answers that nodes share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// Hash of the configured sources; answers of other sources may differ.
    pub sources: [u8; 32],
    /// Hash of the validation rules; under other rules the DNSSEC status may differ.
    pub(super) rules: [u8; 32],
    /// Hashes of the trust anchors, sorted.
    pub(super) anchors: Vec<[u8; ANCHOR_LENGTH]>,
}

impl Fingerprints {
    /// The fingerprints of two texts that describe sources and validation rules, without trust anchors. The rules name
    /// the zones of the trust anchors: the first trust anchor of a zone changes what is proven there.
    #[must_use]
    pub fn of(sources: &str, rules: &str) -> Self {
        let (sources, rules) = (hash(sources.as_bytes()), hash(rules.as_bytes()));
        Fingerprints { sources, rules, anchors: Vec::new() }
    }

    /// These fingerprints with trust anchors, each a text, in any order.
    #[must_use]
    pub fn anchored_in(self, anchors: impl IntoIterator<Item = String>) -> Self {
        let short = |octets: &[u8]| hash(octets).first_chunk().copied().unwrap_or_default();
        let mut anchors: Vec<_> =
            anchors.into_iter().map(|anchor| short(anchor.as_bytes())).collect();
        anchors.sort_unstable();
        anchors.dedup();
        if anchors.len() > MAX_ANCHORS {
            anchors = vec![short(anchors.as_flattened())];
        }
        Fingerprints { anchors, ..self }
    }

    /// Whether an answer that was proven under `former` is proven under these fingerprints too: the rules are the same,
    /// and no trust anchor is withdrawn. A further key withdraws nothing (RFC 5011).
    #[must_use]
    pub fn prove_all_of(&self, former: &Fingerprints) -> bool {
        self.rules == former.rules
            && former.anchors.iter().all(|anchor| self.anchors.contains(anchor))
    }

    /// Hash of the validation rules and the trust anchors: nodes with the same hash prove alike.
    #[must_use]
    pub fn proofs(&self) -> [u8; 32] {
        hash(&[&self.rules, self.anchors.as_flattened()].concat())
    }
}

fn hash(octets: &[u8]) -> [u8; 32] {
    digest(&SHA256, octets).as_ref().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchored(anchors: impl IntoIterator<Item = usize>) -> Fingerprints {
        Fingerprints::of("hints", "rules").anchored_in(anchors.into_iter().map(|at| at.to_string()))
    }

    #[test]
    fn a_further_trust_anchor_keeps_proofs_and_a_withdrawn_one_does_not() {
        let (one, both) = (anchored([1]), anchored([2, 1, 1]));
        assert_eq!(both, anchored([1, 2]));
        assert!(both.prove_all_of(&one) && !one.prove_all_of(&both));
        assert!(both.proofs() != one.proofs() && both.proofs() == anchored([1, 2]).proofs());
        let lax = Fingerprints::of("hints", "lax").anchored_in(["1".to_owned()]);
        assert!(!lax.prove_all_of(&one) && lax.proofs() != one.proofs());
    }

    #[test]
    fn more_trust_anchors_than_the_head_holds_are_one() {
        assert_eq!(anchored(0..MAX_ANCHORS).anchors.len(), MAX_ANCHORS);
        let (more, most) = (anchored(0..MAX_ANCHORS + 1), anchored(0..MAX_ANCHORS + 2));
        assert_eq!((more.anchors.len(), most.anchors.len()), (1, 1));
        assert!(more.prove_all_of(&more) && !most.prove_all_of(&more));
    }
}
