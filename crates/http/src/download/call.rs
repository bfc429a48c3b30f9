//! A request with a method and a body of the caller, and the whole reply in memory.

#[cfg(test)]
mod tests;

use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::connect::{Reach, connect};
use super::reply::{broken, copy};
use super::{DownloadError, DownloadLimits, DownloadWait, HostAddresses, TlsClient};
use crate::HttpBody;
use crate::fetch::{AGENT, MAX_FIELDS, MAX_HEAD, beside};
use crate::url::HttpUrl;

/// A request to be made. Redirects are not followed, so that a body reaches the named host alone.
#[derive(Clone, Debug)]
pub struct HttpCall<'a> {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: &'a HttpUrl,
    /// The media type of the body, and the body.
    pub body: Option<(&'a str, Bytes)>,
    /// The bounds; `redirects` counts for nothing.
    pub limits: &'a DownloadLimits,
}

/// The reply, whatever its status.
#[derive(Clone, Debug)]
pub struct HttpReply {
    /// The status.
    pub status: StatusCode,
    /// The header fields: 64 at most.
    pub headers: HeaderMap,
    /// The whole content.
    pub content: Vec<u8>,
}

impl HttpCall<'_> {
    /// Makes the request. Without `tls`, an address with `https` is an error.
    ///
    /// # Errors
    /// There is no whole reply within the bounds.
    pub async fn run(
        &self,
        hosts: &impl HostAddresses,
        tls: Option<&TlsClient>,
    ) -> Result<HttpReply, DownloadError> {
        let whole = timeout(self.limits.total, self.ask(hosts, tls)).await;
        whole.unwrap_or(Err(DownloadError::Late(DownloadWait::Total)))
    }

    async fn ask(
        &self,
        hosts: &impl HostAddresses,
        tls: Option<&TlsClient>,
    ) -> Result<HttpReply, DownloadError> {
        let request = self.request()?;
        let mut reach = Reach::default();
        let stream = connect(self.url, hosts, tls, &mut reach, self.limits.connect).await?;
        let mut client = http1::Builder::new();
        client.max_headers(MAX_FIELDS).max_buf_size(MAX_HEAD);
        let (mut sender, connection) =
            client.handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let reply = async move {
            let response = timeout(self.limits.head, sender.send_request(request)).await;
            let response = response.map_err(|_| DownloadError::Late(DownloadWait::Head))?;
            let (head, body) = response.map_err(broken)?.into_parts();
            let mut content = Vec::new();
            copy(body, self.limits, &mut content).await?;
            Ok(HttpReply { status: head.status, headers: head.headers, content })
        };
        beside(connection, reply).await
    }

    fn request(&self) -> Result<Request<HttpBody>, DownloadError> {
        let request = Request::builder()
            .method(self.method.clone())
            .uri(self.url.target())
            .header(HOST, self.url.authority())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT_ENCODING, "identity")
            .header(CONNECTION, "close");
        let made = match &self.body {
            Some((kind, octets)) => {
                request.header(CONTENT_TYPE, *kind).body(HttpBody::from(octets.clone()))
            }
            None => request.body(HttpBody::default()),
        };
        made.map_err(|error| DownloadError::Broken(error.to_string()))
    }
}
