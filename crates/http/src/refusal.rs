//! Requests refused before a handler sees them.

use hyper::header::{ALLOW, HeaderValue};

use crate::{HttpResponse, Method, StatusCode};

/// Why the service refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HttpRefusal {
    /// The request has no Host, two, or one that is no host.
    NoHost,
    /// The Host is neither an address of the listener nor a name of the service.
    ForeignHost,
    /// The web page behind the request is of a different host.
    ForeignOrigin,
    /// The client has shown its certificate under another configuration of TLS (RFC 9110 section 15.5.20).
    OutdatedTls,
    /// No route has the path.
    NoPath,
    /// The path has routes for these methods alone.
    NoMethod(Vec<Method>),
    /// The fields exceed the limit.
    LongHead,
    /// A method, an address or a field that is none.
    MalformedHead,
    /// The body exceeds the limit.
    LongBody,
    /// The body did not come in time.
    LateBody,
    /// The body ended early, or the framing is wrong.
    BrokenBody,
}

impl HttpRefusal {
    /// The response. The rest of a body would be read as a request, so the connection is closed.
    pub(crate) fn into_response(self) -> HttpResponse {
        let (status, text) = self.explain();
        let response = HttpResponse::text(status, text);
        match self {
            HttpRefusal::NoMethod(allowed) => {
                let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
                match HeaderValue::try_from(allowed.join(", ")) {
                    Ok(allowed) => response.with(ALLOW, allowed),
                    Err(_) => response,
                }
            }
            HttpRefusal::OutdatedTls
            | HttpRefusal::LongBody
            | HttpRefusal::LateBody
            | HttpRefusal::BrokenBody => response.closing(),
            _ => response,
        }
    }

    fn explain(&self) -> (StatusCode, &'static str) {
        match self {
            HttpRefusal::NoHost => {
                (StatusCode::BAD_REQUEST, "the request must name one host (Host)")
            }
            HttpRefusal::ForeignHost => (
                StatusCode::MISDIRECTED_REQUEST,
                "this service does not have the host of the request; the configuration can add names",
            ),
            HttpRefusal::ForeignOrigin => {
                (StatusCode::FORBIDDEN, "pages of other sites may not ask this service")
            }
            HttpRefusal::OutdatedTls => (
                StatusCode::MISDIRECTED_REQUEST,
                "the service asks for other certificates since the connection began: connect anew",
            ),
            HttpRefusal::NoPath => (StatusCode::NOT_FOUND, "nothing has this path"),
            HttpRefusal::NoMethod(_) => {
                (StatusCode::METHOD_NOT_ALLOWED, "the path does not have this method")
            }
            HttpRefusal::LongHead => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the fields are too long")
            }
            HttpRefusal::MalformedHead => {
                (StatusCode::BAD_REQUEST, "the method, the address or a field is malformed")
            }
            HttpRefusal::LongBody => (StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"),
            HttpRefusal::LateBody => (StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
            HttpRefusal::BrokenBody => (StatusCode::BAD_REQUEST, "the body is incomplete"),
        }
    }
}
