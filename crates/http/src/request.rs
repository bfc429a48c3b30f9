//! Requests, read to the end.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;

use hyper::body::{Body, Bytes};
use hyper::header::{ACCEPT, HeaderMap};
use hyper::{Request, Uri};
use tokio::time::timeout;

use crate::refusal::HttpRefusal;
use crate::{HttpLimits, Method};

/// A request with the body.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The path, and perhaps a query.
    pub uri: Uri,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The address of the client.
    pub client: SocketAddr,
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

    /// Reads the body.
    ///
    /// # Errors
    /// The body is too long, too late or incomplete.
    pub(crate) async fn read<B: Body<Data = Bytes> + Unpin>(
        request: Request<B>,
        client: SocketAddr,
        limits: &HttpLimits,
    ) -> Result<Self, HttpRefusal> {
        let (head, body) = request.into_parts();
        let reading = timeout(limits.body_time, read_body(body, limits.body_octets));
        let body = reading.await.map_err(|_| HttpRefusal::LateBody)??;
        let (method, uri, headers) = (head.method, head.uri, head.headers);
        Ok(HttpRequest { method, uri, headers, body, client })
    }
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
