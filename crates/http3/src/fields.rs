//! The fields of a message in QPACK (RFC 9204 section 4.5), with the static table alone.

use crate::{Http3Fault, huffman, prefix_integer, static_table};

/// Octets of the longest fields of a request, as RFC 9114 section 4.2.2 counts: name, value and 32 for each field.
pub const MAX_SECTION: usize = 16 * 1024;

/// Fields of a request. A browser sends about 20.
pub const MAX_FIELDS: usize = 64;

/// What RFC 9114 section 4.2.2 adds to the octets of each field.
const FIELD_OVERHEAD: usize = 32;

/// A name with a value, as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name; pseudo-fields begin with a colon.
    pub name: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

impl Field {
    /// Octets as RFC 9114 section 4.2.2 counts: name, value and 32.
    pub fn size(&self) -> usize {
        self.name.len() + self.value.len() + FIELD_OVERHEAD
    }
}

/// Reads the fields of a message.
///
/// # Errors
///
/// [`Http3Fault::Compression`] for what is no QPACK or refers to the dynamic table; [`Http3Fault::SectionTooLong`] and
/// [`Http3Fault::TooManyFields`] beyond the limits.
pub fn read_fields(mut section: &[u8]) -> Result<Vec<Field>, Http3Fault> {
    if section.len() > MAX_SECTION {
        return Err(Http3Fault::SectionTooLong);
    }
    let section = &mut section;
    let insertions = prefix_integer::read(section, 8)?;
    // The sign of the base: a base below an empty table is invalid (RFC 9204 section 4.5.1.2).
    let negative = section.first().is_some_and(|octet| octet & 0x80 != 0);
    prefix_integer::read(section, 7)?;
    if insertions != 0 || negative {
        return Err(Http3Fault::Compression);
    }
    let (mut fields, mut octets) = (Vec::new(), 0);
    while let Some(first) = section.first().copied() {
        if fields.len() == MAX_FIELDS {
            return Err(Http3Fault::TooManyFields);
        }
        let field = read_field(first, section)?;
        octets += field.size();
        if octets > MAX_SECTION {
            return Err(Http3Fault::SectionTooLong);
        }
        fields.push(field);
    }
    Ok(fields)
}

/// One field line; the highest bits of the first octet tell the form (RFC 9204 section 4.5.2 to 4.5.6).
fn read_field(first: u8, section: &mut &[u8]) -> Result<Field, Http3Fault> {
    match first {
        0xC0.. => {
            let (name, value) = known(section, 6)?;
            Ok(Field { name: name.into(), value: value.into() })
        }
        0x40..0x80 if first & 0x10 != 0 => {
            let (name, _) = known(section, 4)?;
            Ok(Field { name: name.into(), value: read_string(section, 7)? })
        }
        0x20..0x40 => Ok(Field { name: read_string(section, 3)?, value: read_string(section, 7)? }),
        _ => Err(Http3Fault::Compression),
    }
}

fn known(section: &mut &[u8], bits: u32) -> Result<(&'static str, &'static str), Http3Fault> {
    static_table::at(prefix_integer::read(section, bits)?).ok_or(Http3Fault::Compression)
}

/// A string whose length has `bits` of the first octet; the bit above tells of Huffman's code.
fn read_string(section: &mut &[u8], bits: u32) -> Result<Vec<u8>, Http3Fault> {
    let coded = section.first().is_some_and(|octet| octet >> bits & 1 != 0);
    let length = prefix_integer::read(section, bits)?;
    let length = usize::try_from(length).map_err(|_| Http3Fault::Compression)?;
    let (string, rest) = section.split_at_checked(length).ok_or(Http3Fault::Compression)?;
    *section = rest;
    if !coded {
        return Ok(string.to_vec());
    }
    let mut octets = Vec::with_capacity(string.len());
    huffman::append(string, &mut octets)?;
    Ok(octets)
}

/// Appends fields without Huffman's code: the answers of a server of DNS are short.
pub fn append_fields<'a>(
    fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    out: &mut Vec<u8>,
) {
    out.extend([0, 0]);
    for (name, value) in fields {
        match static_table::find(name, value) {
            (Some(index), _) => {
                prefix_integer::append(0xC0, 6, index, out);
                continue;
            }
            (None, Some(index)) => prefix_integer::append(0x50, 4, index, out),
            (None, None) => {
                prefix_integer::append(0x20, 3, name.len(), out);
                out.extend_from_slice(name);
            }
        }
        prefix_integer::append(0, 7, value.len(), out);
        out.extend_from_slice(value);
    }
}
