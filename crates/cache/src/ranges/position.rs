//! How a name lies to a range, in canonical order.

use zoners_dns::SortKey;

/// How a name lies to the range that begins at or before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangePosition {
    /// It is the one where the range begins.
    AtOwner,
    /// It is above the one where the range ends: it exists without records.
    EmptyNonTerminal,
    /// It is between the two.
    Between {
        /// Where its closest encloser, an ancestor of one of the two, begins in it.
        encloser: usize,
        /// Whether it is below the one where the range begins.
        below: bool,
    },
    /// Behind the end.
    Beyond,
}

impl RangePosition {
    pub(super) fn of(name: &SortKey, owner: &[u8], next: &[u8]) -> Self {
        let place = name.as_slice();
        if place == owner {
            return RangePosition::AtOwner;
        }
        // Behind the last one lies the apex again.
        if place >= next && next > owner {
            return RangePosition::Beyond;
        }
        // A place is the beginning of the places of all below it.
        if next.starts_with(place) {
            return RangePosition::EmptyNonTerminal;
        }
        let exists = |place: &[u8]| owner.starts_with(place) || next.starts_with(place);
        let encloser = name.with_ancestors().skip(1).find(|(_, place)| exists(place));
        let encloser = encloser.map_or(0, |(at, _)| at);
        RangePosition::Between { encloser, below: place.starts_with(owner) }
    }
}
