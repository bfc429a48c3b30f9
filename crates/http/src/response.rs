//! Responses.

use hyper::Response;
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};

use crate::{HttpBody, StatusCode};

/// A response. No response is kept by a cache, and no browser guesses the type, unless a handler says otherwise.
#[derive(Debug)]
pub struct HttpResponse(Response<HttpBody>);

impl HttpResponse {
    /// A response with a body of a type.
    #[must_use]
    pub fn new(status: StatusCode, content_type: &'static str, body: impl Into<HttpBody>) -> Self {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        HttpResponse(response)
            .with(CONTENT_TYPE, HeaderValue::from_static(content_type))
            .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
    }

    /// A plain text; a line break is added.
    #[must_use]
    pub fn text(status: StatusCode, text: &str) -> Self {
        HttpResponse::new(status, "text/plain; charset=utf-8", format!("{text}\n"))
    }

    /// A JSON object; a line break is added.
    #[must_use]
    pub fn json(status: StatusCode, object: &str) -> Self {
        HttpResponse::new(status, "application/json", format!("{object}\n"))
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The value of a header field, if it is a text.
    #[must_use]
    pub fn field(&self, name: &HeaderName) -> Option<&str> {
        self.0.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The body.
    #[must_use]
    pub fn into_body(self) -> HttpBody {
        self.0.into_body()
    }

    /// The same response with a header field, which replaces an earlier field of the name.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().insert(name, value);
        self
    }

    /// The same response, after which the connection is closed.
    #[must_use]
    pub(crate) fn closing(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }

    pub(crate) fn into_hyper(self) -> Response<HttpBody> {
        self.0
    }
}
