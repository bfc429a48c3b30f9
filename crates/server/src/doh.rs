//! Messages in requests and responses of HTTP (RFC 8484). Nothing here asks or answers.

use std::borrow::Cow;

use zoners_dns::base64;
use zoners_dns::packet::ttl_offsets;
use zoners_http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use zoners_http::{HttpRequest, HttpResponse, Method, StatusCode, Version};

/// The media type of a message (RFC 8484 section 6).
const MESSAGE: &str = "application/dns-message";
/// The parameter of a GET request with the message (section 4.1).
const PARAMETER: &str = "dns";

/// Why a request has no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DohRefusal {
    /// A version of HTTP before 2: each query would wait for the answer to the query before.
    Version,
    /// There is no parameter `dns`, or its value is no base64url without padding.
    Parameter,
    /// The content is of another type.
    MediaType,
    /// There is no message.
    Empty,
}

/// The query in a request.
///
/// # Errors
/// The request has no query.
pub fn query(request: &HttpRequest) -> Result<Cow<'_, [u8]>, DohRefusal> {
    if request.version < Version::HTTP_2 {
        return Err(DohRefusal::Version);
    }
    let message = match request.method {
        Method::POST if !is_message(request) => return Err(DohRefusal::MediaType),
        Method::POST => Cow::Borrowed(&request.body[..]),
        _ => {
            let text = request.parameter(PARAMETER).ok_or(DohRefusal::Parameter)?;
            Cow::Owned(base64::decode_url(&text).ok_or(DohRefusal::Parameter)?)
        }
    };
    match message.is_empty() {
        true => Err(DohRefusal::Empty),
        false => Ok(message),
    }
}

/// Whether the content is said to be a message.
fn is_message(request: &HttpRequest) -> bool {
    let media_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|media_type| {
        let essence = media_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(MESSAGE)
    })
}

/// A reply as a response, which a cache keeps no longer than the records live (RFC 8484 section 5.1).
#[must_use]
pub fn response(reply: Vec<u8>) -> HttpResponse {
    // `format!` would take as many instructions as the look-up in the cache.
    let freshness = least_ttl(&reply).map(|ttl| ["max-age=", &ttl.to_string()].concat());
    let response = HttpResponse::new(StatusCode::OK, MESSAGE, reply);
    match freshness.and_then(|freshness| HeaderValue::try_from(freshness).ok()) {
        Some(freshness) => response.with(CACHE_CONTROL, freshness),
        None => response,
    }
}

/// The least TTL of the records; none without records, or of a message that is none.
fn least_ttl(reply: &[u8]) -> Option<u32> {
    let ttl = |at: u16| reply.get(usize::from(at)..)?.first_chunk::<4>().copied();
    let ttls = ttl_offsets(reply)?.into_iter().filter_map(ttl).map(u32::from_be_bytes);
    ttls.min()
}

impl DohRefusal {
    /// The response that says so.
    #[must_use]
    pub fn into_response(self) -> HttpResponse {
        let (status, text) = match self {
            DohRefusal::Version => (
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "DNS over HTTPS is served over HTTP/2 (RFC 8484 section 5.2)",
            ),
            DohRefusal::Parameter => (
                StatusCode::BAD_REQUEST,
                "the parameter dns must be a message in base64url without padding",
            ),
            DohRefusal::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the content must be of the type application/dns-message",
            ),
            DohRefusal::Empty => (StatusCode::BAD_REQUEST, "there is no message"),
        };
        HttpResponse::text(status, text)
    }
}

#[cfg(test)]
mod tests;
