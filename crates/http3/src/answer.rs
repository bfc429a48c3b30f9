//! The answer to a request as octets of its stream (RFC 9114 section 4.1).

use crate::{append_fields, varint};

/// Appends a whole answer: a frame of fields, and a frame of data for a body.
///
/// `status` has three digits; the names of `fields` are in lower case.
pub fn append_answer(status: u16, fields: &[(&[u8], &[u8])], body: &[u8], out: &mut Vec<u8>) {
    let status = status.to_string();
    let pseudo = (&b":status"[..], status.as_bytes());
    let mut section = Vec::new();
    append_fields(std::iter::once(pseudo).chain(fields.iter().copied()), &mut section);
    append_frame(0x01, &section, out);
    if !body.is_empty() {
        append_frame(0x00, body, out);
    }
}

fn append_frame(kind: u64, payload: &[u8], out: &mut Vec<u8>) {
    varint::append(kind, out);
    varint::append(payload.len() as u64, out);
    out.extend_from_slice(payload);
}
