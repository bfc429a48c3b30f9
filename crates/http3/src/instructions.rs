//! The streams of QPACK (RFC 9204 section 4.3 and 4.4), as far as an empty dynamic table lets them say something.

use crate::Http3Fault;
use crate::budget::Budget;

/// Octets after the first of the longest integer (62 bits).
const LONGEST_REST: usize = 9;

/// Reads instructions of an encoder: a capacity of zero is the one that fits.
pub(crate) fn read_encoder(piece: &[u8], budget: &mut Budget) -> Result<(), Http3Fault> {
    piece.iter().try_for_each(|octet| match octet {
        0x20 => budget.ignore(1),
        _ => Err(Http3Fault::EncoderStream),
    })
}

/// What has come of a decoder's instructions.
#[derive(Debug, Default)]
pub(crate) struct DecoderInstructions {
    /// Octets of the integer under way, without the first.
    rest: Option<usize>,
}

impl DecoderInstructions {
    /// Reads instructions of a decoder: a cancelled stream is all that such a decoder can tell.
    pub(crate) fn put(&mut self, piece: &[u8], budget: &mut Budget) -> Result<(), Http3Fault> {
        for octet in piece {
            let continues = match self.rest {
                Some(LONGEST_REST) => return Err(Http3Fault::DecoderStream),
                Some(_) => octet & 0x80 != 0,
                None if octet >> 6 == 0b01 => octet & 0x3F == 0x3F,
                None => return Err(Http3Fault::DecoderStream),
            };
            self.rest = continues.then(|| self.rest.map_or(0, |rest| rest + 1));
            budget.ignore(1)?;
        }
        Ok(())
    }
}
