//! A zone from the text of a zone file (RFC 1035 section 5).

use zoners_dns::Name;
use zoners_dns::zonefile::{self, ZonefileError};

use crate::builder::ZoneBuilder;
use crate::zone::AuthoritativeZone;

/// Reads a zone file; names are relative to the apex. The zone may take `max_octets` of memory.
///
/// # Errors
/// The text is malformed, or is no zone: a record lies outside, an alias has other records, or the SOA record is
/// missing. The error has the line number.
pub fn load(
    apex: &Name,
    text: &str,
    max_octets: usize,
) -> Result<AuthoritativeZone, ZonefileError> {
    let mut builder = ZoneBuilder::new(apex.clone(), max_octets);
    let mut last = 1;
    zonefile::read(text, apex, |record, line| {
        last = line;
        match builder.conflict(&record) {
            Some(conflict) => Err(conflict),
            None => builder.add(record),
        }
    })?;
    builder.build().map_err(|what| ZonefileError { line: last, what })
}

#[cfg(test)]
mod tests;
