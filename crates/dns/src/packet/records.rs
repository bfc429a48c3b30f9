//! Where the records of a message lie.

/// Octets of the header of a message.
pub(super) const HEADER_OCTETS: usize = 12;

/// A record of a message, without its owner name.
pub(super) struct RecordPlace {
    rtype_at: usize,
    /// The value of TYPE.
    pub(super) rtype: u16,
    /// The value of RDLENGTH.
    pub(super) rdlength: usize,
}

impl RecordPlace {
    /// The offset of TTL.
    pub(super) fn ttl_at(&self) -> usize {
        self.rtype_at + 4
    }

    /// The offset of RDLENGTH.
    pub(super) fn rdlength_at(&self) -> usize {
        self.rtype_at + 8
    }
}

/// Shows each record of a message to `look`. Returns the end of the last record, which is behind the end of a message
/// whose last RDATA is truncated; `None` if the message is truncated before, or `look` returns `None`.
pub(super) fn walk_records(
    message: &[u8],
    mut look: impl FnMut(RecordPlace) -> Option<()>,
) -> Option<usize> {
    let number = |at| Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]));
    let mut at = HEADER_OCTETS;
    for _ in 0..number(4)? {
        at = skip_name(message, at)? + 4;
    }
    let records = u32::from(number(6)?) + u32::from(number(8)?) + u32::from(number(10)?);
    for _ in 0..records {
        let rtype_at = skip_name(message, at)?;
        let (rtype, rdlength) = (number(rtype_at)?, usize::from(number(rtype_at + 8)?));
        look(RecordPlace { rtype_at, rtype, rdlength })?;
        at = rtype_at + 10 + rdlength;
    }
    Some(at)
}

/// The offset after the name at `at`. A pointer ends the name.
pub(crate) fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            0xC0..=0xFF => return Some(at + 2),
            _ => return None,
        }
    }
}
