//! The signatures of a transfer, in which each signature continues the signature before.

use zoners_dns::message::TsigRecord;

use super::{TsigFault, TsigKey, with_length, without_tsig};

/// Unsigned messages between two signed messages of a transfer, at most (RFC 8945 section 5.3.1).
const MAX_UNSIGNED: u32 = 99;

/// Checks the replies to a signed request, of which a transfer has many (RFC 8945 section 5.3.1).
#[derive(Debug)]
pub struct TsigStream {
    key: TsigKey,
    /// The MAC before, with its length.
    prior: Vec<u8>,
    /// Messages since the last signed message.
    unsigned: Vec<u8>,
    unsigned_messages: u32,
    is_first: bool,
}

impl TsigStream {
    /// Checks the replies to a request with this MAC.
    #[must_use]
    pub fn new(key: TsigKey, request_mac: &[u8]) -> Self {
        let prior = with_length(request_mac);
        TsigStream { key, prior, unsigned: Vec::new(), unsigned_messages: 0, is_first: true }
    }

    /// Takes the next message. A message without TSIG counts once a later message is signed.
    ///
    /// # Errors
    /// The first message is not signed, too many messages are not signed, or a signature does not hold.
    pub fn take(
        &mut self,
        message: &[u8],
        tsig: Option<&TsigRecord>,
        now: u64,
    ) -> Result<(), TsigFault> {
        let Some(tsig) = tsig else {
            self.unsigned_messages += 1;
            if self.is_first || self.unsigned_messages > MAX_UNSIGNED {
                return Err(TsigFault::Unsigned);
            }
            self.unsigned.extend_from_slice(message);
            return Ok(());
        };
        let fields = self.key.fields(tsig)?;
        let own = without_tsig(message, tsig, &fields).ok_or(TsigFault::Malformed)?;
        let variables = match self.is_first {
            true => self.key.variables(&fields),
            false => fields.timers(),
        };
        let signed = [&*self.prior, &self.unsigned, &own, &variables].concat();
        self.key.verify(&signed, &fields, now)?;
        self.prior = with_length(fields.mac);
        self.unsigned.clear();
        (self.unsigned_messages, self.is_first) = (0, false);
        Ok(())
    }

    /// Whether the last message was signed, as the last message of a transfer must be.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.is_first && self.unsigned_messages == 0
    }
}
