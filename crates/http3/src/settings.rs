//! Settings of both sides (RFC 9114 section 7.2.4).

use std::collections::BTreeSet;

use crate::{Http3Fault, MAX_SECTION, varint};

/// `SETTINGS_MAX_FIELD_SECTION_SIZE`.
const MAX_FIELD_SECTION_SIZE: u64 = 0x06;

/// Judges the settings of a client; none of them changes an answer.
pub(crate) fn judge(mut payload: &[u8]) -> Result<(), Http3Fault> {
    let mut seen = BTreeSet::new();
    while !payload.is_empty() {
        let identifier = varint::read(&mut payload).ok_or(Http3Fault::FrameMalformed)?;
        varint::read(&mut payload).ok_or(Http3Fault::FrameMalformed)?;
        // Settings of HTTP/2 (RFC 9114 section 11.2.2), or the same setting twice.
        if matches!(identifier, 0x00 | 0x02..=0x05) || !seen.insert(identifier) {
            return Err(Http3Fault::Settings);
        }
    }
    Ok(())
}

/// Appends the start of the control stream of a server: the type of the stream, and the longest fields that are read.
///
/// The capacity of QPACK's dynamic table stays at zero, the value without a setting.
pub fn append_control_start(out: &mut Vec<u8>) {
    let mut payload = Vec::new();
    varint::append(MAX_FIELD_SECTION_SIZE, &mut payload);
    varint::append(MAX_SECTION as u64, &mut payload);
    out.extend([0x00, 0x04]);
    varint::append(payload.len() as u64, out);
    out.extend_from_slice(&payload);
}

/// Appends GOAWAY: no request on `stream` or a later stream is answered any more (RFC 9114 section 5.2).
pub fn append_goaway(stream: u64, out: &mut Vec<u8>) {
    let mut payload = Vec::new();
    varint::append(stream, &mut payload);
    out.push(0x07);
    varint::append(payload.len() as u64, out);
    out.extend_from_slice(&payload);
}
