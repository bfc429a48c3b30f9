//! A part of a name, as a person types it.

/// Octets of the longest name (RFC 1035 section 2.3.4).
const MAX_NAME_OCTETS: usize = 255;

/// A part of a name, whatever the letter case: `shop.exam` is a part of `www.shop.example.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePart(Vec<u8>);

impl NamePart {
    /// The part in a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        NamePart(text.to_ascii_lowercase().into_bytes())
    }

    /// Whether a name in wire format has the part.
    #[must_use]
    pub fn is_in(&self, name: &[u8]) -> bool {
        let mut octets = [0; MAX_NAME_OCTETS];
        let length = name.len().min(MAX_NAME_OCTETS);
        octets[..length].copy_from_slice(&name[..length]);
        let mut at = 0;
        while let Some(label) = octets[..length].get_mut(at) {
            at += 1 + usize::from(std::mem::replace(label, b'.'));
        }
        octets[..length].make_ascii_lowercase();
        self.is_part_of(&octets[..length])
    }

    /// Whether a name as text has the part.
    #[must_use]
    pub fn is_in_text(&self, name: &str) -> bool {
        self.is_part_of(name.to_ascii_lowercase().as_bytes())
    }

    fn is_part_of(&self, name: &[u8]) -> bool {
        self.0.is_empty() || name.windows(self.0.len()).any(|window| window == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zoners_dns::name;

    #[test]
    fn a_part_is_found_over_labels_and_in_any_letter_case() {
        let name = name::parse("www.Shop-1.example").unwrap();
        let is_in = |part: &str| {
            let part = NamePart::new(part);
            let found = part.is_in(name.as_slice());
            assert_eq!(part.is_in_text("www.Shop-1.example."), found);
            found
        };
        for part in ["", "SHOP", "op-1.exam", "www.shop-1.example", "example.", "1"] {
            assert!(is_in(part), "{part}");
        }
        for part in ["shop.", "www-", "examples", "w.s.e"] {
            assert!(!is_in(part), "{part}");
        }
        for broken in [&b""[..], b"\x3f", &[7; 300]] {
            assert!(!NamePart::new("a").is_in(broken));
        }
    }
}
