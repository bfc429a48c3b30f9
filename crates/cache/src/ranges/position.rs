//! The position of a name relative to a range, in canonical order.

use zoners_dns::SortKey;

/// The position of a name relative to the range that begins at or before the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangePosition {
    /// The name is the owner of the NSEC record.
    AtOwner,
    /// The next name lies below the name, so the name is an empty non-terminal.
    EmptyNonTerminal,
    /// The name is covered and does not exist.
    Between {
        /// The offset in the name at which the closest encloser begins.
        encloser: usize,
        /// Whether the name lies below the owner.
        below: bool,
    },
    /// The name sorts after the end of the range.
    Beyond,
}

impl RangePosition {
    pub(super) fn of(name: &SortKey, owner: &[u8], next: &[u8]) -> Self {
        let place = name.as_slice();
        if place == owner {
            return RangePosition::AtOwner;
        }
        // The last range of a zone ends at the apex.
        if place >= next && next > owner {
            return RangePosition::Beyond;
        }
        // The key of a name is a prefix of the keys of all names below.
        if next.starts_with(place) {
            return RangePosition::EmptyNonTerminal;
        }
        let exists = |place: &[u8]| owner.starts_with(place) || next.starts_with(place);
        let encloser = name.with_ancestors().skip(1).find(|(_, place)| exists(place));
        let encloser = encloser.map_or(0, |(at, _)| at);
        RangePosition::Between { encloser, below: place.starts_with(owner) }
    }
}
