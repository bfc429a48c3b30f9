//! Hashes of a name and of its ancestors, in one pass from the root down.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// The secret of the hashes. With the secret, an author of a list could put each name into the same bucket.
pub(crate) type HashKey = [u64; 2];

/// The key of names in questions, or of names of nameservers: both share the table.
pub(crate) fn key_of(key: HashKey, is_of_nameserver: bool) -> HashKey {
    if is_of_nameserver { [!key[0], key[1]] } else { key }
}

/// Labels of the longest name, the root label included.
const MAX_LABELS: usize = 128;
const MAX_NAME_OCTETS: usize = 255;

/// A name in lower case, with the hash of each suffix.
pub(crate) struct Suffixes {
    octets: [u8; MAX_NAME_OCTETS],
    length: usize,
    starts: [u8; MAX_LABELS],
    /// Hashes of the suffixes beginning at `starts`.
    hashes: [u64; MAX_LABELS],
    labels: usize,
}

/// One suffix of a name.
pub(crate) struct Suffix<'a> {
    /// On the wire, in lower case.
    pub(crate) name: &'a [u8],
    pub(crate) hash: u64,
    /// Whether the suffix is not the whole name.
    pub(crate) is_above: bool,
}

impl Suffixes {
    /// The suffixes of a name on the wire; a malformed name has suffixes up to the fault.
    pub(crate) fn of(key: HashKey, name: &[u8]) -> Self {
        let mut suffixes = Suffixes {
            octets: [0; MAX_NAME_OCTETS],
            length: name.len().min(MAX_NAME_OCTETS),
            starts: [0; MAX_LABELS],
            hashes: [0; MAX_LABELS],
            labels: 0,
        };
        let Suffixes { octets, length, starts, hashes, labels } = &mut suffixes;
        octets[..*length].copy_from_slice(&name[..*length]);
        // Octets with the length of a label are below 64, so they are not letters.
        octets[..*length].make_ascii_lowercase();
        let mut at = 0;
        while *labels < MAX_LABELS - 1 {
            match octets.get(at).copied() {
                None | Some(0) => break,
                Some(label) => {
                    starts[*labels] = at as u8;
                    *labels += 1;
                    at += 1 + usize::from(label);
                }
            }
        }
        let mut hasher = SipHasher13::new_with_keys(key[0], key[1]);
        let mut end = at.min(*length);
        for number in (0..*labels).rev() {
            let start = usize::from(starts[number]);
            hasher.write(&octets[start..end]);
            hashes[number] = hasher.finish();
            end = start;
        }
        suffixes
    }

    /// The number of labels without the root label.
    pub(crate) fn labels(&self) -> usize {
        self.labels
    }

    /// The hash of the whole name; of the root, 0.
    pub(crate) fn hash(&self) -> u64 {
        self.hashes[0]
    }

    /// The hash of the last two labels, or of a shorter name.
    pub(crate) fn hash_of_end(&self) -> u64 {
        self.hashes[self.labels.saturating_sub(2)]
    }

    /// The name and its ancestors without the root, the longest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Suffix<'_>> {
        (0..self.labels).map(|number| Suffix {
            name: &self.octets[usize::from(self.starts[number])..self.length],
            hash: self.hashes[number],
            is_above: number > 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_hashes_as_the_name_itself() {
        let key = [1, 2];
        let long = Suffixes::of(key, b"\x01a\x03WWW\x07example\x03com\0");
        let hashes: Vec<u64> = long.iter().map(|suffix| suffix.hash).collect();
        let names = [
            "\x01a\x03www\x07example\x03com\0",
            "\x03www\x07example\x03com\0",
            "\x07example\x03com\0",
            "\x03com\0",
        ];
        let alone: Vec<u64> = names.map(|name| Suffixes::of(key, name.as_bytes()).hash()).into();
        assert_eq!(hashes, alone);
        assert_eq!(long.hash_of_end(), alone[2]);
        assert!(long.iter().map(|suffix| suffix.name).eq(names.map(str::as_bytes)));
        assert_eq!(Suffixes::of(key, b"\x03com\0").hash_of_end(), alone[3]);
        assert_eq!(Suffixes::of(key, b"\0").labels(), 0);
        assert_ne!(Suffixes::of([1, 3], b"\x03com\0").hash(), alone[3]);
    }

    #[test]
    fn the_longest_and_malformed_names_are_bounded() {
        let longest = [&b"\x01a".repeat(127)[..], b"\0"].concat();
        assert_eq!(Suffixes::of([0, 0], &longest).labels(), 127);
        for broken in [&b""[..], b"\x3f", b"\x05ab", &[1; 300]] {
            Suffixes::of([0, 0], broken).iter().for_each(|suffix| drop(suffix.name.to_vec()));
        }
    }
}
