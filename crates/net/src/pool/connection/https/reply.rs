//! A reply over HTTPS.

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::client::ResponseFuture;
use http::{HeaderMap, StatusCode, header};
use zoners_dns::{HttpFault, NetworkError, packet};

use super::{DNS_MESSAGE, Ended, ended};
use crate::held::Account;

/// Octets of the longest message (RFC 8484 section 6).
pub(in crate::pool) const MAX_BODY_OCTETS: usize = 65_535;

/// Reads a reply; `account` records the memory held meanwhile.
///
/// # Errors
/// The server sent something else than a message, or the stream ended.
pub(super) async fn read_reply(
    response: ResponseFuture,
    account: &Account,
) -> Result<BytesMut, Ended> {
    let (head, body) = response.await.map_err(ended)?.into_parts();
    if head.status != StatusCode::OK {
        return Err(faulty(HttpFault::Status(head.status.as_u16())));
    }
    if !is_dns_message(&head.headers) {
        return Err(faulty(HttpFault::ContentType));
    }
    let mut reply = read_body(body, account).await?;
    packet::subtract_age(&mut reply, age_of(&head.headers));
    Ok(reply)
}

/// The seconds for which caches of HTTP have kept a reply (RFC 8484 section 5.1): the first value, if that is a number
/// (RFC 9111 section 5.1).
fn age_of(headers: &HeaderMap) -> u32 {
    let value = headers.get(header::AGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = value.split(',').next().unwrap_or_default().trim();
    let is_number = !first.is_empty() && first.bytes().all(|octet| octet.is_ascii_digit());
    // A number of too many digits is an age beyond all TTLs.
    if is_number { first.parse().unwrap_or(u32::MAX) } else { 0 }
}

/// Whether the body is a DNS message: the media type, perhaps with parameters (RFC 9110 section 8.3.1).
fn is_dns_message(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return false };
    let media_type = value.as_bytes().split(|octet| *octet == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(DNS_MESSAGE.as_bytes())
}

async fn read_body(mut body: RecvStream, account: &Account) -> Result<BytesMut, Ended> {
    let mut read = HeldBody { octets: BytesMut::new(), held: 0, account };
    while let Some(piece) = body.data().await {
        let piece = piece.map_err(ended)?;
        // An error here is an error of the next piece too.
        let _ = body.flow_control().release_capacity(piece.len());
        if read.octets.len() + piece.len() > MAX_BODY_OCTETS {
            return Err(faulty(HttpFault::TooLong));
        }
        read.put(&piece).await;
    }
    Ok(std::mem::take(&mut read.octets))
}

fn faulty(fault: HttpFault) -> Ended {
    Ended::Alone(NetworkError::Http(fault))
}

/// The octets of a body so far; the drop frees their memory.
struct HeldBody<'a> {
    octets: BytesMut,
    held: usize,
    account: &'a Account,
}

impl HeldBody<'_> {
    /// Appends a piece; waits while all connections hold too much.
    async fn put(&mut self, piece: &Bytes) {
        self.octets.extend_from_slice(piece);
        self.account.add(piece.len());
        self.held += piece.len();
        self.account.room().await;
    }
}

impl Drop for HeldBody<'_> {
    fn drop(&mut self) {
        self.account.free(self.held);
    }
}
