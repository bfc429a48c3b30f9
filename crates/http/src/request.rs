//! Requests, read to the end.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::{Body, Bytes};
use hyper::header::{ACCEPT, COOKIE, HeaderMap};
use hyper::{Request, Uri, Version};
use tokio::time::timeout;
use url::form_urlencoded;

use crate::ends::ConnectionEnds;
use crate::refusal::HttpRefusal;
use crate::{HttpLimits, Method};

/// A request with the body.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The path, and perhaps a query.
    pub uri: Uri,
    /// The version of HTTP.
    pub version: Version,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The address of the client.
    pub client: SocketAddr,
    /// The names (DNS) in the certificate that the client has shown; none unless TLS asks for one.
    pub client_names: Arc<[String]>,
}

impl HttpRequest {
    /// Whether the client asks for JSON by name. A browser does not.
    #[must_use]
    pub fn accepts_json(&self) -> bool {
        let accepted = self.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut types = accepted.flat_map(|value| value.split(','));
        types.any(|range| {
            let media_type = range.split(';').next().unwrap_or_default();
            media_type.trim().eq_ignore_ascii_case("application/json")
        })
    }

    /// The value of a parameter of the address.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        find(self.uri.query().unwrap_or_default().as_bytes(), name)
    }

    /// The parameters of the address: names and values.
    pub fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        let pairs = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        pairs.map(|(name, value)| (name.into_owned(), value.into_owned()))
    }

    /// The value of a field of the form in the body.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        find(&self.body, name)
    }

    /// The value of a cookie (RFC 6265 section 5.4).
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let fields = self.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = fields.flat_map(|field| field.split(';'));
        let mut cookies = pairs.filter_map(|pair| pair.trim().split_once('='));
        cookies.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Reads the body.
    ///
    /// # Errors
    /// The body is too long, too late or incomplete.
    pub(crate) async fn read<B: Body<Data = Bytes> + Unpin>(
        request: Request<B>,
        ends: ConnectionEnds,
        limits: &HttpLimits,
    ) -> Result<Self, HttpRefusal> {
        let (head, body) = request.into_parts();
        let body = match body.is_end_stream() {
            true => Bytes::new(),
            false => {
                let reading = timeout(limits.body_time, read_body(body, limits.body_octets));
                reading.await.map_err(|_| HttpRefusal::LateBody)??
            }
        };
        let (method, uri, headers, version) = (head.method, head.uri, head.headers, head.version);
        let ConnectionEnds { client, client_names, .. } = ends;
        Ok(HttpRequest { method, uri, version, headers, body, client, client_names })
    }
}

/// The first value of a name among pairs of a form.
fn find(form: &[u8], name: &str) -> Option<String> {
    form.split(|octet| *octet == b'&').find_map(|pair| {
        let (key, value) = as_written(pair)
            .map(|(key, value)| (key.into(), value.into()))
            .or_else(|| form_urlencoded::parse(pair).next())?;
        (key == name).then(|| value.into_owned())
    })
}

/// The name and the value of a pair without escapes, such as a query in base64url.
fn as_written(pair: &[u8]) -> Option<(&str, &str)> {
    let is_escape = |octet: &u8| matches!(octet, b'%' | b'+');
    let text = str::from_utf8(pair).ok().filter(|_| !pair.iter().any(is_escape))?;
    Some(text.split_once('=').unwrap_or((text, "")))
}

async fn read_body<B>(mut body: B, most: usize) -> Result<Bytes, HttpRefusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > most as u64 {
        return Err(HttpRefusal::LongBody);
    }
    let mut read = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        // Trailers have no use.
        let Ok(octets) = frame.map_err(|_| HttpRefusal::BrokenBody)?.into_data() else { continue };
        if read.len() + octets.len() > most {
            return Err(HttpRefusal::LongBody);
        }
        read.extend_from_slice(&octets);
    }
    Ok(read.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn request(uri: &'static str, cookies: &[&'static str], body: &'static str) -> HttpRequest {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_static(cookie));
        }
        let client = "127.0.0.1:1234".parse().unwrap();
        let uri = Uri::from_static(uri);
        let version = Version::HTTP_11;
        let (body, client_names) = (body.into(), Arc::default());
        HttpRequest { method: Method::GET, uri, version, headers, body, client, client_names }
    }

    #[test]
    fn parameters_and_fields_are_decoded_and_the_first_counts() {
        let request =
            request("/a?name=www.example&name=b&client=2001%3Adb8%3A%3A1", &[], "a=b+c&d");
        assert_eq!(request.parameter("name").as_deref(), Some("www.example"));
        assert_eq!(request.parameter("client").as_deref(), Some("2001:db8::1"));
        assert_eq!(request.parameter("a"), None);
        assert_eq!(request.field("a").as_deref(), Some("b c"));
        assert_eq!(request.field("d").as_deref(), Some(""));
        assert_eq!(request.field("name"), None);
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let request = request("/", &["a=1; key=2", "other-key=3; b"], "");
        assert_eq!(request.cookie("key"), Some("2"));
        assert_eq!(request.cookie("b"), None);
    }
}
