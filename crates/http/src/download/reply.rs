//! A request over a connection, and its reply.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, ETAG, HOST, HeaderName,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER, USER_AGENT,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::connect::HttpStream;
use super::{Download, DownloadError, DownloadLimits, DownloadWait, Downloaded, Validators};
use crate::HttpBody;
use crate::fetch::{AGENT, MAX_FIELDS, MAX_HEAD, beside};
use crate::url::HttpUrl;

/// Octets of the longest validator that is kept.
const MAX_VALIDATOR: usize = 512;

/// Where a reply leads.
pub(super) enum ReplyStep {
    Done(Downloaded),
    /// To this location, as the server wrote it.
    Redirect(String),
}

/// Sends the request of a download for `url` over `stream`; the content goes into `sink`.
pub(super) async fn ask(
    stream: Box<dyn HttpStream>,
    url: &HttpUrl,
    download: &Download<'_>,
    sink: &mut (dyn io::Write + Send),
) -> Result<ReplyStep, DownloadError> {
    let request = request(url, download)?;
    let mut client = http1::Builder::new();
    client.max_headers(MAX_FIELDS).max_buf_size(MAX_HEAD);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let reply = async move {
        let response = timeout(download.limits.head, sender.send_request(request)).await;
        let response = response.map_err(|_| DownloadError::Late(DownloadWait::Head))?;
        take(response.map_err(broken)?, download, sink).await
    };
    beside(connection, reply).await
}

fn request(url: &HttpUrl, download: &Download<'_>) -> Result<Request<HttpBody>, DownloadError> {
    let mut request = Request::get(url.target())
        .header(HOST, url.authority())
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, download.accept)
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close");
    if let Some(etag) = &download.validators.etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    if let Some(date) = &download.validators.last_modified {
        request = request.header(IF_MODIFIED_SINCE, date);
    }
    let made = request.body(HttpBody::default());
    made.map_err(|error| DownloadError::BadRedirect(error.to_string()))
}

/// Takes the reply: a redirect, the word that nothing has changed, or the content.
async fn take(
    response: Response<Incoming>,
    download: &Download<'_>,
    sink: &mut (dyn io::Write + Send),
) -> Result<ReplyStep, DownloadError> {
    let text = |name: HeaderName| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let status = response.status();
    let code = status.as_u16();
    let is_conditional = *download.validators != Validators::default();
    match status {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if is_conditional => {
            return Ok(ReplyStep::Done(Downloaded::Unchanged));
        }
        _ if matches!(code, 301 | 302 | 303 | 307 | 308) => {
            let nowhere =
                || DownloadError::BadRedirect("there is no header field Location".to_owned());
            return Ok(ReplyStep::Redirect(text(LOCATION).ok_or_else(nowhere)?));
        }
        _ => {
            let retry_after_s = text(RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok());
            return Err(DownloadError::Status { code, retry_after_s });
        }
    }
    if let Some(encoding) =
        text(CONTENT_ENCODING).filter(|name| !name.eq_ignore_ascii_case("identity"))
    {
        return Err(DownloadError::Encoded(encoding));
    }
    let short = |value: &String| value.len() <= MAX_VALIDATOR;
    let validators = Validators {
        etag: text(ETAG).filter(short),
        last_modified: text(LAST_MODIFIED).filter(short),
    };
    let octets = copy(response.into_body(), download.limits, sink).await?;
    Ok(ReplyStep::Done(Downloaded::Complete { validators, octets }))
}

/// Copies the content into the sink; the number of octets.
pub(super) async fn copy(
    mut body: Incoming,
    limits: &DownloadLimits,
    sink: &mut (dyn io::Write + Send),
) -> Result<u64, DownloadError> {
    let most = limits.octets;
    let too_large = || DownloadError::TooLarge(most);
    if body.size_hint().exact().is_some_and(|octets| octets > most) {
        return Err(too_large());
    }
    let mut octets = 0;
    loop {
        let next = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let next = timeout(limits.stall, next).await;
        let frame = match next.map_err(|_| DownloadError::Late(DownloadWait::Octets))? {
            None => return Ok(octets),
            Some(frame) => frame.map_err(broken)?,
        };
        // Trailers are passed over.
        let Some(data) = frame.data_ref() else { continue };
        octets += data.len() as u64;
        if octets > most {
            return Err(too_large());
        }
        sink.write_all(data).map_err(DownloadError::Sink)?;
    }
}

/// The reason of hyper, with the cause behind.
pub(super) fn broken(error: hyper::Error) -> DownloadError {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    DownloadError::Broken(format!("{error}{}", cause.unwrap_or_default()))
}
