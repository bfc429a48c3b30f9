//! Requests to the ACME server over the client of HTTP of this process, with bounds on everything that comes back.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Body;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::{HeaderMap, Method, Request, Response, Uri, header::HeaderValue};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use zoners_http::{DownloadLimits, HostAddresses, HttpCall, HttpReply, HttpUrl, TlsClient};

/// Octets of a reply, at most. A chain of certificates has some 8,000.
pub const MAX_REPLY: u64 = 64 * 1024;
/// Requests of an order, at most. An order for one name takes ten.
pub const MAX_REQUESTS: usize = 256;
/// The longest pause that a server gets, in seconds.
pub const MAX_RETRY_AFTER_S: u64 = 7 * 24 * 3600;

/// The bounds of each request.
const LIMITS: DownloadLimits = DownloadLimits {
    octets: MAX_REPLY,
    redirects: 0,
    connect: Duration::from_secs(10),
    head: Duration::from_secs(30),
    stall: Duration::from_secs(30),
    total: Duration::from_secs(60),
};

/// The way to the ACME server, for one order. Names of hosts are resolved by `H`.
#[derive(Debug)]
pub struct AcmeHttp<H>(Arc<Way<H>>);

#[derive(Debug)]
struct Way<H> {
    hosts: H,
    tls: Option<TlsClient>,
    /// Whether the directory came over TLS, so that everything else must.
    is_secure: bool,
    requests: AtomicUsize,
    /// The pause that the last refusal asked for, in seconds; 0 for none.
    wanted_s: AtomicU64,
}

impl<H> AcmeHttp<H> {
    /// The way to the server with this directory.
    pub fn new(hosts: H, tls: Option<TlsClient>, directory: &HttpUrl) -> Self {
        let (requests, wanted_s) = (AtomicUsize::new(0), AtomicU64::new(0));
        let is_secure = directory.is_secure();
        AcmeHttp(Arc::new(Way { hosts, tls, is_secure, requests, wanted_s }))
    }

    /// The pause that the last refusal asked for, in seconds.
    pub(crate) fn wanted_s(&self) -> Option<u64> {
        Some(self.0.wanted_s.load(Ordering::Relaxed)).filter(|wanted_s| *wanted_s > 0)
    }
}

impl<H> Clone for AcmeHttp<H> {
    fn clone(&self) -> Self {
        AcmeHttp(self.0.clone())
    }
}

impl<H: HostAddresses + Send + Sync + 'static> HttpClient for AcmeHttp<H> {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let way = self.0.clone();
        Box::pin(async move { way.ask(request).await.map_err(|why| Error::Other(why.into())) })
    }
}

impl<H: HostAddresses + Send + Sync> Way<H> {
    async fn ask(&self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, String> {
        if self.requests.fetch_add(1, Ordering::Relaxed) >= MAX_REQUESTS {
            return Err(format!("the server makes an order of more than {MAX_REQUESTS} requests"));
        }
        let (head, body) = request.into_parts();
        let url = self.url(&head.uri.to_string())?;
        let octets = octets_of(body).await;
        let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let body = kind.map(|kind| (kind, octets));
        let call = HttpCall { method: head.method.clone(), url: &url, body, limits: &LIMITS };
        let reply = call.run(&self.hosts, self.tls.as_ref()).await;
        let reply = reply.map_err(|error| format!("{url}: {error}"))?;
        if head.method == Method::GET && reply.status.is_success() {
            self.check_directory(&reply.content)?;
        }
        self.taken(&url, reply)
    }
}

impl<H> Way<H> {
    /// An address that the server has named.
    fn url(&self, text: &str) -> Result<HttpUrl, String> {
        let url = HttpUrl::from_str(text).map_err(|why| format!("{text}: {why}"))?;
        match self.is_secure && !url.is_secure() {
            true => Err(format!("the server leads to {url}, which is not secure")),
            false => Ok(url),
        }
    }

    /// Checks the address of nonces: instant-acme 0.8 panics where this is no address.
    fn check_directory(&self, content: &[u8]) -> Result<(), String> {
        let directory: serde_json::Value =
            serde_json::from_slice(content).map_err(|error| format!("the directory: {error}"))?;
        let nonces = directory.get("newNonce").and_then(serde_json::Value::as_str);
        let nonces = nonces.ok_or("the directory has no newNonce")?;
        self.url(nonces)?;
        Uri::from_str(nonces).map(drop).map_err(|error| format!("{nonces}: {error}"))
    }

    /// The reply as instant-acme takes it.
    fn taken(&self, url: &HttpUrl, mut reply: HttpReply) -> Result<BytesResponse, String> {
        let wanted_s = bounded_pause(&mut reply.headers);
        if !reply.status.is_success() {
            self.wanted_s.store(wanted_s.unwrap_or_default(), Ordering::Relaxed);
            // Anything but a problem document is of a proxy, or of a server that is down.
            let kind = reply.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
            if !kind.is_some_and(|kind| kind.starts_with(b"application/problem+json")) {
                return Err(format!("{url}: the server replied with status {}", reply.status));
            }
        }
        let mut response = Response::new(());
        (*response.status_mut(), *response.headers_mut()) = (reply.status, reply.headers);
        let body = Box::new(Bytes::from(reply.content));
        Ok(BytesResponse { parts: response.into_parts().0, body })
    }
}

/// The octets of a request, which has them in one piece.
async fn octets_of(mut body: BodyWrapper<Bytes>) -> Bytes {
    let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
    frame.and_then(Result::ok).and_then(|frame| frame.into_data().ok()).unwrap_or_default()
}

/// The pause in a reply, in seconds, cut to what a server gets: instant-acme 0.8 panics where the sum with the time of
/// now is no time. A date stays for the order, which ends before.
fn bounded_pause(headers: &mut HeaderMap) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wanted_s = text.parse::<u64>().ok()?.min(MAX_RETRY_AFTER_S);
    headers.insert(RETRY_AFTER, HeaderValue::from(wanted_s));
    Some(wanted_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(directory: &str) -> Way<()> {
        Arc::into_inner(AcmeHttp::new((), None, &directory.parse().unwrap()).0).unwrap()
    }

    #[test]
    fn a_directory_over_tls_leads_to_addresses_over_tls_alone() {
        let secure = way("https://acme.example/directory");
        let nonces = |url: &str| format!("{{\"newNonce\":{url:?}}}");
        assert_eq!(secure.check_directory(nonces("https://acme.example/n").as_bytes()), Ok(()));
        for wrong in ["http://acme.example/n", "n", "", "https://acme.example:99999/", "https://"] {
            assert!(secure.check_directory(nonces(wrong).as_bytes()).is_err(), "{wrong}");
        }
        for wrong in ["", "{", "[]", "{}", "{\"newNonce\":7}"] {
            assert!(secure.check_directory(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pause_is_cut_to_a_week() {
        let bounded = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            let pause = bounded_pause(&mut headers);
            (pause, headers[RETRY_AFTER].to_str().unwrap().to_owned())
        };
        assert_eq!(bounded("120"), (Some(120), "120".into()));
        let most = MAX_RETRY_AFTER_S.to_string();
        assert_eq!(bounded(&u64::MAX.to_string()), (Some(MAX_RETRY_AFTER_S), most));
        assert_eq!(bounded("Fri, 31 Dec 9999 23:59:59 GMT").0, None);
    }
}
