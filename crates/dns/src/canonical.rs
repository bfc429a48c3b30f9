//! Sort keys: names as octets that compare in canonical order (RFC 4034 section 6.1).
//!
//! A comparison of two names parses both, label by label from the right. To compare a name with
//! many names, make its key once and compare octets.

use crate::name::NameSlice;

/// Octets of the longest key: every octet of the longest name escaped.
const MAX_KEY_OCTETS: usize = 2 * 255;
/// Labels of the longest name, the root label included.
const MAX_LABELS: usize = 128;
/// Ends a label, so that a name sorts before the names below.
const LABEL_END: u8 = 0;
/// Precedes an octet 0 or 1 of a label, which would be read as an end or an escape.
const ESCAPE: u8 = 1;

/// The sort key of a name.
#[derive(Clone)]
pub struct SortKey {
    octets: [u8; MAX_KEY_OCTETS],
    length: usize,
    /// Where each label begins in the name, from left to right, and where the key of each ancestor
    /// ends, from the root down.
    starts: [u8; MAX_LABELS],
    ends: [u16; MAX_LABELS],
    labels: usize,
}

impl SortKey {
    /// The key of a name.
    #[must_use]
    pub fn of(name: &NameSlice) -> Self {
        // The root label has a start and no octets in the key.
        let (mut starts, mut labels, mut at) = ([0; MAX_LABELS], 0, 0);
        let name = name.as_slice();
        while let Some(length) = name.get(at).filter(|length| **length > 0) {
            starts[labels] = at as u8;
            labels += 1;
            at += 1 + usize::from(*length);
        }
        starts[labels] = at as u8;
        let (mut octets, mut length, mut ends) = ([0; MAX_KEY_OCTETS], 0, [0; MAX_LABELS]);
        for (number, start) in starts[..labels].iter().rev().enumerate() {
            ends[number] = length as u16;
            let start = usize::from(*start);
            for octet in &name[start + 1..][..usize::from(name[start])] {
                let octet = octet.to_ascii_lowercase();
                if octet <= ESCAPE {
                    octets[length] = ESCAPE;
                    length += 1;
                }
                octets[length] = octet;
                length += 1;
            }
            octets[length] = LABEL_END;
            length += 1;
        }
        SortKey { octets, length, starts, ends, labels }
    }

    /// The octets of the key.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    /// The key of the name and of each ancestor up to the root, each with the offset in `name` at
    /// which the ancestor begins.
    pub fn with_ancestors(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let above = (1..=self.labels).map(|up| {
            let at = usize::from(self.starts[up]);
            (at, &self.octets[..usize::from(self.ends[self.labels - up])])
        });
        std::iter::once((0, self.as_slice())).chain(above)
    }

    /// The key of the ancestor (or of the name) that is `octets` long on the wire.
    #[must_use]
    pub fn of_length(&self, octets: usize) -> Option<&[u8]> {
        let whole = usize::from(self.starts[self.labels]) + 1;
        let at = whole.checked_sub(octets)?;
        self.with_ancestors().find(|(start, _)| *start == at).map(|(_, key)| key)
    }
}

impl std::fmt::Debug for SortKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SortKey({:?})", self.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{self, Name};
    use domain::base::name::ToName;
    use proptest::prelude::*;

    fn key(name: &Name) -> SortKey {
        SortKey::of(name.for_slice())
    }

    #[test]
    fn the_example_of_rfc_4034_is_in_order() {
        let names = [
            "example",
            "a.example",
            "yljkjljk.a.example",
            "Z.a.example",
            "zABC.a.EXAMPLE",
            "z.example",
            "\\001.z.example",
            "*.z.example",
            "\\200.z.example",
        ];
        let keys: Vec<SortKey> =
            names.iter().map(|text| key(&name::parse(text).unwrap())).collect();
        assert!(keys.is_sorted_by(|one, next| one.as_slice() < next.as_slice()), "{keys:?}");
    }

    #[test]
    fn the_longest_names_have_keys() {
        let one_octet = name::parse(&"\\000.".repeat(127)).unwrap();
        assert_eq!(one_octet.len(), 255);
        assert_eq!(key(&one_octet).with_ancestors().count(), 128);
        let label = "\\000".repeat(63);
        let long = name::parse(&format!("{label}.{label}.{label}.{}", "\\001".repeat(61))).unwrap();
        assert_eq!(key(&long).as_slice().len(), 2 * (63 * 3 + 61) + 4);
    }

    proptest! {
        #[test]
        fn keys_compare_as_names_do(
            one in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..4), 0..5),
            other in proptest::collection::vec(proptest::collection::vec(0u8..3, 1..4), 0..5),
        ) {
            let name = |labels: &[Vec<u8>]| {
                let mut octets = Vec::new();
                for label in labels {
                    octets.push(label.len() as u8);
                    octets.extend(label);
                }
                octets.push(0);
                Name::from_octets(octets.into()).unwrap()
            };
            let shared: Vec<Vec<u8>> = one.iter().skip(1).chain(&other).take(6).cloned().collect();
            let names = [name(&one), name(&other), name(&shared)];
            for one in &names {
                let own = key(one);
                let above: Vec<(usize, &[u8])> = own.with_ancestors().collect();
                prop_assert_eq!(above.len(), one.label_count());
                for ((at, octets), expected) in above.into_iter().zip(name::with_ancestors(one)) {
                    prop_assert_eq!(name::from_offset(one, at), Some(expected.clone()));
                    let expected = key(&expected);
                    prop_assert_eq!(octets, expected.as_slice());
                    prop_assert_eq!(own.of_length(one.len() - at), Some(octets));
                }
                for other in &names {
                    let keys = own.as_slice().cmp(key(other).as_slice());
                    prop_assert_eq!(keys, one.name_cmp(other));
                }
            }
        }
    }
}
