//! What a client asks on a stream.

use bytes::Bytes;
use zoners_dns::{base64, packet};
use zoners_http3::JudgedRequest;

/// What a client asks on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A message, without its length (RFC 9250).
    Message(Bytes),
    /// A request of HTTP/3.
    Request(JudgedRequest),
}

impl Asked {
    /// Octets in memory.
    pub(super) fn held(&self) -> usize {
        match self {
            Asked::Message(message) => message.len(),
            Asked::Request(request) => request.held(),
        }
    }

    /// Whether a replay does no harm, so that early data (0-RTT) may be answered (RFC 9250 section 4.5, RFC 8470). A
    /// request without a message waits for the handshake.
    pub(super) fn is_replayable(&self) -> bool {
        match self {
            Asked::Message(message) => packet::is_replayable(message),
            Asked::Request(request) if request.body.is_empty() => {
                message_in(&request.path).is_some_and(|message| packet::is_replayable(&message))
            }
            Asked::Request(request) => packet::is_replayable(&request.body),
        }
    }
}

/// The message in the parameter `dns` of a path (RFC 8484 section 4.1).
fn message_in(path: &[u8]) -> Option<Vec<u8>> {
    let (_, parameters) = std::str::from_utf8(path).ok()?.split_once('?')?;
    let message = parameters.split('&').find_map(|parameter| parameter.strip_prefix("dns="))?;
    base64::decode_url(message)
}
